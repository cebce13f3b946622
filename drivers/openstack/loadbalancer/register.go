package loadbalancer

import (
	"context"

	networkv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/network/v1"
	"google.golang.org/grpc"

	"github.com/yunqiao/yunqiao/drivers/openstack/rest"
	"github.com/yunqiao/yunqiao/drivers/openstack/session"
	"github.com/yunqiao/yunqiao/drivers/sdk"
)

// Register adds the load balancer service, which works in the given accounts.
func Register(r grpc.ServiceRegistrar, accounts *sdk.Accounts[*session.Session]) {
	networkv1.RegisterLoadBalancerServiceServer(r, &server{accounts: accounts})
}

type server struct {
	networkv1.UnimplementedLoadBalancerServiceServer
	accounts *sdk.Accounts[*session.Session]
}

var _ networkv1.LoadBalancerServiceServer = (*server)(nil)

// open finds the session of the call's account and its Octavia client.
func (s *server) open(ctx context.Context) (*session.Session, *rest.Client, error) {
	account, err := s.accounts.From(ctx)
	if err != nil {
		return nil, nil, err
	}
	if err := session.Require(account.LoadBalancer); err != nil {
		return nil, nil, err
	}
	return account, rest.For(account, account.LoadBalancer), nil
}
