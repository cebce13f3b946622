package zonal

import (
	"time"

	networkv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/network/v1"

	"github.com/yunqiao/yunqiao/drivers/alibaba/session"
)

// pollAfter is how soon a new instance, or what another job changes, is worth looking
// at.
const pollAfter = time.Second

// Server serves one of the products in the open accounts.
type Server struct {
	networkv1.UnimplementedLoadBalancerServiceServer
	*Product
	accounts *session.Accounts
}

var _ networkv1.LoadBalancerServiceServer = (*Server)(nil)

// New serves a product.
func New(p *Product, accounts *session.Accounts) *Server {
	return &Server{Product: p, accounts: accounts}
}

// States that are told without a look at the cloud.
const (
	creating = networkv1.LoadBalancerState_LOAD_BALANCER_STATE_CREATING
	updating = networkv1.LoadBalancerState_LOAD_BALANCER_STATE_UPDATING
	deleting = networkv1.LoadBalancerState_LOAD_BALANCER_STATE_DELETING
	deleted  = networkv1.LoadBalancerState_LOAD_BALANCER_STATE_DELETED
	active   = networkv1.LoadBalancerState_LOAD_BALANCER_STATE_ACTIVE
)
