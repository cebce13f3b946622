package tenant

import (
	"google.golang.org/grpc"

	driverv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/driver/v1"

	"github.com/yunqiao/yunqiao/drivers/openstack/session"
	"github.com/yunqiao/yunqiao/drivers/sdk"
)

// Register adds the service.
func Register(r grpc.ServiceRegistrar, accounts *sdk.Accounts[*session.Session]) {
	driverv1.RegisterTenantServiceServer(r, &server{accounts: accounts})
}

// Features lists what the package implements.
func Features() []*driverv1.Feature {
	return []*driverv1.Feature{
		{Name: "account.cloud_tenant.disable"},
		{Name: "account.cloud_tenant.provision", Note: "A Keystone project with a user and an application credential; needs the role admin"},
		{Name: "account.cloud_tenant.quotas", Note: "Limits at Nova, Neutron, Cinder and Octavia"},
	}
}

// AbsentFeatures lists what an account may not do.
func AbsentFeatures(s *session.Session) []string {
	if Offers(s) {
		return nil
	}
	return sdk.FeatureNames(Features())
}

// Offers tells whether an account may make tenants.
func Offers(s *session.Session) bool { return s.Administers() }
