package database

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/subnets"

	"github.com/yunqiao/yunqiao/drivers/openstack/session"
	"github.com/yunqiao/yunqiao/drivers/sdk/cache"
)

// TestSubnetsOfAPage: the subnets of all networks of a page are read in one call.
func TestSubnetsOfAPage(t *testing.T) {
	t.Parallel()
	var calls atomic.Int32
	cloud := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		calls.Add(1)
		w.Header().Set("Content-Type", "application/json")
		sent := ""
		for _, id := range r.URL.Query()["network_id"] {
			if id == "n-0" { // has none
				continue
			}
			if sent != "" {
				sent += ","
			}
			sent += fmt.Sprintf(`{"id":"s-%s","network_id":%q,"cidr":"10.0.0.0/24"}`, id, id)
		}
		_, _ = fmt.Fprintf(w, `{"subnets":[%s]}`, sent)
	}))
	defer cloud.Close()
	s := &session.Session{
		Network:        &gophercloud.ServiceClient{ProviderClient: &gophercloud.ProviderClient{}, Endpoint: cloud.URL + "/"},
		NetworkSubnets: cache.New[[]subnets.Subnet](time.Hour, time.Now),
	}
	var list []instance
	for i := range 20 {
		list = append(list, instance{Addresses: []address{{Address: "10.0.0.7", Network: fmt.Sprintf("n-%d", i)}}})
	}
	if err := readSubnetsOf(t.Context(), s, list); err != nil {
		t.Fatal(err)
	}
	for i := range list {
		want := fmt.Sprintf("s-n-%d", i)
		if i == 0 {
			want = ""
		}
		if got, err := subnetOf(t.Context(), s, &list[i]); got != want || err != nil {
			t.Errorf("instance %d is in subnet %q, want %q (%v)", i, got, want, err)
		}
	}
	if n := calls.Load(); n != 1 {
		t.Errorf("%d calls for a page, want 1", n)
	}
}
