package e2e

import (
	"fmt"
	"net/http"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/yunqiao/yunqiao/test/e2e/harness"
)

// TestBadPages reads lists of a cloud whose pages are shorter than was asked for, or
// empty with more to come.
func TestBadPages(t *testing.T) {
	t.Parallel()
	r := newRig(t, memoryMode{"server", false, true}, harness.Knobs{"state_delay_scale": 0.1})
	for n := range 12 {
		r.gateway.Done(t, "network/network/create", object{"account_id": r.account, "name": fmt.Sprintf("n-%d", n)})
	}
	names := func() []string {
		return harness.Texts(r.gateway.All(t, "network/network/list", "networks", object{"account_id": r.account, "page_size": 5}), "name")
	}
	want := names()
	if len(want) < 12 {
		t.Fatalf("listed %v", want)
	}
	for _, knobs := range []harness.Knobs{{"half_pages": true}, {"empty_pages": true}, {"half_pages": true, "empty_pages": true}} {
		r.server.SetKnobs(t, knobs)
		if diff := cmp.Diff(want, names()); diff != "" {
			t.Errorf("%v:\n%s", knobs, diff)
		}
	}
}

// TestBadAnswers lets a cloud answer one read badly, in every way. The client is told
// in words that it can act on, and the next read is answered.
func TestBadAnswers(t *testing.T) {
	t.Parallel()
	r := newRig(t, memoryMode{"server", false, true}, nil)
	for n := range 4 {
		r.gateway.Done(t, "network/network/create", object{"account_id": r.account, "name": fmt.Sprintf("n-%d", n)})
	}
	list := func(token string) *harness.Answer {
		return r.gateway.Send(t, http.MethodGet, harness.Path("network/network/list")+"?"+
			harness.Query(object{"account_id": r.account, "page_size": 2, "page_token": token}), nil)
	}
	for reason, status := range map[string]int{
		"THROTTLED": http.StatusTooManyRequests, "CLOUD_ERROR": http.StatusBadGateway, "CLOUD_UNAVAILABLE": http.StatusServiceUnavailable,
		"CLOUD_TIMEOUT": http.StatusGatewayTimeout, "ACCOUNT_UNAUTHENTICATED": http.StatusBadGateway,
	} {
		// In mid list: the first page is good, the second is not.
		r.server.SetKnobs(t, harness.Knobs{"errors": []object{{"method": "*/ListNetworks", "reason": reason, "skip": 1, "count": 1, "retry_after_ms": 1000}}})
		first := list("")
		token := first.Data.Text("next_page_token")
		if first.Status != http.StatusOK || token == "" {
			t.Fatalf("the first page is %d %s", first.Status, first.Body)
		}
		bad := list(token)
		if bad.Status != status || bad.Reason() != reason || bad.Header.Get("Retry-After") == "" && reason == "THROTTLED" {
			t.Errorf("%s is answered with %d %s", reason, bad.Status, bad.Body)
		}
		if good := list(token); good.Status != http.StatusOK || len(good.Data.List("networks")) == 0 {
			t.Errorf("after %s the same page is answered with %d %s", reason, good.Status, good.Body)
		}
	}
	r.server.SetKnobs(t, harness.Knobs{"latency": []object{{"method": "*/ListNetworks", "before_ms": 1500}}})
	if slow := list(""); slow.Status != http.StatusOK {
		t.Errorf("a slow cloud's list is %d %s", slow.Status, slow.Body)
	}
	r.server.SetKnobs(t, harness.Knobs{})
	if good := list(""); good.Status != http.StatusOK {
		t.Errorf("afterwards the list is %d %s", good.Status, good.Body)
	}
}

// TestPasswordChanged changes the password at the cloud. The account says so, other
// accounts are not concerned, and with the new password it works again.
func TestPasswordChanged(t *testing.T) {
	t.Parallel()
	const account, other = "guarded", "other"
	server := harness.NewMemcloud(t, programs, harness.Knobs{"password": "first"})
	gateway := harness.NewGateway(t, programs, harness.Account{ID: other, Driver: "memory"})
	gateway.Post(t, "account/account/create", object{
		"id": account, "driver": "memory", "cloud_kind": "CLOUD_KIND_PRIVATE",
		"settings": object{"endpoint": server.Endpoint}, "credentials": object{"password": "first"},
	})
	read := func() *harness.Answer {
		return gateway.Send(t, http.MethodGet, harness.Path("compute/flavor/get")+"?id="+account+".m1.tiny", nil)
	}
	if answer := read(); answer.Status != http.StatusOK {
		t.Fatalf("a read is answered with %d %s", answer.Status, answer.Body)
	}
	server.SetKnobs(t, harness.Knobs{"password": "second"})
	if answer := read(); answer.Reason() != "ACCOUNT_UNAUTHENTICATED" {
		t.Errorf("with the old password a read is answered with %d %s", answer.Status, answer.Body)
	}
	list := gateway.Get(t, "compute/flavor/list", nil)
	gone := list.List("unreachable")
	if names := harness.Texts(gone, "account_id"); !slices.Equal(names, []string{account}) || gone[0].Text("reason") != "ACCOUNT_UNAUTHENTICATED" || len(list.List("flavors")) == 0 {
		t.Errorf("a list over both names %v as unreachable", gone)
	}
	if answer := gateway.Send(t, http.MethodPost, harness.Path("account/account/probe"), object{"id": account}); answer.Code == 0 &&
		answer.Data.Object("account").Text("state") == "ACCOUNT_STATE_READY" {
		t.Errorf("the account is said to be well: %s", answer.Body)
	}
	gateway.Post(t, "account/account/update", object{"id": account, "credentials": object{"password": "second"}})
	if answer := read(); answer.Status != http.StatusOK {
		t.Errorf("with the new password a read is answered with %d %s", answer.Status, answer.Body)
	}
}
