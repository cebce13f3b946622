package memcloud

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/metadata"

	"github.com/yunqiao/yunqiao/drivers/sdk"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	computev1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/compute/v1"
	networkv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/network/v1"
)

func (r *rig) setKnobs(text string) {
	r.Helper()
	k, err := ParseKnobs([]byte(text))
	if err == nil {
		err = r.cloud.SetKnobs(k)
	}
	if err != nil {
		r.Fatal(err)
	}
}

func (r *rig) networksNamed(name string) int {
	r.Helper()
	return len(must[*networkv1.ListNetworksResponse](r.T)(r.network.ListNetworks(r.Context(), &networkv1.ListNetworksRequest{Name: name})).GetNetworks())
}

func TestInjectedErrors(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.setKnobs(`{"errors":[
		{"method":"*/CreateNetwork","reason":"CLOUD_ERROR","count":1},
		{"method":"*/CreateNetwork","reason":"CLOUD_TIMEOUT","count":1,"after_effect":true}]}`)
	create := func() error {
		_, err := r.network.CreateNetwork(t.Context(), &networkv1.CreateNetworkRequest{Name: "n"})
		return err
	}
	for i, tc := range []struct {
		want  apiv1.Reason
		exist int
	}{
		{apiv1.Reason_REASON_CLOUD_ERROR, 0},
		{apiv1.Reason_REASON_CLOUD_TIMEOUT, 1}, // took effect, its answer was lost
		{apiv1.Reason_REASON_UNSPECIFIED, 2},
	} {
		if got := sdk.ReasonOf(create()); got != tc.want {
			t.Errorf("call %d: %v, want %v", i, got, tc.want)
		}
		if got := r.networksNamed("n"); got != tc.exist {
			t.Errorf("after call %d: %d networks, want %d", i, got, tc.exist)
		}
	}
}

func TestInjectionIsRepeatable(t *testing.T) {
	t.Parallel()
	outcome := func() string {
		r := newRig(t)
		r.setKnobs(`{"seed":7,"errors":[{"method":"*/ListVms","reason":"CLOUD_ERROR","probability":0.5}]}`)
		var b strings.Builder
		for range 40 {
			_, err := r.vm.ListVms(t.Context(), &computev1.ListVmsRequest{})
			b.WriteByte(map[bool]byte{true: '.', false: 'x'}[err == nil])
		}
		return b.String()
	}
	first := outcome()
	if again := outcome(); first != again || !strings.Contains(first, "x") || !strings.Contains(first, ".") {
		t.Errorf("%s, then %s", first, again)
	}
}

func TestThrottle(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.setKnobs(`{"throttle":[{"method":"*/ListVms","calls_per_second":2}]}`)
	call := func() error {
		_, err := r.vm.ListVms(t.Context(), &computev1.ListVmsRequest{})
		return err
	}
	for range 2 {
		if err := call(); err != nil {
			t.Fatal(err)
		}
	}
	r.clock.pass(300 * time.Millisecond)
	err := call()
	if sdk.ReasonOf(err) != apiv1.Reason_REASON_THROTTLED || sdk.RetryAfterOf(err) != 700*time.Millisecond {
		t.Errorf("third call: %v after %v", err, sdk.RetryAfterOf(err))
	}
	r.clock.pass(time.Second)
	if err := call(); err != nil {
		t.Error(err)
	}
}

// TestThrottleSlides: the second may begin at any time.
func TestThrottleSlides(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.setKnobs(`{"throttle":[{"method":"*/ListVms","calls_per_second":2}]}`)
	var passed []bool
	for range 6 { // at 0, 400, 800, 1200, 1600 and 2000 ms
		_, err := r.vm.ListVms(t.Context(), &computev1.ListVmsRequest{})
		passed = append(passed, err == nil)
		r.clock.pass(400 * time.Millisecond)
	}
	if want := []bool{true, true, false, true, true, false}; !slices.Equal(passed, want) {
		t.Errorf("passed %v, want %v", passed, want)
	}
}

