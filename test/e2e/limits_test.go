package e2e

import (
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/yunqiao/yunqiao/test/e2e/harness"
)

// TestRateOfACloud lets 64 clients hammer a cloud that refuses whatever comes less
// than a second after ten other calls. It never sees such a call, whether the account
// may use its ten at once or one at a time.
func TestRateOfACloud(t *testing.T) {
	t.Parallel()
	for _, burst := range []string{"1", "10"} {
		t.Run("burst "+burst, func(t *testing.T) {
			t.Parallel()
			hammer(t, map[string]string{"rate_per_second": "10", "rate_burst": burst})
		})
	}
}

func hammer(t *testing.T, settings map[string]string) {
	t.Helper()
	const account = "slow"
	server := harness.NewMemcloud(t, programs, harness.Knobs{})
	settings["endpoint"] = server.Endpoint
	gateway := harness.NewGateway(t, programs, harness.Account{ID: account, Driver: "memory", Settings: settings})
	server.SetKnobs(t, harness.Knobs{"throttle": []object{{"method": "", "calls_per_second": 10}}})
	begin := time.Now()
	var answered atomic.Int64
	var clients sync.WaitGroup
	for range 64 {
		clients.Go(func() {
			for time.Since(begin) < 6*time.Second {
				answer := gateway.Send(t, http.MethodGet, harness.Path("compute/flavor/get")+"?id="+account+".m1.tiny", nil)
				if answer.Status != http.StatusOK {
					t.Errorf("answered with %d %s", answer.Status, answer.Body)
					return
				}
				answered.Add(1)
			}
		})
	}
	clients.Wait()
	rate := float64(answered.Load()) / time.Since(begin).Seconds()
	if rate < 8 || rate > 10.5 {
		t.Errorf("%.1f calls a second", rate)
	}
	t.Logf("%.2f calls a second of 10 allowed", rate)
}

// TestOneOfTwentyHangs lists 20 accounts one of which does not answer.
func TestOneOfTwentyHangs(t *testing.T) {
	t.Parallel()
	const hanging = "acc-b"
	server := harness.NewMemcloud(t, programs, harness.Knobs{})
	var accounts []harness.Account
	for _, letter := range "acdefghijklmnopqrst" {
		accounts = append(accounts, harness.Account{ID: "acc-" + string(letter), Driver: "memory"})
	}
	accounts = append(accounts, harness.Account{ID: hanging, Driver: "memory", Settings: map[string]string{"endpoint": server.Endpoint}})
	gateway := harness.NewGateway(t, programs, accounts...)
	list := func() (object, time.Duration) {
		begin := time.Now()
		return gateway.Get(t, "compute/flavor/list", object{"page_size": 200}), time.Since(begin)
	}
	for range 5 {
		if all, _ := list(); len(all.List("sources")) != 20 {
			t.Fatalf("all are well, and the list has %v", all.List("unreachable"))
		}
	}
	_, usual := list()
	server.SetKnobs(t, harness.Knobs{"latency": []object{{"method": "", "before_ms": 20000}}})
	for range 3 {
		answer, took := list()
		if names := harness.Texts(answer.List("unreachable"), "account_id"); len(names) != 1 || names[0] != hanging || len(answer.List("sources")) != 19 {
			t.Fatalf("unreachable %v, %d sources", names, len(answer.List("sources")))
		}
		t.Logf("%s, usually %s", took.Round(time.Millisecond), usual.Round(time.Millisecond))
		if took > usual+300*time.Millisecond+200*time.Millisecond { // the machine is busy
			t.Errorf("the list took %s, usually %s", took, usual)
		}
	}
}

// TestBreaker: a cloud that is away is not called, which errors and /readyz say, and
// called again when it is back.
func TestBreaker(t *testing.T) {
	t.Parallel()
	const account = "memory"
	server := harness.NewMemcloud(t, programs, harness.Knobs{})
	gateway := harness.NewGateway(t, programs, harness.Account{ID: account, Driver: "memory", Settings: map[string]string{"endpoint": server.Endpoint}})
	read := func() *harness.Answer {
		return gateway.Send(t, http.MethodGet, harness.Path("compute/flavor/get")+"?id="+account+".m1.tiny", nil)
	}
	breaker := func() string {
		answer := gateway.Send(t, http.MethodGet, "/readyz", nil)
		for _, a := range strings.Split(string(answer.Body), "{") {
			if strings.Contains(a, `"id":"`+account+`"`) {
				_, after, _ := strings.Cut(a, `"breaker":"`)
				state, _, _ := strings.Cut(after, `"`)
				return state
			}
		}
		return ""
	}
	server.SetKnobs(t, harness.Knobs{"errors": []object{{"method": "", "reason": "CLOUD_UNAVAILABLE"}}})
	for range 5 {
		if answer := read(); answer.Reason() != "CLOUD_UNAVAILABLE" {
			t.Fatalf("answered with %s", answer.Body)
		}
	}
	answer := read()
	if problems := answer.Violations(); answer.Status != http.StatusServiceUnavailable || len(problems) != 1 ||
		!strings.Contains(problems[0].Text("description"), "circuit breaker") || answer.Header.Get("Retry-After") == "" {
		t.Errorf("answered with %s, Retry-After %q", answer.Body, answer.Header.Get("Retry-After"))
	}
	if state := breaker(); state != "open" && state != "half-open" {
		t.Errorf("/readyz says %q", state)
	}
	metrics := gateway.Send(t, http.MethodGet, "/metrics", nil)
	if !strings.Contains(string(metrics.Body), `yunqiao_account_breaker_open{account="memory"`) {
		t.Error("/metrics says nothing of the breaker")
	}
	server.SetKnobs(t, harness.Knobs{})
	harness.Eventually(t, 15*time.Second, "the cloud is called again", func() bool { return read().Status == http.StatusOK })
	if state := breaker(); state != "closed" {
		t.Errorf("/readyz says %q", state)
	}
}
