package identity

import (
	"fmt"
	"strings"

	"github.com/yunqiao/yunqiao/plugin-proto/contract"
)

// RoleMatrix is docs/roles.md: which built-in role may call which rpc.
func RoleMatrix(c *contract.Contract) []byte {
	roles := builtInRoles(c)
	var b strings.Builder
	b.WriteString("# Roles\n\n" +
		"Generated from the contract and the built-in roles by `gateway/identity/cmd/genroles`; do not edit.\n\n" +
		"A role holds in the organization where it is granted and in those below it. It says which calls a user may make; with\n" +
		"which accounts and resources is said by the organization: see [tenants.en.md](tenants.en.md). Own roles are made with\n" +
		"`tenant/role/create` from the permissions below; `compute.vm.*` and `*` stand for many. Calls marked *(root)* are about the\n" +
		"whole installation: their permission holds in the root organization only.\n\n" +
		"| Role | Id | Meant for |\n|---|---|---|\n")
	for _, role := range roles {
		fmt.Fprintf(&b, "| %s | `%s` | %s |\n", role.Name, role.ID, role.Description)
	}
	service := ""
	for _, m := range c.Methods {
		if m.Service != service {
			service = m.Service
			writeMatrixHead(&b, service, roles)
		}
		name := strings.TrimPrefix(m.FullName, "cloud."+service+".v1.")
		if m.Public {
			fmt.Fprintf(&b, "| %s | everybody |%s\n", name, strings.Repeat(" ✓ |", len(roles)))
			continue
		}
		writeMatrixRow(&b, name, m.Permission, roles)
		for _, guarded := range m.Guarded {
			writeMatrixRow(&b, name+", with "+string(guarded.Field.Name()), guarded.Permission, roles)
		}
	}
	return []byte(b.String())
}

func writeMatrixHead(b *strings.Builder, service string, roles []*permissionSet) {
	fmt.Fprintf(b, "\n## %s\n\n| Call | Permission |", service)
	for _, role := range roles {
		fmt.Fprintf(b, " %s |", role.Name)
	}
	fmt.Fprintf(b, "\n|---|---|%s\n", strings.Repeat(":-:|", len(roles)))
}

func writeMatrixRow(b *strings.Builder, name, permission string, roles []*permissionSet) {
	if InstallationWide(permission) {
		name += " (root)"
	}
	fmt.Fprintf(b, "| %s | `%s` |", name, permission)
	for _, role := range roles {
		mark := ""
		if matchesAny(role.Permissions, permission) {
			mark = "✓"
		}
		fmt.Fprintf(b, " %s |", mark)
	}
	b.WriteString("\n")
}
