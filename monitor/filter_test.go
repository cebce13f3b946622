package monitor_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/yunqiao/yunqiao/internal/db"
	"github.com/yunqiao/yunqiao/internal/db/dbtest"
	"github.com/yunqiao/yunqiao/monitor"
	monitorv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/monitor/v1"
)

// TestFilters asks API v2 for alarms by their labels, whoever raised them.
func TestFilters(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, store *db.Store) {
		r := start(t, store, monitor.Options{})
		for name, labels := range map[string]map[string]string{
			"plain": nil, "one": {"instance": "h:1", "mount": `/a "b"`}, "other": {"instance": "h:10"}, "spaced": {"instance": "h:1 "}, "within": {"note": `"instance":"h:1"`},
		} {
			r.report(t, &monitorv1.ReportAlarmRequest{Name: name, ObjectId: "o-" + name, Labels: labels})
		}
		gone := r.report(t, &monitorv1.ReportAlarmRequest{Name: "gone", ObjectId: "o", Labels: map[string]string{"instance": "h:1"}})
		if _, err := r.alarms.ClearAlarm(t.Context(), &monitorv1.ClearAlarmRequest{Id: gone.GetId()}); err != nil {
			t.Fatal(err)
		}
		if err := store.Write.Exec("UPDATE monitor_alarms SET instance = '*' WHERE name IN ('one', 'other')").Error; err != nil { // as an older replica stores them
			t.Fatal(err)
		}
		r.report(t, &monitorv1.ReportAlarmRequest{Name: "other", ObjectId: "o-other", Labels: map[string]string{"instance": "h:10"}})
		for filter, want := range map[string][]string{
			`instance="h:10"`:   {"other"},
			`instance="h:1"`:    {"one"},
			`instance="h:11"`:   {},
			`instance!="h:1"`:   {"other", "plain", "spaced", "within"},
			`instance=~"h:1.*"`: {"one", "other", "spaced"},
			`mount="/a \"b\""`:  {"one"},
			`alertname="other"`: {"other"},
			`object_id="o-one"`: {"one"},
		} {
			w := httptest.NewRecorder()
			r.GetAlerts().ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/?"+url.Values{"filter": {filter}}.Encode(), nil))
			var alerts []struct{ Labels map[string]string }
			if err := json.Unmarshal(w.Body.Bytes(), &alerts); err != nil || w.Code != http.StatusOK {
				t.Fatal(filter, w.Code, err)
			}
			got := []string{}
			for _, a := range alerts {
				got = append(got, a.Labels["alertname"])
			}
			slices.Sort(got)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s: %s", filter, diff)
			}
		}
	})
}
