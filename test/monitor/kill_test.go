package monitor

import (
	"bytes"
	"encoding/json"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/yunqiao/yunqiao/test/e2e/harness"
)

// receiver counts what it is told, by alarm.
type receiver struct {
	mu     sync.Mutex
	raised map[string]int
	ended  map[string]int
}

func (v *receiver) ServeHTTP(_ http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	var message struct {
		Records []struct {
			Change string
			Alarm  struct{ Name string }
		}
	}
	if json.Unmarshal(body, &message) != nil {
		return
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, record := range message.Records {
		switch record.Change {
		case "ALARM_CHANGE_RAISED":
			v.raised[record.Alarm.Name]++
		case "ALARM_CHANGE_CLEARED":
			v.ended[record.Alarm.Name]++
		}
	}
}

func (v *receiver) different() (raised, ended int) {
	v.mu.Lock()
	defer v.mu.Unlock()
	return len(v.raised), len(v.ended)
}

// alarmCount is 10,000, and 100,000 with YUNQIAO_SOAK.
func alarmCount() int {
	if os.Getenv("YUNQIAO_SOAK") != "" {
		return 100000
	}
	return 10000
}

// TestKilledWithActiveAlarms kills the gateway while alarms are raised and while they are
// cleared. What was acknowledged is there afterwards, and the receiver hears of the
// beginning and the end of each.
func TestKilledWithActiveAlarms(t *testing.T) {
	const atOnce = 500
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 1))
	g := gateway(t)
	v := &receiver{raised: map[string]int{}, ended: map[string]int{}}
	server := httptest.NewServer(v)
	defer server.Close()
	defer server.CloseClientConnections()
	g.Post(t, "monitor/channel/create", object{"name": "v", "kind": "CHANNEL_KIND_WEBHOOK", "address": server.URL})
	secret, _ := token(t, g)
	post := func(first int, ends time.Time) bool {
		alerts := make([]object, atOnce)
		for i := range alerts {
			alerts[i] = object{"labels": object{"alertname": "a" + strconv.Itoa(first+i), "instance": "i" + strconv.Itoa((first+i)%1000)}, "endsAt": ends}
		}
		body, err := json.Marshal(alerts)
		if err != nil {
			t.Fatal(err)
		}
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, g.URL()+api+"/api/v2/alerts", bytes.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Authorization", "Bearer "+secret)
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			return false
		}
		defer response.Body.Close()
		return response.StatusCode == http.StatusOK
	}
	restart := func() {
		g.Kill()
		began := time.Now()
		g.Start(t)
		t.Logf("ready %.1f s after the kill", time.Since(began).Seconds())
	}
	// all posts every batch until it is acknowledged; a kill falls into one of them.
	all := func(ends func() time.Time) {
		kill := random.IntN(alarmCount() / atOnce)
		for batch := range alarmCount() / atOnce {
			if batch == kill {
				killed := make(chan struct{})
				time.AfterFunc(time.Duration(random.IntN(20))*time.Millisecond, func() {
					g.Kill()
					close(killed)
				})
				post(batch*atOnce, ends()) // acknowledged or not: it is repeated below
				<-killed
				restart()
			}
			if !post(batch*atOnce, ends()) {
				t.Fatalf("batch %d was not taken", batch)
			}
		}
	}
	active := func() int {
		n, token := 0, ""
		for {
			page := g.Get(t, "monitor/alarm/list", object{"active": true, "page_size": 500, "page_token": token})
			n += len(page.List("alarms"))
			if token = page.Text("next_page_token"); token == "" {
				return n
			}
		}
	}
	all(func() time.Time { return time.Now().Add(time.Hour) })
	restart()
	if n := active(); n != alarmCount() {
		t.Errorf("%d alarms are active, want %d", n, alarmCount())
	}
	all(func() time.Time { return time.Now().Add(-time.Second) })
	restart()
	if n := active(); n != 0 {
		t.Errorf("%d alarms are stuck", n)
	}
	harness.Eventually(t, 2*time.Minute, "the receiver heard of all", func() bool {
		raised, ended := v.different()
		return raised == alarmCount() && ended == alarmCount()
	})
	last := g.Get(t, "monitor/alarm/list", object{"page_size": 1}).Text("serial")
	if last != strconv.Itoa(2*alarmCount()) {
		t.Errorf("there are %s changes, want %d", last, 2*alarmCount())
	}
	if strings.Contains(string(g.Log(t)), "panic") {
		t.Error("the gateway panicked")
	}
}
