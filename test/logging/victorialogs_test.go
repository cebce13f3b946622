package logging_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// victoriaLogs is a real one, running.
type victoriaLogs struct {
	t                  *testing.T
	program, dir, host string
	cmd                *exec.Cmd
}

func (v *victoriaLogs) start() {
	v.t.Helper()
	v.cmd = exec.CommandContext(context.WithoutCancel(v.t.Context()), v.program, "-storageDataPath="+v.dir, "-httpListenAddr="+v.host, "-loggerLevel=ERROR")
	v.cmd.Stderr = os.Stderr
	if err := v.cmd.Start(); err != nil {
		v.t.Fatal(err)
	}
	for range 300 {
		if response, err := http.Get("http://" + v.host + "/health"); err == nil {
			response.Body.Close()
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	v.t.Fatal("VictoriaLogs did not start")
}

func (v *victoriaLogs) stop(signal os.Signal) {
	_ = v.cmd.Process.Signal(signal)
	_ = v.cmd.Wait()
}

// found counts what a query in LogsQL finds, by message, each id once.
func (v *victoriaLogs) found(query string) map[string]int {
	v.t.Helper()
	response, err := http.Get("http://" + v.host + "/select/logsql/query?" + url.Values{"query": {query}}.Encode())
	if err != nil {
		v.t.Fatal(err)
	}
	defer response.Body.Close()
	out, ids := map[string]int{}, map[string]bool{}
	for scanner := bufio.NewScanner(response.Body); scanner.Scan(); {
		var line map[string]string
		if err := json.Unmarshal(scanner.Bytes(), &line); err != nil {
			v.t.Fatal(err)
		}
		if !ids[line["id"]] {
			ids[line["id"]] = true
			out[line["_msg"]]++
		}
	}
	return out
}

// TestVictoriaLogs forwards to a real VictoriaLogs, which is away for a while, and from a
// gateway that is killed meanwhile: everything arrives, and is found there by its fields.
func TestVictoriaLogs(t *testing.T) {
	program := os.Getenv("YUNQIAO_VICTORIA_LOGS")
	if program == "" {
		t.Skip("set YUNQIAO_VICTORIA_LOGS to the program, as make soak does")
	}
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	v := &victoriaLogs{t: t, program: program, dir: filepath.Join(t.TempDir(), "vl"), host: free.Addr().String()}
	free.Close()
	v.start()
	defer func() { v.stop(os.Kill) }()
	g := newGateway(t, t.TempDir(), "logging: {pull_private: true}\n")
	g.start()
	defer func() { g.kill() }()
	token := g.pushing()
	g.call(http.MethodPost, "/logging/v1/forward/create", map[string]any{"name": "v", "kind": "FORWARD_KIND_VICTORIALOGS", "address": "http://" + v.host})
	const lines = 300
	n := 0
	push := func() {
		for range lines {
			id := fmt.Sprintf("line-%d", n)
			if status, _ := g.push(token, id, "forwarded 快照 "+id); status != http.StatusOK {
				t.Fatalf("push: %d", status)
			}
			n++
		}
	}
	push()
	v.stop(os.Interrupt) // it keeps some seconds in memory, and writes them at its end
	push()
	g.kill()
	g.start()
	v.start()
	push()
	var got map[string]int
	for range 600 {
		if got = v.found(`process_name:=pushed | limit 10000`); len(got) == n {
			break
		}
		time.Sleep(100 * time.Millisecond)
	}
	for i := range n {
		if count := got[fmt.Sprintf("forwarded 快照 line-%d", i)]; count != 1 {
			t.Errorf("line %d is there %d times", i, count)
		}
	}
	if one := v.found(`"line-7"`); len(one) != 1 || one["forwarded 快照 line-7"] != 1 {
		t.Errorf("a word finds %v", one)
	}
}
