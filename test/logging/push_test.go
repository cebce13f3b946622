package logging_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// push sends a record; status is 0 if there was no answer.
func (g *gateway) push(token, id, text string) (status int, retryAfter string) {
	g.t.Helper()
	request, err := http.NewRequestWithContext(g.t.Context(), http.MethodPost, g.url+"/logging/v1/push", strings.NewReader(text))
	if err != nil {
		g.t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+token)
	request.Header.Set("X-Record-Id", id)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, ""
	}
	defer response.Body.Close()
	return response.StatusCode, response.Header.Get("Retry-After")
}

// stored counts how often each message is in the store.
func (g *gateway) stored() map[string]int {
	g.t.Helper()
	_, stream := g.call(http.MethodGet, "/logging/v1/entry/export?process_name=pushed", nil)
	defer stream.Close()
	seen := map[string]int{}
	scanner := bufio.NewScanner(stream)
	scanner.Buffer(nil, 8<<20)
	for scanner.Scan() {
		var e struct{ Message string }
		if err := json.Unmarshal(scanner.Bytes(), &e); err != nil {
			g.t.Fatal(err)
		}
		seen[e.Message]++
	}
	return seen
}

func (g *gateway) pushing() (token string) {
	g.t.Helper()
	submission, _ := g.call(http.MethodPost, "/logging/v1/submission/create", map[string]any{"name": "p", "method": "SUBMISSION_METHOD_HTTP", "process_name": "pushed"})
	return submission["token"].(string)
}

// TestKilledAfterAcknowledgement kills the gateway while records are pushed: what was
// answered with 2xx is there afterwards, and what was sent again is there once. 10
// kills; 1,000 with YUNQIAO_SOAK.
func TestKilledAfterAcknowledgement(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 1))
	g := newGateway(t, t.TempDir(), "")
	g.start()
	defer func() { g.kill() }()
	token := g.pushing()
	acknowledged := map[string]bool{}
	var mu sync.Mutex
	for round := range 10 * soak(100) {
		var work sync.WaitGroup
		for sender := range 4 {
			work.Go(func() {
				for i := range 1000 {
					id := fmt.Sprintf("%d-%d-%d", round, sender, i)
					status, _ := g.push(token, id, "record "+id)
					if status != http.StatusOK {
						return
					}
					mu.Lock()
					acknowledged["record "+id] = true
					mu.Unlock()
				}
			})
		}
		time.Sleep(time.Duration(random.IntN(200)) * time.Millisecond)
		g.kill()
		work.Wait()
		g.start()
		for sender := range 4 { // a sender that had no answer sends again
			id := fmt.Sprintf("%d-%d-0", round, sender)
			if status, _ := g.push(token, id, "record "+id); status != http.StatusOK {
				t.Fatalf("sent again: got %d", status)
			}
			acknowledged["record "+id] = true
		}
	}
	seen := g.stored()
	for record := range acknowledged {
		if seen[record] != 1 {
			t.Errorf("%s is there %d times", record, seen[record])
		}
	}
	t.Logf("%d records were acknowledged", len(acknowledged))
}

// TestFullDisk fills a small file system under the store again and again: pushes are
// refused with 503 until there is room, what was acknowledged is there, and the store is
// whole. 5 cycles; 50 with YUNQIAO_SOAK.
func TestFullDisk(t *testing.T) {
	dir := t.TempDir()
	mount := exec.CommandContext(t.Context(), "mount", "-t", "tmpfs", "-o", "size=48m", "tmpfs", dir)
	if out, err := mount.CombinedOutput(); err != nil {
		t.Skipf("only root may mount a file system: %s", out)
	}
	defer func() {
		if out, err := exec.Command("umount", dir).CombinedOutput(); err != nil {
			t.Errorf("umount: %s", out)
		}
	}()
	g := newGateway(t, dir, "")
	g.start()
	defer func() { g.kill() }()
	token := g.pushing()
	ballast := filepath.Join(dir, "ballast")
	acknowledged := 0
	for cycle := range 5 * soak(10) {
		if err := os.WriteFile(ballast, make([]byte, 64<<20), 0o600); err == nil {
			t.Fatal("there is no end of the disk")
		}
		var status int
		var retry string
		for i := range 500 {
			id := fmt.Sprintf("%d-%d", cycle, i)
			if status, retry = g.push(token, id, "record "+id+" "+strings.Repeat("x", 20000)); status != http.StatusOK {
				break
			}
			acknowledged++
		}
		if status != http.StatusServiceUnavailable || retry == "" {
			t.Fatalf("cycle %d: got %d, Retry-After %q", cycle, status, retry)
		}
		if err := os.Remove(ballast); err != nil {
			t.Fatal(err)
		}
		recovered := false
		for range 100 {
			if status, _ = g.push(token, fmt.Sprintf("%d-after", cycle), fmt.Sprintf("record %d-after", cycle)); status == http.StatusOK {
				recovered = true
				break
			}
			time.Sleep(100 * time.Millisecond)
		}
		if !recovered {
			t.Fatalf("cycle %d: still %d with room on the disk", cycle, status)
		}
		acknowledged++
	}
	g.kill()
	g.start() // a store that is not whole does not open
	seen := g.stored()
	for record, n := range seen {
		if n != 1 {
			t.Errorf("%.40s is there %d times", record, n)
		}
	}
	if len(seen) != acknowledged {
		t.Errorf("%d records are there, %d were acknowledged", len(seen), acknowledged)
	}
}
