package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/yunqiao/yunqiao/drivers/alibaba/sim/simtest"
)

// program is the driver as the gateway starts it.
var program string

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "alibaba")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	program = filepath.Join(dir, "alibaba")
	build := exec.Command("go", "build", "-o", program, ".")
	build.Stdout, build.Stderr = os.Stderr, os.Stderr
	if err := build.Run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}

// settings reach a simulated cloud as its first account.
func settings(cloud *simtest.Cloud) (settings, credentials map[string]string) {
	return map[string]string{
		"access_key_id": cloud.Account.AccessKeyID, "region": cloud.Region,
		"endpoint": strings.TrimPrefix(cloud.URL, "http://"), "scheme": "http",
	}, map[string]string{"access_key_secret": cloud.Account.AccessKeySecret}
}
