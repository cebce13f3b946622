// Package tenant makes tenants of the cloud: a resource group, and a RAM user with an
// AccessKey whose policy holds in that group alone.
//
//	resource group  name = the tenant's; display name = the name and 16 characters of the mark
//	RAM user        yunqiao-<name>, whose comment is the group's id
//	policies        yunqiao-<name>: everything of the products that the driver speaks to, in the group
//	                yunqiao-<name>-catalogue: reading what is of no group (zones, types, public images), in the account
//
// Attaching a policy in a resource group is ResourceManager's AttachPolicy, which is not in
// the published metadata; its parameters are those of Alibaba's documentation. The
// account needs the rights of AliyunRAMFullAccess. What a product does not do by resource
// groups (Cloud Firewall, WAF, Security Center, bills) a tenant may not do.
//
// The cloud has no limits of a resource group, so that the feature of quotas is not
// declared. A disabled tenant's AccessKeys are inactive. A group that was removed stays
// in PendingDelete at the cloud for a while, and counts as gone.
//
// It owns cloud.driver.v1.TenantService. It does not own what is in a group.
package tenant
