package vpn

import (
	"context"
	"strings"

	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	securityv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/security/v1"
	"google.golang.org/grpc"

	"github.com/yunqiao/yunqiao/drivers/openstack/rest"
	"github.com/yunqiao/yunqiao/drivers/openstack/session"
	"github.com/yunqiao/yunqiao/drivers/sdk"
)

// Aliases of the extensions of Neutron that the package works on.
const (
	extension       = "vpnaas"
	extensionGroups = "vpn-endpoint-groups"
)

// Register adds the VPN services, which work in the given accounts.
func Register(r grpc.ServiceRegistrar, accounts *sdk.Accounts[*session.Session]) {
	b := base{accounts: accounts}
	securityv1.RegisterVpnServiceServiceServer(r, &serviceServer{base: b})
	securityv1.RegisterIkePolicyServiceServer(r, &ikeServer{base: b})
	securityv1.RegisterIpsecPolicyServiceServer(r, &ipsecServer{base: b})
	securityv1.RegisterIpsecConnectionServiceServer(r, &connectionServer{base: b})
}

// Offers tells whether the account's cloud has what an rpc of the package needs.
// Without endpoint groups, connections are only read and removed.
func Offers(s *session.Session, method string) bool {
	switch _, rpc, _ := strings.Cut(method, "/"); rpc {
	case "CreateIpsecConnection", "UpdateIpsecConnection":
		return s.Extensions[extension] && s.Extensions[extensionGroups]
	default:
		return s.Extensions[extension]
	}
}

// base is what all servers of the package share.
type base struct {
	accounts *sdk.Accounts[*session.Session]
}

// open finds the session of the call's account and its Neutron client. Errors:
// UNSUPPORTED_METHOD where one of the extensions is absent.
func (b base) open(ctx context.Context, extensions ...string) (*session.Session, *rest.Client, error) {
	s, err := b.accounts.From(ctx)
	if err != nil {
		return nil, nil, err
	}
	if err := session.Require(s.Network); err != nil {
		return nil, nil, err
	}
	for _, alias := range append(extensions, extension) {
		if !s.Extensions[alias] {
			return nil, nil, sdk.NewError(apiv1.Reason_REASON_UNSUPPORTED_METHOD)
		}
	}
	return s, rest.For(s, s.Network), nil
}
