package programs

import (
	"bufio"
	"encoding/json"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/yunqiao/yunqiao/test/e2e/harness"
)

// TestEmergencyReachesTheMock runs `yunqiao programs serve-mock` as the content platform
// and takes a series off: two persons, then the mock prints what it was told.
func TestEmergencyReachesTheMock(t *testing.T) {
	t.Parallel()
	p := newPartner(t, "60060006")
	program := filepath.Join(t.TempDir(), "yunqiao")
	command(t, nil, "go", "build", "-o", program, "../../gateway")
	key := p.gateway.Get(t, "program/partner/get-platform-key", object{"id": p.group}).List("public_keys")[0].Text("public_key")
	mock := exec.CommandContext(t.Context(), program, "programs", "serve-mock", "--listen", "127.0.0.1:0", "--fail", "1",
		"--group-id", p.group, "--secret-file", p.secretFile, "--peer-key", key)
	out, err := mock.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := mock.Start(); err != nil {
		t.Fatal(err)
	}
	lines := make(chan string)
	go func() {
		defer close(lines)
		for scanner := bufio.NewScanner(out); scanner.Scan(); {
			lines <- scanner.Text()
		}
	}()
	line := func() string {
		select {
		case text := <-lines:
			return text
		case <-time.After(30 * time.Second):
			t.Fatal("the mock printed nothing")
			return ""
		}
	}
	p.gateway.Post(t, "program/partner/update", object{"id": p.group, "series_offline_url": line(), "program_offline_url": line()})
	e := p.gateway.Post(t, "program/emergency/create", object{
		"group_id": p.group, "kind": "RECORD_KIND_SERIES", "record_ids": []string{"S1", "S2"}, "reason": "test",
	})
	if answer := p.gateway.Send(t, "POST", "/program/v1/emergency/confirm", object{"id": e.Text("id")}); answer.Reason() != "RESOURCE_FORBIDDEN" {
		t.Errorf("confirmed by the same person: got %s", answer.Body)
	}
	second := secondPerson(t, p.gateway)
	if answer := p.gateway.Send(t, "POST", "/program/v1/emergency/confirm", object{"id": e.Text("id")}, harness.Header("Authorization", "Bearer "+second)); answer.Code != 0 {
		t.Fatalf("confirm: got %s", answer.Body)
	}
	var told struct {
		MsgID   string
		MsgType int
		MsgData struct{ SeriesIDs string }
	}
	if err := json.Unmarshal([]byte(line()), &told); err != nil || told.MsgID != e.Text("id") || told.MsgType != 301 || told.MsgData.SeriesIDs != "S1,S2" {
		t.Errorf("the mock was told %+v, %v", told, err)
	}
	harness.Eventually(t, 30*time.Second, "the platform has confirmed", func() bool {
		got := p.gateway.Get(t, "program/emergency/get", object{"id": e.Text("id")}).Object("emergency")
		d := got.List("deliveries")[0]
		return d.Text("target") == "CONTENT_PLATFORM" && d.Text("state") == "DELIVERY_STATE_CONFIRMED" && d.Int("attempts") == 2
	})
	if err := mock.Process.Kill(); err != nil {
		t.Error(err)
	}
	for range lines { // to its end
	}
	_ = mock.Wait() // it was killed
}

// secondPerson makes another user who may confirm and gives its token.
func secondPerson(t *testing.T, g *harness.Gateway) string {
	t.Helper()
	me := g.Post(t, "tenant/token/verify", object{})
	password := "correct-horse-7391"
	user := g.Post(t, "tenant/user/create", object{"name": "second", "password": password, "organization_id": me.Text("organization_id")})
	g.Post(t, "tenant/organization/grant-role", object{
		"id": me.Text("organization_id"), "user_id": user.Text("id"), "role_id": "00000000000000000000000000000008", // program-operator
	})
	return g.Post(t, "tenant/token/create", object{"user_name": "second", "password": password}).Text("token")
}
