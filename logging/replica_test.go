package logging_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/yunqiao/yunqiao/internal/db"
	"github.com/yunqiao/yunqiao/internal/db/dbtest"
	"github.com/yunqiao/yunqiao/logging"
	loggingv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/logging/v1"
)

// TestReplicas has two replicas collect from one file: only one does, each line is
// stored once, and the other goes on when the first ends. What one is told to collect,
// and which tokens there are, the other learns.
func TestReplicas(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, store *db.Store) {
		dir := t.TempDir()
		path := filepath.Join(dir, "a.log")
		shared := *store
		shared.Embedded = false
		opts := logging.Options{FileRoots: []string{dir}}
		a, b := start(t, &shared, opts), start(t, &shared, opts)
		id, _ := a.submission(t, &loggingv1.CreateSubmissionRequest{Method: loggingv1.SubmissionMethod_SUBMISSION_METHOD_FILE})
		location := a.location(t, id, path)
		_, token := a.submission(t, &loggingv1.CreateSubmissionRequest{Method: loggingv1.SubmissionMethod_SUBMISSION_METHOD_HTTP})
		const each = 500
		write := func(round int) {
			t.Helper()
			file, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
			if err != nil {
				t.Fatal(err)
			}
			defer file.Close()
			for i := range each {
				if _, err := fmt.Fprintf(file, "line %d\n", round*each+i); err != nil {
					t.Fatal(err)
				}
			}
		}
		once := func(want int) {
			t.Helper()
			eventually(t, "all lines are there", func() bool { return len(b.messages(t)) >= want })
			seen := map[string]bool{}
			for _, m := range b.messages(t) {
				seen[m] = true
			}
			if n := len(b.messages(t)); n != want || len(seen) != want {
				t.Errorf("got %d lines, %d different, want %d", n, len(seen), want)
			}
		}
		write(0)
		once(each)
		eventually(t, "the other replica knows how the collector does", func() bool {
			found, err := b.locations.GetLocation(t.Context(), &loggingv1.GetLocationRequest{Id: location})
			return err == nil && found.GetLocation().GetStoredCount() == each && found.GetLocation().GetState() == loggingv1.LocationState_LOCATION_STATE_RUNNING
		})
		if w := push(t, b.Push(), token, "pushed"); w.Code != http.StatusOK {
			t.Errorf("a token of the other replica: got %d %s", w.Code, w.Body)
		}
		a.stop()
		write(1)
		once(2*each + 1)
		found, err := b.locations.GetLocation(t.Context(), &loggingv1.GetLocationRequest{Id: location})
		if err != nil || found.GetLocation().GetStoredCount() != 2*each || found.GetLocation().GetLostCount() != 0 {
			t.Errorf("got %v, %v", found, err)
		}
		if troubles, err := b.Troubles(t.Context()); err != nil || len(troubles) != 0 {
			t.Errorf("got troubles %v, %v", troubles, err)
		}
	})
}

// TestTroubles tells of a place that cannot be listened at.
func TestTroubles(t *testing.T) {
	r := start(t, dbtest.Open(t, dbtest.SQLite(t)), logging.Options{})
	id, _ := r.submission(t, &loggingv1.CreateSubmissionRequest{Method: loggingv1.SubmissionMethod_SUBMISSION_METHOD_SYSLOG})
	location := r.location(t, id, "udp://192.0.2.1:5514") // not an address of this machine
	eventually(t, "the trouble is told of", func() bool {
		troubles, err := r.Troubles(t.Context())
		return err == nil && len(troubles) == 1 && troubles[0].LocationID == location && troubles[0].Failing && troubles[0].Text != ""
	})
}
