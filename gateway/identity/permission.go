package identity

import (
	"slices"
	"strings"

	"github.com/yunqiao/yunqiao/plugin-proto/contract"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
)

// matches tells whether a pattern such as "compute.vm.*" covers a permission.
func matches(pattern, permission string) bool {
	prefix, all := strings.CutSuffix(pattern, "*")
	if !all {
		return pattern == permission
	}
	return strings.HasPrefix(permission, prefix)
}

func matchesAny(patterns []string, permission string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool { return matches(p, permission) })
}

// installationWide are the permissions to read or change what is the whole
// installation's and no organization's. They hold in the root organization only,
// in whichever organization their role was granted.
var installationWide = []string{
	"account.driver.*", "billing.adjustment.create", "billing.discount.create", "billing.discount.delete", "billing.order.refund", "billing.period.*",
	"billing.price.create", "billing.price.delete", "billing.price.import", "billing.price.update", "billing.price_book.create",
	"program.*", "tenant.permission_group.create", "tenant.permission_group.delete", "tenant.role.create", "tenant.role.delete",
	"tenant.role.update",
}

// InstallationWide tells whether a permission holds in the root organization only.
func InstallationWide(permission string) bool { return matchesAny(installationWide, permission) }

// permissionsIn lists every permission of the contract.
func permissionsIn(c *contract.Contract) []string {
	var out []string
	for _, m := range c.Methods {
		out = append(out, m.Permission)
		for _, guarded := range m.Guarded {
			out = append(out, guarded.Permission)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// typesIn lists the types of resources of clouds.
func typesIn(c *contract.Contract) []string {
	var out []string
	for _, m := range c.Methods {
		if !m.Module {
			out = append(out, m.ResourceType)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// Built-in role names.
const (
	RoleAdministrator       = "administrator"
	RoleOperator            = "operator"
	RoleTenantAdministrator = "tenant-administrator"
	RoleTenantMember        = "tenant-member"
	RoleFinance             = "finance"
	RoleAuditor             = "auditor"
	RoleReadOnly            = "read-only"
	RoleProgramOperator     = "program-operator"
)

// builtInRoles are the same in every installation; their ids are derived from
// their place in the list and never change. Roles that read get the permissions
// of all get and list rpcs, so that a new rpc is covered by itself.
func builtInRoles(c *contract.Contract) []*permissionSet {
	clouds := []string{"compute.*", "storage.*", "network.*", "security.*", "database.*"}
	own := []string{"tenant.token.*", "tenant.access_key.*", "tenant.user.change_password"}
	programQueries := []string{"program.series.list_programs", "program.series.list_versions", "program.program.list_versions",
		"program.change.get_cursor", "program.partner.get_platform_key"}
	var reads, cloudReads, programReads []string
	for _, m := range c.Methods {
		if m.Kind != apiv1.Kind_KIND_GET && m.Kind != apiv1.Kind_KIND_LIST {
			continue
		}
		if !strings.HasPrefix(m.Permission, "tenant.") {
			reads = append(reads, m.Permission)
		}
		if strings.HasPrefix(m.Permission, "program.") {
			programReads = append(programReads, m.Permission)
		}
		if matchesAny(clouds, m.Permission) {
			cloudReads = append(cloudReads, m.Permission)
		}
	}
	work := slices.Concat(clouds, own, []string{"operation.*", "account.account.get", "account.account.list"})
	watching := []string{"monitor.alarm.get", "monitor.alarm.list", "monitor.alarm.history", "monitor.metric.*", "logging.entry.get", "logging.entry.list"}
	member := slices.Concat(work, watching)
	roles := []*permissionSet{
		{Name: RoleAdministrator, Description: "everything", Permissions: []string{"*"}},
		{Name: RoleOperator, Description: "clouds, accounts, monitoring and logs, but not users", Permissions: slices.Concat(work,
			[]string{"account.*", "monitor.*", "logging.*", "tenant.ownership.*", "tenant.organization.get", "tenant.organization.list"})},
		{Name: RoleTenantAdministrator, Description: "users, resources, alarms and logs of an organization", Permissions: slices.Concat(member,
			[]string{"monitor.alarm.*", "monitor.silence.*", "logging.entry.*", "logging.submission.*", "logging.retention.get",
				"tenant.organization.*", "tenant.user.*", "tenant.role.list", "tenant.permission_group.list",
				"tenant.permission_group_grant.*", "tenant.ownership.transfer", "tenant.audit.list", "billing.cost.*"})},
		{Name: RoleTenantMember, Description: "resources of an organization", Permissions: member},
		{Name: RoleFinance, Description: "prices, orders and costs", Permissions: slices.Concat(own, reads, []string{"billing.*"})},
		{Name: RoleAuditor, Description: "reading everything, with the record of calls", Permissions: slices.Concat(own, reads, programQueries,
			[]string{"tenant.audit.list", "tenant.organization.get", "tenant.organization.list", "tenant.user.get", "tenant.user.list",
				"tenant.role.list", "tenant.permission_group.list"})},
		{Name: RoleReadOnly, Description: "reading resources", Permissions: slices.Concat(own, cloudReads, []string{"operation.operation.get", "operation.operation.list"})},
		{Name: RoleProgramOperator, Description: "programmes: watching and playing them, and emergencies, which two persons decide",
			Permissions: slices.Concat(own, programReads, programQueries,
				[]string{"program.emergency.*", "program.program.probe", "program.program.locate", "program.program.get_play_link"})},
	}
	for i, role := range roles {
		role.ID = builtInID(i + 1)
		role.Kind, role.BuiltIn = kindRole, true
	}
	return roles
}

// builtInID is an id that no UUIDv7 can be.
func builtInID(n int) string {
	const digits = "0123456789abcdef"
	id := []byte(strings.Repeat("0", 32))
	id[30], id[31] = digits[n>>4&15], digits[n&15]
	return string(id)
}
