package terraform

import (
	"context"
	"errors"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/yunqiao/yunqiao/drivers/alibaba/sim"
	"github.com/yunqiao/yunqiao/drivers/alibaba/sim/simtest"
)

const (
	envProvider = "YUNQIAO_TERRAFORM_PROVIDER" // the built provider
	envRecord   = "YUNQIAO_TERRAFORM_RECORD"   // write recordings
)

// stacks are the folders of testdata.
var stacks = []string{"balancer", "compute", "container", "database", "network", "security", "vpn"}

// products are those that the provider calls, as it names them in the variables that
// tell where they are.
var products = []string{"BSSOPENAPI", "CLOUDFW", "ECI", "ECS", "LOCATION", "RDS", "SLB", "STS", "TAG", "VPC", "WAF_OPENAPI"}

// sentInVain are parameters that the provider sends and the definitions do not have. The
// cloud ignores such, so that here it does too; a new one is worth a look.
var sentInVain = map[string]bool{
	"Slb.SetLoadBalancerHTTPListenerAttribute HealthCheckConnectTimeout": true,
	"Slb.SetLoadBalancerTCPListenerAttribute BackendServerPort":          true,
	"Slb.SetLoadBalancerTCPListenerAttribute Gzip":                       true,
	"Slb.SetLoadBalancerTCPListenerAttribute IdleTimeout":                true,
	"Slb.SetLoadBalancerTCPListenerAttribute RequestTimeout":             true,
	"Slb.SetLoadBalancerUDPListenerAttribute BackendServerPort":          true,
	"Slb.SetLoadBalancerUDPListenerAttribute Gzip":                       true,
	"Slb.SetLoadBalancerUDPListenerAttribute IdleTimeout":                true,
	"Slb.SetLoadBalancerUDPListenerAttribute RequestTimeout":             true,
}

// options are those of the cloud under the provider, alive and recorded: WAF has to be
// bought, and a change takes long enough to be seen.
func options() sim.Options {
	return sim.Options{Lenient: true, Faults: sim.Faults{DelayMS: 300, Unsold: []string{"waf"}}}
}

// TestProvider applies, plans and destroys each stack, over HTTPS, which the provider
// uses by default, and some over HTTP.
func TestProvider(t *testing.T) {
	t.Parallel()
	provider := os.Getenv(envProvider)
	if provider == "" {
		t.Skipf("%s names no provider: make test-terraform builds one", envProvider)
	}
	if _, err := os.Stat(provider); err != nil {
		t.Fatalf("%s: %v; scripts/terraform-provider builds it", envProvider, err)
	}
	if _, err := exec.LookPath("terraform"); err != nil {
		t.Fatalf("%v; install Terraform 1.11 or newer from developer.hashicorp.com/terraform", err)
	}
	for _, stack := range stacks {
		t.Run(stack+"/HTTPS", func(t *testing.T) {
			t.Parallel()
			runStack(t, provider, stack, "HTTPS")
		})
	}
	for _, stack := range []string{"balancer", "network", "security"} {
		t.Run(stack+"/HTTP", func(t *testing.T) {
			t.Parallel()
			runStack(t, provider, stack, "HTTP")
		})
	}
}

func runStack(t *testing.T, provider, stack, protocol string) {
	tape := &tape{}
	cloud := simtest.StartBehind(t, options(), tape.record)
	run := newWorkspace(t, cloud, provider, stack, protocol)
	run.terraform(t, "apply", "-auto-approve")
	run.terraform(t, "plan", "-detailed-exitcode")
	run.terraform(t, "destroy", "-auto-approve")
	for _, left := range cloud.Dump() {
		t.Errorf("%s %s is left", left.Kind, left.ID)
	}
	for note := range cloud.Stats().Notes {
		parameter, vain := strings.CutPrefix(note, "unknown_parameter: ")
		if !strings.HasPrefix(note, "unpublished_code") && !(vain && sentInVain[parameter]) {
			t.Errorf("the cloud noticed: %s", note)
		}
	}
	if os.Getenv(envRecord) != "" && protocol == "HTTPS" && !t.Failed() {
		tape.write(t, stack)
	}
}

// workspace is a folder in which Terraform works on a stack.
type workspace struct {
	folder string
	env    []string
}

func newWorkspace(t *testing.T, cloud *simtest.Cloud, provider, stack, protocol string) *workspace {
	t.Helper()
	w := &workspace{folder: t.TempDir()}
	for _, name := range []string{"provider.tf", filepath.Join(stack, "main.tf")} {
		text, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(w.folder, filepath.Base(name)), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	config := filepath.Join(w.folder, "cli.tfrc")
	text := "provider_installation {\n  dev_overrides {\n    \"aliyun/alicloud\" = " + strconv.Quote(filepath.Dir(provider)) + "\n  }\n  direct {}\n}\n"
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	address := cloud.TLSURL
	if protocol == "HTTP" {
		address = cloud.URL
	}
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	w.env = []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + w.folder, "SSL_CERT_FILE=" + cloud.CAFile, "CHECKPOINT_DISABLE=1", "TF_IN_AUTOMATION=1",
		"TF_CLI_CONFIG_FILE=" + config, "TF_VAR_protocol=" + protocol, "ALICLOUD_ACCESS_KEY=" + cloud.Account.AccessKeyID,
		"ALICLOUD_SECRET_KEY=" + cloud.Account.AccessKeySecret, "ALICLOUD_REGION=" + cloud.Region,
	}
	for _, product := range products {
		w.env = append(w.env, product+"_ENDPOINT="+u.Host)
	}
	return w
}

// commandTime is how long one command may take; the provider waits minutes for a
// database whatever the cloud says.
const commandTime = 10 * time.Minute

func (w *workspace) terraform(t *testing.T, command string, args ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), commandTime)
	defer cancel()
	began := time.Now()
	cmd := exec.CommandContext(ctx, "terraform", append([]string{command, "-no-color", "-input=false", "-parallelism=2"}, args...)...)
	cmd.Dir, cmd.Env, cmd.WaitDelay = w.folder, w.env, 10*time.Second
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) } // it ends the provider too
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit) && command == "plan" && exit.ExitCode() == 2:
		t.Fatalf("the plan is not empty:\n%s", out)
	case err != nil:
		t.Fatalf("terraform %s: %v\n%s", command, err, out)
	}
	t.Logf("terraform %s took %s", command, time.Since(began).Round(time.Second))
}
