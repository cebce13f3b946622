package monitor_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/yunqiao/yunqiao/internal/db"
	"github.com/yunqiao/yunqiao/internal/db/dbtest"
	"github.com/yunqiao/yunqiao/monitor"
	monitorv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/monitor/v1"
)

// clouds are accounts whose alarms the test sets.
type clouds struct {
	mu       sync.Mutex
	accounts []monitor.CloudAccount
	alarms   map[string][]monitor.CloudAlarm
	failures map[string]error
	asked    map[string]int
}

func (c *clouds) Accounts() []monitor.CloudAccount {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.accounts)
}

func (c *clouds) Alarms(_ context.Context, account string) ([]monitor.CloudAlarm, error) {
	c.mu.Lock()
	alarms, err := slices.Clone(c.alarms[account]), c.failures[account]
	c.asked[account]++
	c.mu.Unlock()
	return alarms, err
}

func (c *clouds) set(change func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	change()
}

// TestAlarmsOfClouds raises and clears what clouds tell, each account by itself.
func TestAlarmsOfClouds(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, store *db.Store) {
		c := &clouds{
			accounts: []monitor.CloudAccount{{ID: "fails", TenantID: tenant, Reachable: true}, {ID: "a", TenantID: tenant, Reachable: true}, {ID: "b", TenantID: tenant, Reachable: true}},
			alarms: map[string][]monitor.CloudAlarm{
				"a": {{ID: "1", Name: "CpuHigh", ObjectID: "a.vm-1", TenantID: tenant, Severity: monitorv1.Severity_SEVERITY_MAJOR, Description: "busy"}},
				"b": {{ID: "1", Name: "CpuHigh", ObjectID: "b.vm-1", TenantID: tenant}, {ID: "2", Name: "bad\xff\x00", ObjectID: "account/b", TenantID: tenant, RaisedAt: time.Now().Add(-time.Hour)}},
			},
			failures: map[string]error{"fails": errors.New("no")}, asked: map[string]int{},
		}
		r := start(t, store, monitor.Options{Clouds: c, CloudsEvery: time.Millisecond})
		become := func(what string, want ...string) {
			t.Helper()
			var got []string
			defer func() {
				if t.Failed() {
					t.Logf("%s: there are %q, want %q", what, got, want)
				}
			}()
			eventually(t, what, func() bool {
				got = []string{}
				for _, a := range r.active(t) {
					if a.GetSource() == "cloud" {
						got = append(got, a.GetObjectId()+" "+a.GetName())
					}
				}
				slices.Sort(got)
				return slices.Equal(got, want)
			})
		}
		become("all are raised, and the account that fails", "a.vm-1 CpuHigh", "account/b bad\uFFFD", "account/fails CloudAlarmsUnread", "b.vm-1 CpuHigh")
		before := len(r.history(t))
		rounds := func() int { c.mu.Lock(); defer c.mu.Unlock(); return c.asked["a"] }
		at := rounds()
		eventually(t, "several rounds", func() bool { return rounds() > at+5 })
		if after := len(r.history(t)); after != before {
			t.Errorf("%d changes while nothing changed", after-before)
		}
		c.set(func() {
			c.failures["a"], c.alarms["a"] = errors.New("no"), nil
			c.failures["fails"] = nil
			c.accounts[2].Reachable = false
		})
		at = rounds()
		eventually(t, "nobody asks b any more", func() bool { return rounds() > at+2 })
		c.set(func() { c.alarms["b"] = nil })
		become("what is not known stays", "a.vm-1 CpuHigh", "account/a CloudAlarmsUnread", "account/b bad\uFFFD", "b.vm-1 CpuHigh")
		c.set(func() {
			c.failures["a"] = nil
			c.alarms["a"] = []monitor.CloudAlarm{{ID: "1", Name: "CpuHigh", ObjectID: "a.vm-1", TenantID: tenant, Severity: monitorv1.Severity_SEVERITY_CRITICAL}}
			c.accounts[2].Reachable, c.alarms["b"] = true, c.alarms["b"][:0]
		})
		become("b has none any more", "a.vm-1 CpuHigh")
		eventually(t, "the severity follows", func() bool { return r.active(t)[0].GetSeverity() == monitorv1.Severity_SEVERITY_CRITICAL })
		c.set(func() { c.accounts = nil })
		become("accounts are gone")
	})
}
