package network

import (
	"context"

	networkv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/network/v1"
	"google.golang.org/grpc"

	"github.com/yunqiao/yunqiao/drivers/openstack/rest"
	"github.com/yunqiao/yunqiao/drivers/openstack/session"
	"github.com/yunqiao/yunqiao/drivers/sdk"
)

// Register adds the network services, which work in the given accounts.
func Register(r grpc.ServiceRegistrar, accounts *sdk.Accounts[*session.Session]) {
	b := base{accounts: accounts}
	networkv1.RegisterNetworkServiceServer(r, &networkServer{base: b})
	networkv1.RegisterSubnetServiceServer(r, &subnetServer{base: b})
	networkv1.RegisterRouterServiceServer(r, &routerServer{base: b})
	networkv1.RegisterSecurityGroupServiceServer(r, &securityGroupServer{base: b})
	networkv1.RegisterNicServiceServer(r, &nicServer{base: b})
	networkv1.RegisterPublicIpServiceServer(r, &publicIPServer{base: b})
}

// base is what all servers of the package share.
type base struct {
	accounts *sdk.Accounts[*session.Session]
}

// open finds the session of the call's account and its Neutron client.
func (b base) open(ctx context.Context) (*session.Session, *rest.Client, error) {
	s, err := b.accounts.From(ctx)
	if err != nil {
		return nil, nil, err
	}
	if err := session.Require(s.Network); err != nil {
		return nil, nil, err
	}
	return s, rest.For(s, s.Network), nil
}
