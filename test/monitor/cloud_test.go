package monitor

import (
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// TestAlarmsOfClouds has a simulated cloud raise alarms, about a network and about itself,
// and take them back.
func TestAlarmsOfClouds(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "cloud.db")
	settings := func(knobs string) object { return object{"data_file": file, "knobs": knobs} }
	g := gateway(t)
	g.Post(t, "account/account/create", object{"id": "cloudy", "driver": "memory", "cloud_kind": "CLOUD_KIND_PRIVATE", "settings": settings(`{}`)})
	network := g.Post(t, "network/network/create?wait_seconds=20", object{"account_id": "cloudy", "name": "net"}).Text("id")
	become := func(want ...string) {
		t.Helper()
		var got []string
		for range 600 { // clouds are asked once a minute
			got = nil
			for _, a := range g.Get(t, "monitor/alarm/list", object{"active": true}).List("alarms") {
				if a.Text("source") == "cloud" {
					got = append(got, a.Text("name")+" "+a.Text("object_id"))
				}
			}
			if slices.Sort(got); slices.Equal(got, want) {
				return
			}
			time.Sleep(500 * time.Millisecond)
		}
		t.Fatalf("got %q, want %q", got, want)
	}
	g.Post(t, "account/account/update", object{"id": "cloudy", "settings": settings(
		`{"alarms":[{"name":"NetworkLoad","kind":"network.network","severity":"MAJOR"},{"name":"ZoneTrouble","description":"flooded"}]}`)})
	become("NetworkLoad "+network, "ZoneTrouble account/cloudy")
	g.Post(t, "account/account/update", object{"id": "cloudy", "settings": settings(`{}`)})
	become()
}
