package identity

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/yunqiao/yunqiao/plugin-proto/contract"
)

// valid is the rule of the contract for permissions in roles.
var valid = regexp.MustCompile(`^([*]|[a-z_]+[.]([*]|[a-z_]+[.]([*]|[a-z_]+)))$`)

// FuzzMatches compares with another way to say the same: part by part.
func FuzzMatches(f *testing.F) {
	for _, seed := range [][2]string{
		{"*", "compute.vm.get"}, {"compute.*", "compute.vm.get"}, {"compute.vm.*", "compute.vm.get"}, {"compute.vm.*", "compute.vm_x.get"},
		{"compute.vm.get", "compute.vm.get"}, {"compute.vm.get", "compute.vm.get_console"}, {"comp*", "compute.vm.get"}, {"", ""},
	} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, pattern, permission string) {
		got := matches(pattern, permission)
		if !valid.MatchString(pattern) || strings.Count(permission, ".") != 2 || strings.Contains(permission, "*") {
			return
		}
		wanted, parts := strings.Split(pattern, "."), strings.Split(permission, ".")
		want := true
		for i, part := range parts {
			if wanted[i] == "*" {
				break
			}
			if want = wanted[i] == part; !want {
				break
			}
		}
		if got != want {
			t.Errorf("%q covers %q: %t, want %t", pattern, permission, got, want)
		}
	})
}

// TestBuiltInRoles holds what the roles promise, for rpcs that are yet to come, too.
func TestBuiltInRoles(t *testing.T) {
	c, err := contract.Linked()
	if err != nil {
		t.Fatal(err)
	}
	roles := map[string]*permissionSet{}
	ids := map[string]bool{}
	for _, role := range builtInRoles(c) {
		roles[role.Name] = role
		ids[role.ID] = true
		for _, p := range role.Permissions {
			if !valid.MatchString(p) {
				t.Errorf("%s: %q is no permission", role.Name, p)
			}
		}
	}
	if len(ids) != len(roles) {
		t.Error("two roles have one id")
	}
	own := []string{"tenant.token.", "tenant.access_key.", "tenant.user.change_password"}
	for _, m := range c.Methods {
		ofOneself := slices.ContainsFunc(own, func(prefix string) bool { return strings.HasPrefix(m.Permission, prefix) })
		for _, reader := range []string{RoleReadOnly, RoleAuditor} {
			if m.IsWrite() && !ofOneself && matchesAny(roles[reader].Permissions, m.Permission) {
				t.Errorf("%s may %s", reader, m.FullName)
			}
		}
		ofPrograms := strings.HasPrefix(m.Permission, "program.")
		if playing := m.Permission == "program.program.get_play_link"; ofPrograms && !m.IsWrite() && matchesAny(roles[RoleAuditor].Permissions, m.Permission) == playing {
			t.Errorf("%s: %s", RoleAuditor, m.FullName)
		}
		emergency := strings.HasPrefix(m.Permission, "program.emergency.") || m.Permission == "program.program.probe" || m.Permission == "program.program.locate"
		if may := matchesAny(roles[RoleProgramOperator].Permissions, m.Permission); !ofOneself && may != (ofPrograms && (!m.IsWrite() || emergency)) {
			t.Errorf("%s: %s: %t", RoleProgramOperator, m.FullName, may)
		}
		if m.IsWrite() && !strings.HasPrefix(m.Permission, "billing.") && !ofOneself && matchesAny(roles[RoleFinance].Permissions, m.Permission) {
			t.Errorf("%s may %s", RoleFinance, m.FullName)
		}
		for _, tenant := range []string{RoleTenantAdministrator, RoleTenantMember} {
			if m.IsWrite() && strings.HasPrefix(m.Permission, "account.") && matchesAny(roles[tenant].Permissions, m.Permission) {
				t.Errorf("%s may %s", tenant, m.FullName)
			}
		}
		if !matchesAny(roles[RoleAdministrator].Permissions, m.Permission) {
			t.Errorf("%s may not %s", RoleAdministrator, m.FullName)
		}
	}
}