func TestSkippedAndEmpty(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.setKnobs(`{"empty_pages":true,"errors":[{"method":"*/ListFlavors","reason":"ACCOUNT_UNAUTHENTICATED","skip":1,"count":1}]}`)
	list := func(token string) (*computev1.ListFlavorsResponse, error) {
		return r.flavor.ListFlavors(t.Context(), &computev1.ListFlavorsRequest{PageToken: token})
	}
	first := must[*computev1.ListFlavorsResponse](t)(list(""))
	if len(first.GetFlavors()) != 0 || first.GetNextPageToken() == "" {
		t.Fatalf("first page: %v", first)
	}
	refused[*computev1.ListFlavorsResponse](r, apiv1.Reason_REASON_ACCOUNT_UNAUTHENTICATED)(list(first.GetNextPageToken()))
	if second := must[*computev1.ListFlavorsResponse](t)(list(first.GetNextPageToken())); len(second.GetFlavors()) == 0 {
		t.Errorf("second page: %v", second)
	}
}

func TestPassword(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.setKnobs(`{"password":"right"}`)
	refused[*computev1.ListVmsResponse](r, apiv1.Reason_REASON_ACCOUNT_UNAUTHENTICATED)(r.vm.ListVms(t.Context(), &computev1.ListVmsRequest{}))
	refused[Info](r, apiv1.Reason_REASON_ACCOUNT_UNAUTHENTICATED)(AskInfo(t.Context(), r.conn))
	right := metadata.AppendToOutgoingContext(t.Context(), PasswordKey, "right")
	must[*computev1.ListVmsResponse](t)(r.vm.ListVms(right, &computev1.ListVmsRequest{}))
	must[Info](t)(AskInfo(right, r.conn))
}

func TestFailingResources(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.setKnobs(`{"failures":[{"kind":"compute.vm","name":"Web-*","reason":"OUT_OF_STOCK","count":1}]}`)
	_, subnet := r.newSubnet("10.0.0.0/24")
	if vm := r.newVM(vmRequest(subnet)); vm.GetState() != computev1.VmState_VM_STATE_ERROR || vm.GetStateReason() != "OUT_OF_STOCK" {
		t.Errorf("VM is %v %s", vm.GetState(), vm.GetStateReason())
	}
	if vm := r.newVM(vmRequest(subnet)); vm.GetState() != computev1.VmState_VM_STATE_RUNNING {
		t.Errorf("second VM is %v", vm.GetState())
	}
}

func TestHalfPagesAndScale(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.setKnobs(`{"half_pages":true,"state_delay_scale":0.1}`)
	got := must[*computev1.ListFlavorsResponse](t)(r.flavor.ListFlavors(t.Context(), &computev1.ListFlavorsRequest{PageSize: 4}))
	if len(got.GetFlavors()) != 2 || got.GetNextPageToken() == "" {
		t.Errorf("page of %d", len(got.GetFlavors()))
	}
	n := must[*networkv1.CreateNetworkResponse](t)(r.network.CreateNetwork(t.Context(), &networkv1.CreateNetworkRequest{Name: "n"}))
	r.clock.pass(networkDelay / 10)
	if state := must[*networkv1.GetNetworkResponse](t)(r.network.GetNetwork(t.Context(), &networkv1.GetNetworkRequest{Id: n.GetId()})).GetNetwork().GetState(); state != networkv1.NetworkState_NETWORK_STATE_AVAILABLE {
		t.Errorf("network is %v after a tenth of the time", state)
	}
}

