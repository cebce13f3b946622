package cli

import (
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/yunqiao/yunqiao/plugin-proto/contract"
	_ "github.com/yunqiao/yunqiao/plugin-proto/gen" // links every contract file
)

type routesCommand struct{}

// Run prints one line a route.
func (routesCommand) Run(env *environment) error {
	c, err := contract.Linked()
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(env.stdout, 0, 4, 2, ' ', 0)
	fmt.Fprintln(w, "METHOD\tROUTE\tRPC\tPERMISSION\tGY/T 355")
	for _, m := range c.Methods {
		for _, r := range m.Routes {
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", r.Method, r.Pattern, m.FullName, m.Permission, strings.Join(m.Rows, " "))
		}
	}
	return w.Flush()
}
