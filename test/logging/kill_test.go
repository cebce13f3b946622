package logging_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// gateway is the binary, running.
type gateway struct {
	t     *testing.T
	bin   string
	dir   string
	url   string
	token string
	cmd   *exec.Cmd
}

// newGateway prepares one with its data in a folder of dir.
func newGateway(t *testing.T, dir, more string) *gateway {
	t.Helper()
	bin := os.Getenv("YUNQIAO_BIN")
	if bin == "" {
		t.Skip("set YUNQIAO_BIN to the folder of the built programs")
	}
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := free.Addr().String()
	free.Close()
	config := fmt.Sprintf("listen: %s\ndata: %s\n%s", address, filepath.Join(dir, "data"), more)
	if err := os.WriteFile(filepath.Join(dir, "c.yaml"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	return &gateway{t: t, bin: filepath.Join(bin, "yunqiao"), dir: dir, url: "http://" + address}
}

func (g *gateway) start() {
	g.t.Helper()
	log, err := os.OpenFile(filepath.Join(g.dir, "out.log"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		g.t.Fatal(err)
	}
	defer log.Close()
	g.cmd = exec.CommandContext(context.WithoutCancel(g.t.Context()), g.bin, "serve", "--config", filepath.Join(g.dir, "c.yaml"))
	g.cmd.Stdout, g.cmd.Stderr = log, log
	if err := g.cmd.Start(); err != nil {
		g.t.Fatal(err)
	}
	for range 300 {
		if response, err := http.Get(g.url + "/readyz"); err == nil {
			response.Body.Close()
			if response.StatusCode == http.StatusOK {
				token, err := os.ReadFile(filepath.Join(g.dir, "data", "admin.token"))
				if err != nil {
					g.t.Fatal(err)
				}
				g.token = strings.TrimSpace(string(token))
				return
			}
		}
		time.Sleep(50 * time.Millisecond)
	}
	g.t.Fatal("the gateway did not start")
}

func (g *gateway) kill() {
	_ = g.cmd.Process.Kill()
	_ = g.cmd.Wait()
}

func (g *gateway) call(method, path string, body any) (map[string]any, io.ReadCloser) {
	g.t.Helper()
	raw, err := json.Marshal(body)
	if err != nil {
		g.t.Fatal(err)
	}
	request, err := http.NewRequestWithContext(g.t.Context(), method, g.url+path, bytes.NewReader(raw))
	if err != nil {
		g.t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+g.token)
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		g.t.Fatal(err)
	}
	if strings.Contains(path, "export") {
		return nil, response.Body
	}
	defer response.Body.Close()
	var answer struct {
		Code int
		Data map[string]any
	}
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil || answer.Code != 0 {
		g.t.Fatalf("%s: %d %v %v", path, answer.Code, answer.Data, err)
	}
	return answer.Data, nil
}

// soak is how many times more is done in a soak run.
func soak(times int) int {
	if os.Getenv("YUNQIAO_SOAK") != "" {
		return times
	}
	return 1
}

func number(name string, otherwise int) int {
	if n, err := strconv.Atoi(os.Getenv(name)); err == nil {
		return n
	}
	return otherwise
}

// TestKilledWhileFilesRotate writes numbered lines into a file that is renamed,
// copied and truncated, and compressed, and kills the gateway at random.
// YUNQIAO_LOG_LINES (200,000; 10 million with YUNQIAO_SOAK) and YUNQIAO_LOG_KILLS (10; 100)
// say how much.
func TestKilledWhileFilesRotate(t *testing.T) {
	lines, kills := number("YUNQIAO_LOG_LINES", 200000*soak(50)), number("YUNQIAO_LOG_KILLS", 10*soak(10))
	dir := t.TempDir()
	logs := filepath.Join(dir, "logs")
	if err := os.Mkdir(logs, 0o700); err != nil {
		t.Fatal(err)
	}
	g := newGateway(t, dir, fmt.Sprintf("logging: {file_roots: [%s]}\n", logs))
	g.start()
	defer func() { g.kill() }()
	submission, _ := g.call(http.MethodPost, "/logging/v1/submission/create", map[string]any{"name": "f", "method": "SUBMISSION_METHOD_FILE"})
	path := filepath.Join(logs, "app.log")
	location, _ := g.call(http.MethodPost, "/logging/v1/location/create", map[string]any{"name": "l", "submission_id": submission["id"], "address": path})

	written := make(chan error, 1)
	go func() { written <- write(path, lines) }()
	random := rand.New(rand.NewPCG(1, 1))
	for range kills {
		time.Sleep(time.Duration(200+random.IntN(800)) * time.Millisecond)
		g.kill()
		time.Sleep(time.Duration(random.IntN(300)) * time.Millisecond)
		g.start()
	}
	if err := <-written; err != nil {
		t.Fatal(err)
	}
	last := -1
	for quiet := 0; quiet < 4; {
		time.Sleep(time.Second)
		found, _ := g.call(http.MethodGet, "/logging/v1/location/get?id="+location["id"].(string), nil)
		stored := int(found["location"].(map[string]any)["stored_count"].(float64))
		if stored == last {
			quiet++
		} else {
			quiet = 0
		}
		last = stored
	}
	_, stream := g.call(http.MethodGet, "/logging/v1/entry/export?location_id="+location["id"].(string), nil)
	defer stream.Close()
	seen := make([]int, lines)
	for scanner := bufio.NewScanner(stream); scanner.Scan(); {
		var e struct{ Message string }
		if err := json.Unmarshal(scanner.Bytes(), &e); err != nil {
			t.Fatal(err)
		}
		if n, err := strconv.Atoi(strings.TrimPrefix(e.Message, "line ")); err == nil {
			seen[n]++
		}
	}
	missing, twice := 0, 0
	for _, n := range seen {
		if n == 0 {
			missing++
		}
		if n > 1 {
			twice++
		}
	}
	found, _ := g.call(http.MethodGet, "/logging/v1/location/get?id="+location["id"].(string), nil)
	t.Logf("%d lines, %d kills: %d missing, %d twice; %v", lines, kills, missing, twice, found["location"])
	if missing > 0 || twice > 0 {
		t.Errorf("%d missing, %d twice", missing, twice)
	}
}

// write writes the lines and rotates every 20,000, in one process, so that no line
// falls between a copy and its truncation.
func write(path string, lines int) error {
	header := strings.Repeat("# the same first bytes of every file\n", 28)
	file, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	rotation := 0
	for i := range lines {
		if i%20000 == 0 {
			if i > 0 {
				rotation++
				if file, err = rotate(path, file, rotation); err != nil {
					return err
				}
			}
			if _, err := file.WriteString(header); err != nil {
				return err
			}
		}
		if _, err := fmt.Fprintf(file, "line %d\n", i); err != nil {
			return err
		}
		if i%100 == 0 {
			time.Sleep(time.Millisecond)
		}
	}
	return file.Close()
}

func rotate(path string, file *os.File, rotation int) (*os.File, error) {
	to := fmt.Sprintf("%s.%d", path, rotation)
	if rotation%2 == 0 {
		raw, err := os.ReadFile(path)
		if err == nil {
			err = errors.Join(os.WriteFile(to, raw, 0o600), file.Truncate(0))
		}
		return file, errors.Join(err, compress(to))
	}
	if err := errors.Join(os.Rename(path, to), file.Close()); err != nil {
		return nil, err
	}
	fresh, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if rotation%3 == 0 {
		err = errors.Join(err, compress(to))
	}
	return fresh, err
}

// compress does what gzip does: the time of the file stays.
func compress(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	var out bytes.Buffer
	zip := gzip.NewWriter(&out)
	_, err = zip.Write(raw)
	return errors.Join(err, zip.Close(), os.WriteFile(path+".gz", out.Bytes(), 0o600), os.Chtimes(path+".gz", info.ModTime(), info.ModTime()), os.Remove(path))
}
