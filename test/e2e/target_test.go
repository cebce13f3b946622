package e2e

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/yunqiao/yunqiao/test/e2e/harness"
)

type object = harness.Object

// target is a cloud that the scenario runs on.
type target struct {
	gateway  *harness.Gateway
	account  string
	operator string // account for what only the cloud's operator may do
	cloud    cloud
}

// cloud is what its own client sees of a cloud, past the gateway.
type cloud interface {
	// left lists what the cloud holds whose name begins so: "compute.vm name".
	left(t *testing.T, prefix string) []string
}

// unique is a prefix of names that no other run has.
func unique() string { return fmt.Sprintf("e2e-%x-", time.Now().UnixNano()&0xffffffffff) }

// embedded is memcloud inside its driver.
func embedded(t *testing.T) target {
	const account = "mem-embedded"
	gateway := harness.NewGateway(t, programs, harness.Account{
		ID: account, Driver: "memory", Settings: map[string]string{"knobs": harness.Knobs{"state_delay_scale": 0.2}.String()},
	})
	return target{gateway, account, account, embeddedCloud{gateway, account}}
}

// embeddedCloud is the file of an embedded memcloud. Looking into it needs the
// driver to let go of it.
type embeddedCloud struct {
	gateway *harness.Gateway
	account string
}

func (c embeddedCloud) left(t *testing.T, prefix string) []string {
	t.Helper()
	c.gateway.Stop(t)
	defer c.gateway.Start(t)
	return namesIn(harness.DumpFile(t, programs, c.gateway.CloudFile(c.account)), c.account, prefix)
}

// remote is memcloud as a server of its own, with or without client tokens.
func remote(tokens bool) func(t *testing.T) target {
	return func(t *testing.T) target {
		const account = "mem-remote"
		knobs := harness.Knobs{"client_tokens": tokens, "state_delay_scale": 0.2}
		if !tokens {
			knobs["marker_delay_ms"], knobs["request_timeout_seconds"] = 500, 1
		}
		server := harness.NewMemcloud(t, programs, knobs)
		gateway := harness.NewGateway(t, programs,
			harness.Account{ID: account, Driver: "memory", Settings: map[string]string{"endpoint": server.Endpoint}})
		return target{gateway, account, account, remoteCloud{server, account}}
	}
}

type remoteCloud struct {
	server  *harness.Memcloud
	account string
}

func (c remoteCloud) left(t *testing.T, prefix string) []string {
	t.Helper()
	return namesIn(c.server.Dump(t), c.account, prefix)
}

// namesIn lists the records of a project; those without a name of their own, such
// as the NICs that a VM was made with, are always among them.
func namesIn(dump harness.Dump, project, prefix string) []string {
	var left []string
	for kind, records := range dump.Of(project) {
		for _, r := range records {
			if name := r.Resource.Text("name"); name == "" || len(name) >= len(prefix) && name[:len(prefix)] == prefix {
				left = append(left, kind+" "+name)
			}
		}
	}
	slices.Sort(left)
	return left
}
