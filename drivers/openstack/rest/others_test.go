package rest_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gophercloud/gophercloud/v2"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"

	"github.com/yunqiao/yunqiao/drivers/openstack/rest"
	"github.com/yunqiao/yunqiao/drivers/openstack/session"
	"github.com/yunqiao/yunqiao/drivers/sdk"
)

type port struct {
	rest.Common
	NetworkID string `json:"network_id"`
	Shared    bool   `json:"shared"`
}

func idOf(n int) string { return fmt.Sprintf("3f0c1a52-0000-4000-8000-%012d", n) }

// TestWhatMembersAreShown: of the service's answers to an administrator, that is left
// which a member of the project would get.
func TestWhatMembersAreShown(t *testing.T) {
	t.Parallel()
	rows := []string{
		`"project_id":"own","network_id":"n-of-others"`,               // 0
		`"project_id":"others","network_id":"n-of-others"`,            // 1
		`"project_id":"","network_id":"n-of-others"`,                  // 2: a gateway's
		`"project_id":"","network_id":"n-own"`,                        // 3: of a distributed router
		`"project_id":"others","network_id":"n-shared","shared":true`, // 4
		`"project_id":"others","network_id":"n-own"`,                  // 5: a load balancer's
		`"network_id":"n-of-others"`,                                  // 6: nothing is told
	}
	for i := range rows {
		rows[i] = `{"id":"` + idOf(i) + `",` + rows[i] + `}`
	}
	cloud := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		switch {
		case r.URL.Path == "/networks":
			_, _ = fmt.Fprint(w, `{"networks":[{"id":"n-own","project_id":"own"},{"id":"n-shared","project_id":"others","shared":true}]}`)
		case r.URL.Path == "/ports":
			_, _ = fmt.Fprintf(w, `{"ports":[%s]}`, strings.Join(rows, ","))
		default:
			at := slices.IndexFunc(rows, func(row string) bool { return strings.Contains(row, r.URL.Path[len("/ports/"):]) })
			_, _ = fmt.Fprintf(w, `{"port":%s}`, rows[at])
		}
	}))
	t.Cleanup(cloud.Close)
	client := rest.For(&session.Session{ProjectID: "own"},
		&gophercloud.ServiceClient{ProviderClient: &gophercloud.ProviderClient{}, Endpoint: cloud.URL + "/"})
	networkOf := func(v *port) string { return v.NetworkID }
	for name, tc := range map[string]struct {
		others rest.Others[port]
		want   []int
	}{
		"nothing of others":  {nil, []int{0}},
		"what is shared":     {rest.Where(func(v *port) bool { return v.Shared }), []int{0, 4}},
		"in own networks":    {rest.InOwnNetworks(networkOf), []int{0, 3, 5}},
		"in shared networks": {rest.InSharedNetworks(networkOf), []int{0, 4}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ports := rest.Collection[port]{
				Path: "ports", One: "port", Many: "ports", Type: "network.nic",
				Common: func(v *port) *rest.Common { return &v.Common }, Others: tc.others,
			}
			var want []string
			for _, n := range tc.want {
				want = append(want, idOf(n))
			}
			ids := func(list []port) (ids []string) {
				for i := range list {
					ids = append(ids, list[i].ID)
				}
				return ids
			}
			all, err := ports.List(t.Context(), client, url.Values{})
			if got := ids(all); err != nil || !slices.Equal(got, want) {
				t.Errorf("list: %v, %v, want %v", got, err, want)
			}
			p, err := ports.Find(t.Context(), client, pageRequest{}, url.Values{})
			if got := ids(p.Items); err != nil || !slices.Equal(got, want) {
				t.Errorf("page: %v, %v, want %v", got, err, want)
			}
			changed, err := ports.Changes(t.Context(), client, time.Time{}, nil)
			if err != nil || !slices.Equal(changed.IDs, want) || int(*changed.Total) != len(want) {
				t.Errorf("changes: %v, %v, want %v", changed, err, want)
			}
			for n := range rows {
				_, err := ports.Get(t.Context(), client, idOf(n))
				if there := slices.Contains(tc.want, n); there && err != nil || !there && sdk.ReasonOf(err) != apiv1.Reason_REASON_NOT_FOUND {
					t.Errorf("get %d: %v, want it there: %v", n, err, there)
				}
			}
		})
	}
}

// pageRequest asks for the first page.
type pageRequest struct{}

func (pageRequest) GetIds() []string     { return nil }
func (pageRequest) GetPageSize() int32   { return 0 }
func (pageRequest) GetPageToken() string { return "" }
