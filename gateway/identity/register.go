package identity

import (
	"google.golang.org/grpc"

	tenantv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/tenant/v1"
)

// Register adds the services of table 5.
func (i *Identity) Register(r grpc.ServiceRegistrar, resources Resources, accounts Accounts, tenants CloudTenants) {
	tenantv1.RegisterTokenServiceServer(r, &tokenServer{Identity: i})
	tenantv1.RegisterOrganizationServiceServer(r, &organizationServer{Identity: i, resources: resources, accounts: accounts, tenants: tenants})
	tenantv1.RegisterUserServiceServer(r, &userServer{Identity: i})
	tenantv1.RegisterRoleServiceServer(r, &roleServer{Identity: i})
	tenantv1.RegisterPermissionGroupServiceServer(r, &groupServer{Identity: i})
	tenantv1.RegisterPermissionGroupGrantServiceServer(r, &groupGrantServer{Identity: i})
	tenantv1.RegisterAccessKeyServiceServer(r, &keyServer{Identity: i})
}
