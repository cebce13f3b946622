package monitor_test

import (
	"fmt"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	monitorv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/monitor/v1"
)

// eventually asks until something is so. The machine may be slow: only a minute
// without it is a failure.
func eventually(t testing.TB, what string, is func() bool) {
	t.Helper()
	for range 1200 {
		if is() {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatalf("it did not come to this: %s", what)
}

// listen makes a receiver and a channel to it.
func (r *rig) listen(t testing.TB, request *monitorv1.CreateChannelRequest) (v *receiver, id string) {
	t.Helper()
	v = &receiver{secret: "sixteen characters"}
	server := httptest.NewServer(v)
	t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
	})
	request.Name, request.Kind, request.Address, request.Secret = "v", monitorv1.ChannelKind_CHANNEL_KIND_WEBHOOK, server.URL, v.secret
	answer, err := r.channels.CreateChannel(t.Context(), request)
	if err != nil {
		t.Fatal(err)
	}
	return v, answer.GetId()
}

// gets wants exactly these records, in this order, and gives the number of messages.
func (v *receiver) gets(t testing.TB, want ...told) int {
	t.Helper()
	var got []told
	messages := 0
	eventually(t, fmt.Sprintf("%v is told", want), func() bool {
		records, n := v.take()
		got, messages = append(got, records...), messages+n
		return len(got) >= len(want)
	})
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	return messages
}

// delivered waits until a channel has nothing more to be told at once.
func (r *rig) delivered(t testing.TB, id string) *monitorv1.Channel {
	t.Helper()
	var found *monitorv1.Channel
	eventually(t, "all is delivered", func() bool {
		answer, err := r.channels.ListChannels(t.Context(), &monitorv1.ListChannelsRequest{})
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range answer.GetChannels() {
			if c.GetId() == id {
				found = c
			}
		}
		return found.GetPendingCount() == 0
	})
	return found
}

func (r *rig) clear(t testing.TB, id string) {
	t.Helper()
	if _, err := r.alarms.ClearAlarm(t.Context(), &monitorv1.ClearAlarmRequest{Id: id}); err != nil {
		t.Fatal(err)
	}
}
