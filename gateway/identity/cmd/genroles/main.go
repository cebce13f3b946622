// Command genroles writes docs/roles.md, the matrix of built-in roles and rpcs. Run
// it at the repository's root.
package main

import (
	"flag"
	"fmt"
	"io"
	"os"

	"github.com/yunqiao/yunqiao/gateway/identity"
	"github.com/yunqiao/yunqiao/plugin-proto/contract"
	_ "github.com/yunqiao/yunqiao/plugin-proto/gen" // links all rpcs
)

func main() { os.Exit(run(os.Args[1:], os.Stderr)) }

func run(args []string, stderr io.Writer) int {
	flags := flag.NewFlagSet("genroles", flag.ContinueOnError)
	flags.SetOutput(stderr)
	file := flags.String("file", "docs/roles.md", "file to write")
	if err := flags.Parse(args); err != nil {
		return 2
	}
	c, err := contract.Linked()
	if err == nil {
		err = os.WriteFile(*file, identity.RoleMatrix(c), 0o644)
	}
	if err != nil {
		fmt.Fprintln(stderr, "genroles:", err)
		return 1
	}
	return 0
}
