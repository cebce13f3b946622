package vpn

import (
	"time"

	securityv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/security/v1"
	"google.golang.org/grpc"

	"github.com/yunqiao/yunqiao/drivers/alibaba/session"
	"github.com/yunqiao/yunqiao/drivers/sdk"
)

const (
	// pollAfter is how soon a started change is worth looking at.
	pollAfter = 3 * time.Second
	// gatewayPoll is the same of a VPN gateway, which takes minutes.
	gatewayPoll = 10 * time.Second
)

// Register adds the VPN services, which work in the given accounts.
func Register(r grpc.ServiceRegistrar, accounts *sdk.Accounts[*session.Session]) {
	b := base{accounts: accounts}
	securityv1.RegisterVpnServiceServiceServer(r, &serviceServer{base: b})
	securityv1.RegisterIkePolicyServiceServer(r, &ikeServer{base: b})
	securityv1.RegisterIpsecPolicyServiceServer(r, &ipsecServer{base: b})
	securityv1.RegisterIpsecConnectionServiceServer(r, &connectionServer{base: b})
}

// base is what all servers of the package share.
type base struct {
	accounts *sdk.Accounts[*session.Session]
}