// TestWithoutTokens is the cloud on which a driver must look before it repeats.
func TestWithoutTokens(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.setKnobs(`{"client_tokens":false,"marker_delay_ms":2000,"latency":[{"method":"*/CreateNetwork","before_ms":50}]}`)
	ctx := withToken(t.Context(), "t")
	req := &networkv1.CreateNetworkRequest{Name: "n", Tags: map[string]string{"mark": "1"}}
	must[*networkv1.CreateNetworkResponse](t)(r.network.CreateNetwork(ctx, req))
	must[*networkv1.CreateNetworkResponse](t)(r.network.CreateNetwork(ctx, req))
	if got := r.networksNamed("n"); got != 2 {
		t.Errorf("%d networks, want 2: tokens are ignored", got)
	}
	byTag := func() int {
		return len(must[*networkv1.ListNetworksResponse](t)(r.network.ListNetworks(t.Context(), &networkv1.ListNetworksRequest{Tag: "mark=1"})).GetNetworks())
	}
	if got := byTag(); got != 0 {
		t.Errorf("%d found by tag at once", got)
	}
	r.clock.pass(2 * time.Second)
	if got := byTag(); got != 2 {
		t.Errorf("%d found by tag later", got)
	}

	r.setKnobs(`{"client_tokens":false,"latency":[{"method":"*/CreateNetwork","before_ms":1500}]}`)
	gone, cancel := context.WithTimeout(t.Context(), 400*time.Millisecond)
	defer cancel()
	if _, err := r.network.CreateNetwork(gone, &networkv1.CreateNetworkRequest{Name: "late"}); err == nil {
		t.Fatal("the caller was to be gone")
	}
	deadline := time.NewTimer(20 * time.Second)
	defer deadline.Stop()
	for tick := time.NewTicker(5 * time.Millisecond); r.networksNamed("late") == 0; {
		select {
		case <-tick.C:
		case <-deadline.C:
			t.Fatal("the request of the caller that is gone never took effect")
		}
	}
}

func TestWithTokensCancelledCallsDoNothing(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.setKnobs(`{"latency":[{"method":"*/CreateNetwork","before_ms":60000}]}`)
	gone, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if _, err := r.network.CreateNetwork(gone, &networkv1.CreateNetworkRequest{Name: "late"}); err == nil {
		t.Fatal("the caller was to be gone")
	}
	if got := r.networksNamed("late"); got != 0 {
		t.Errorf("%d networks", got)
	}
}

func TestParseKnobsRefuses(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"unknown member": `{"client_token":true}`,
		"unknown reason": `{"errors":[{"reason":"NO_SUCH"}]}`,
		"bad pattern":    `{"latency":[{"method":"["}]}`,
		"zero rate":      `{"throttle":[{"method":"*"}]}`,
		"unknown kind":   `{"failures":[{"kind":"compute.ship"}]}`,
		"two values":     `{} {}`,
		"negative scale": `{"state_delay_scale":-1}`,
	} {
		if _, err := ParseKnobs([]byte(text)); err == nil {
			t.Errorf("%s was accepted", name)
		}
	}
}

func TestAdmin(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	server := httptest.NewServer(AdminHandler(r.cloud))
	defer server.Close()
	do := func(method, path, body string) (int, string) {
		req, err := http.NewRequestWithContext(t.Context(), method, server.URL+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		answer := must[*http.Response](t)(server.Client().Do(req))
		defer answer.Body.Close()
		return answer.StatusCode, string(must[[]byte](t)(io.ReadAll(answer.Body)))
	}
	if code, _ := do("PUT", "/knobs", `{"half_pages":true}`); code != 200 || !r.cloud.Knobs().HalfPages || !r.cloud.Knobs().ClientTokens {
		t.Errorf("PUT /knobs: %d, %+v", code, r.cloud.Knobs())
	}
	if code, _ := do("PUT", "/knobs", `{"nonsense":true}`); code != 400 {
		t.Errorf("PUT of nonsense: %d", code)
	}
	if _, body := do("GET", "/knobs", ""); !strings.Contains(body, `"half_pages": true`) {
		t.Errorf("GET /knobs: %s", body)
	}
	r.networksNamed("x")
	if _, body := do("GET", "/calls", ""); !strings.Contains(body, `"cloud.network.v1.NetworkService/ListNetworks": 1`) {
		t.Errorf("GET /calls: %s", body)
	}
	_, first := do("GET", "/dump", "")
	if _, second := do("GET", "/dump", ""); first != second || !strings.Contains(first, "m1.tiny") {
		t.Errorf("dumps differ: %s, %s", first, second)
	}
}
