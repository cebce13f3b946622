package tenant

import (
	"google.golang.org/grpc"

	driverv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/driver/v1"

	"github.com/yunqiao/yunqiao/drivers/alibaba/session"
	"github.com/yunqiao/yunqiao/drivers/sdk"
)

// Register adds the service.
func Register(r grpc.ServiceRegistrar, accounts *session.Accounts) {
	driverv1.RegisterTenantServiceServer(r, &server{accounts: accounts})
}

// Features lists what the package implements.
func Features() []*driverv1.Feature {
	return []*driverv1.Feature{
		{Name: "account.cloud_tenant.disable"},
		{Name: "account.cloud_tenant.provision", Note: "A resource group with a RAM user whose policy holds in it; needs the rights of AliyunRAMFullAccess"},
	}
}

// Attributes: tenants have none.
func Attributes() []*driverv1.AttributeDoc { return nil }

// Absent lists what an account does not do: one that works in a resource group is a
// tenant's, or as restricted as one.
func Absent(s *session.Session) []string {
	if s.ResourceGroup == "" {
		return nil
	}
	return sdk.FeatureNames(Features())
}
