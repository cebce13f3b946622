package tenants

import (
	"fmt"
	"os"
	"testing"

	"github.com/yunqiao/yunqiao/test/e2e/harness"
)

// programs are built once for all tests.
var programs *harness.Programs

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	var err error
	if programs, err = harness.Build("../.."); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	code := m.Run()
	if err := programs.Remove(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return code
}
