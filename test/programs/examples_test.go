package programs

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const seriesMessage = `{"msgId":"m-NAME","msgType":100,"msgTime":1767225600000,"msgData":{"seriesId":"NAME","title":"山海情 NAME","vImageUrl":"https://i.example/v.jpg?a=1&b=<2>","category":"电视剧","year":"2021","definition":"4K","completed":"true","episodeCount":23,"status":"online"}}`

// TestExamples injects a series with each client and looks for it.
func TestExamples(t *testing.T) {
	t.Parallel()
	p := newPartner(t, "40040004")
	goClient := filepath.Join(t.TempDir(), "send")
	command(t, nil, "go", "build", "-o", goClient, "../../examples/programs/go")
	file := filepath.Join(t.TempDir(), "message.json")
	for name, client := range map[string][]string{"go": {goClient}, "python": {"python3", "../../examples/programs/python/send.py"}} {
		t.Run(name, func(t *testing.T) {
			if err := os.WriteFile(file, []byte(strings.ReplaceAll(seriesMessage, "NAME", name)), 0o600); err != nil {
				t.Fatal(err)
			}
			args := append(client[1:], p.gateway.URL()+"/gyt345/v1/series", file)
			if out := command(t, p.environment(), client[0], args...); !strings.Contains(out, `"code":"ok"`) {
				t.Fatalf("got %s", out)
			}
			found := p.gateway.Get(t, "program/series/list", object{"title": "山海情 " + name})
			if series := found.List("series"); len(series) != 1 || !series[0].Bool("online") {
				t.Errorf("got %v", found)
			}
		})
	}
	t.Run("shell", func(t *testing.T) {
		message := `{"msgData":{"seriesIds":"go,python"},"msgId":"m-shell","msgTime":1767225600001,"msgType":103}`
		out := command(t, p.environment(), "../../examples/programs/shell/send.sh", p.gateway.URL()+"/gyt345/v1/series/offline", message)
		if !strings.Contains(out, `"code":"ok"`) {
			t.Fatalf("got %s", out)
		}
		if found := p.gateway.Get(t, "program/series/list", object{"online": "true"}); len(found.List("series")) != 0 {
			t.Errorf("still online: %v", found)
		}
	})
	t.Run("refused", func(t *testing.T) {
		cmd := exec.CommandContext(t.Context(), goClient, p.gateway.URL()+"/gyt345/v1/series", file)
		cmd.Env = append(os.Environ(), append(p.environment(), "GYT345_GROUP_SECRET="+strings.Repeat("x", 32))...)
		if out, err := cmd.Output(); err == nil || !strings.Contains(string(out), "403") || !strings.Contains(string(out), "Forbidden") {
			t.Errorf("another secret: got %s, %v", out, err)
		}
	})
}
