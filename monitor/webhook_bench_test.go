package monitor_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/yunqiao/yunqiao/internal/db/dbtest"
	"github.com/yunqiao/yunqiao/monitor"
	monitorv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/monitor/v1"
)

// BenchmarkRaiseToWebhook raises 100 alarms a second and measures the time until the
// receiver of a webhook has each.
func BenchmarkRaiseToWebhook(b *testing.B) {
	r := start(b, dbtest.Open(b, dbtest.SQLite(b)), monitor.Options{})
	var mu sync.Mutex
	came := map[string]time.Time{}
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, request *http.Request) {
		body, _ := io.ReadAll(request.Body)
		var message struct {
			Records []struct{ Alarm struct{ Name string } }
		}
		if json.Unmarshal(body, &message) != nil {
			return
		}
		mu.Lock()
		defer mu.Unlock()
		for _, record := range message.Records {
			came[record.Alarm.Name] = time.Now()
		}
	}))
	b.Cleanup(server.Close)
	b.Cleanup(server.CloseClientConnections)
	if _, err := r.channels.CreateChannel(b.Context(), &monitorv1.CreateChannelRequest{
		Name: "v", Kind: monitorv1.ChannelKind_CHANNEL_KIND_WEBHOOK, Address: server.URL,
	}); err != nil {
		b.Fatal(err)
	}
	raised := map[string]time.Time{}
	pace := time.NewTicker(10 * time.Millisecond)
	defer pace.Stop()
	for b.Loop() {
		<-pace.C
		name := strconv.Itoa(len(raised))
		raised[name] = time.Now()
		r.report(b, &monitorv1.ReportAlarmRequest{Name: name, ObjectId: "o"})
	}
	eventually(b, "all came", func() bool {
		mu.Lock()
		defer mu.Unlock()
		return len(came) == len(raised)
	})
	took := make([]time.Duration, 0, len(raised))
	for name, at := range raised {
		took = append(took, came[name].Sub(at))
	}
	slices.Sort(took)
	b.ReportMetric(took[len(took)/2].Seconds()*1000, "ms-median")
	b.ReportMetric(took[len(took)*99/100].Seconds()*1000, "ms-p99")
}
