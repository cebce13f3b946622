package rest_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/gophercloud/gophercloud/v2"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"

	"github.com/yunqiao/yunqiao/drivers/openstack/rest"
	"github.com/yunqiao/yunqiao/drivers/openstack/session"
	"github.com/yunqiao/yunqiao/drivers/sdk"
)

// TestTagsRefused: what was made goes again, unless it may be that it has its tags.
func TestTagsRefused(t *testing.T) {
	t.Parallel()
	const id = "3f0c1a52-0000-4000-8000-000000000001"
	things := rest.Collection[rest.Common]{
		Path: "things", One: "thing", Many: "things", Type: "network.network",
		Common: func(v *rest.Common) *rest.Common { return v },
	}
	for name, tc := range map[string]struct {
		status int
		want   apiv1.Reason
		there  bool
	}{
		"refused":      {http.StatusBadRequest, apiv1.Reason_REASON_PARAMETER_REJECTED, false},
		"outcome open": {http.StatusInternalServerError, apiv1.Reason_REASON_CLOUD_ERROR, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var there atomic.Bool
			cloud := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Type", "application/json")
				switch {
				case strings.HasSuffix(r.URL.Path, "/tags"):
					w.WriteHeader(tc.status)
				case r.Method == http.MethodPost:
					there.Store(true)
					w.WriteHeader(http.StatusCreated)
					_, _ = io.WriteString(w, `{"thing":{"id":"`+id+`","project_id":"p"}}`)
				case r.Method == http.MethodDelete:
					there.Store(false)
					w.WriteHeader(http.StatusNoContent)
				default:
					_, _ = io.WriteString(w, `{"things":[]}`)
				}
			}))
			defer cloud.Close()
			client := rest.For(&session.Session{ProjectID: "p"},
				&gophercloud.ServiceClient{ProviderClient: &gophercloud.ProviderClient{}, Endpoint: cloud.URL + "/"})
			ctx := sdk.WithCall(t.Context(), sdk.Call{RequestID: "r", Attempt: 1})
			_, err := things.CreateMarked(ctx, client, map[string]any{}, "", map[string]string{"k": "v"})
			if sdk.ReasonOf(err) != tc.want || there.Load() != tc.there {
				t.Errorf("%v, there: %v; want %v, there: %v", err, there.Load(), tc.want, tc.there)
			}
		})
	}
}
