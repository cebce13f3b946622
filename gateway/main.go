// Command yunqiao is the gateway and its client. See gateway/cli.
package main

import (
	"os"

	"github.com/yunqiao/yunqiao/gateway/cli"
)

func main() { os.Exit(cli.Main(os.Args[1:], os.Getenv, os.Stdin, os.Stdout, os.Stderr)) }
