package e2e

import (
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/yunqiao/yunqiao/test/e2e/harness"
)

// TestOneOfThreeDriversIsKilled kills one driver while all three are read and written
// to. The other two notice nothing, and it serves again soon.
func TestOneOfThreeDriversIsKilled(t *testing.T) {
	t.Parallel()
	names := []string{"one", "two", "three"}
	var accounts []harness.Account
	for _, name := range names {
		accounts = append(accounts, harness.Account{ID: "cloud-" + name, Driver: name, Program: "memory"})
	}
	gateway := harness.NewGateway(t, programs, accounts...)
	const killed = "cloud-two"
	var stop atomic.Bool
	var clients sync.WaitGroup
	var mu sync.Mutex
	answers, refused := map[string]int{}, map[string]int{}
	load := func(account string, call func() *harness.Answer) {
		clients.Go(func() {
			for !stop.Load() {
				answer := call()
				mu.Lock()
				if answer.Code == 0 {
					answers[account]++
				} else {
					refused[account]++
					if account != killed && refused[account] == 1 {
						t.Errorf("%s answers with %d %s", account, answer.Status, answer.Body)
					}
				}
				mu.Unlock()
			}
		})
	}
	for _, a := range accounts {
		read := func() *harness.Answer {
			return gateway.Send(t, http.MethodGet, harness.Path("compute/flavor/get")+"?id="+a.ID+".m1.tiny", nil)
		}
		for range 4 {
			load(a.ID, read)
		}
		load(a.ID, func() *harness.Answer {
			return gateway.Send(t, http.MethodPost, harness.Path("network/network/create"), object{"account_id": a.ID, "name": "net"})
		})
	}
	time.Sleep(time.Second)
	old := gateway.Drivers("two")
	gateway.KillDriver(t, "two")
	at := time.Now()
	harness.Eventually(t, 20*time.Second, "the driver is back", func() bool {
		now := gateway.Drivers("two")
		return len(now) == 1 && !slices.Equal(now, old)
	})
	harness.Eventually(t, 20*time.Second, "its account is read again", func() bool {
		return gateway.Send(t, http.MethodGet, harness.Path("compute/flavor/get")+"?id="+killed+".m1.tiny", nil).Code == 0
	})
	back := time.Since(at)
	time.Sleep(time.Second)
	stop.Store(true)
	clients.Wait()
	// It is started again 100 ms after its end; the rest is its start, on a machine
	// that is busy.
	if back > 5*time.Second {
		t.Errorf("it was back after %s", back)
	}
	t.Logf("back after %s; answers %v, refused %v", back.Round(time.Millisecond), answers, refused)
}
