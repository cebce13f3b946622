package loadbalancer

import (
	"time"

	networkv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/network/v1"
	"google.golang.org/grpc"

	"github.com/yunqiao/yunqiao/drivers/alibaba/session"
)

// pollAfter is how soon a started change is worth looking at.
const pollAfter = time.Second

// Register adds the load balancer service, which works in the given accounts.
func Register(r grpc.ServiceRegistrar, accounts *session.Accounts) {
	networkv1.RegisterLoadBalancerServiceServer(r, newFront(accounts))
}

// server serves CLB.
type server struct {
	networkv1.UnimplementedLoadBalancerServiceServer
	accounts *session.Accounts
}

var _ networkv1.LoadBalancerServiceServer = (*server)(nil)
