// Command bench measures the gateway against the floor (test/bench/floor) in
// alternating rounds of one run, and prints medians and ratios. The machine may be
// noisy: only the ratios mean anything, and no test asserts them.
//
//	go run ./test/bench -bin bin [-seconds 3] [-rounds 5]
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

const vms = 100

func main() {
	bin := flag.String("bin", "bin", "folder of the built programs")
	seconds := flag.Float64("seconds", 3, "length of a round")
	rounds := flag.Int("rounds", 5, "rounds of each measurement")
	flag.Parse()
	if err := run(*bin, time.Duration(*seconds*float64(time.Second)), *rounds); err != nil {
		log.Fatal(err)
	}
}

func run(bin string, length time.Duration, rounds int) error {
	dir, err := os.MkdirTemp("", "yunqiao-bench")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	gateway, err := startGateway(bin, dir)
	if err != nil {
		return err
	}
	if err := seed(gateway); err != nil {
		return errors.Join(err, gateway.stop())
	}
	// The floor gets a copy of the same cloud: embedded clouds have one owner.
	if err := gateway.stop(); err != nil {
		return err
	}
	cloud := filepath.Join(dir, "clouds", "memory.db")
	if err := copyFile(cloud, filepath.Join(dir, "floor.db")); err != nil {
		return err
	}
	if gateway, err = startGateway(bin, dir); err != nil {
		return err
	}
	floor, err := startFloor(bin, filepath.Join(dir, "floor.db"))
	if err != nil {
		return errors.Join(err, gateway.stop())
	}
	return errors.Join(measure(gateway, floor, length, rounds), floor.stop(), gateway.stop())
}

// server is one of the two that are measured.
type server struct {
	url, token string
	stop       func() error
}

func startGateway(bin, dir string) (*server, error) {
	program, err := filepath.Abs(filepath.Join(bin, "yunqiao"))
	if err != nil {
		return nil, err
	}
	command := exec.Command(program, "serve", "--hints")
	command.Env = append(os.Environ(), "YUNQIAO_DATA="+dir, "YUNQIAO_LISTEN=127.0.0.1:0")
	out, err := command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := command.Start(); err != nil {
		return nil, err
	}
	stop := func() error {
		_ = command.Process.Signal(syscall.SIGTERM)
		return command.Wait()
	}
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if _, rest, ok := strings.Cut(lines.Text(), "serves on "); ok {
			url, _, _ := strings.Cut(rest, " ")
			token, err := os.ReadFile(filepath.Join(dir, "admin.token"))
			go func() { _, _ = io.Copy(io.Discard, out) }()
			return &server{url: url, token: strings.TrimSpace(string(token)), stop: stop}, err
		}
	}
	return nil, errors.Join(errors.New("the gateway did not start"), stop())
}

func startFloor(bin, file string) (*server, error) {
	command := exec.Command(filepath.Join(bin, "floor"), filepath.Join(bin, "drivers", "memory"), file)
	in, err := command.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	command.Stderr = os.Stderr
	if err := command.Start(); err != nil {
		return nil, err
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		return nil, fmt.Errorf("the floor did not start: %w", err)
	}
	return &server{url: "http://" + strings.TrimSpace(line), stop: func() error {
		_ = in.Close()
		return command.Wait()
	}}, nil
}

func copyFile(from, to string) error {
	content, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return os.WriteFile(to, content, 0o600)
}

func (s *server) call(method, path, body string) (map[string]any, error) {
	request, err := http.NewRequestWithContext(context.Background(), method, s.url+path, strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Authorization", "Bearer "+s.token)
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer func() { _ = response.Body.Close() }()
	var answer map[string]any
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
		return nil, err
	}
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s %s: %v", method, path, answer)
	}
	if data, ok := answer["data"].(map[string]any); ok {
		return data, nil
	}
	return answer, nil
}

// seed makes a network and 100 VMs.
func seed(s *server) error {
	network, err := s.call("POST", "/network/v1/network/create?wait_seconds=30",
		`{"account_id":"memory","name":"bench","subnets":[{"name":"bench","cidr":"10.9.0.0/16"}]}`)
	if err != nil {
		return err
	}
	subnets, err := s.call("GET", fmt.Sprintf("/network/v1/subnet/list?account_id=memory&network_id=%v", network["id"]), "")
	if err != nil {
		return err
	}
	images, err := s.call("GET", "/storage/v1/image/list?account_id=memory", "")
	if err != nil {
		return err
	}
	first := func(answer map[string]any, list string) any { return answer[list].([]any)[0].(map[string]any)["id"] }
	for i := range vms {
		body := fmt.Sprintf(`{"account_id":"memory","name":"vm-%03d","image_id":"%v","flavor_id":"memory.m1.tiny","nics":[{"subnet_id":"%v"}]}`,
			i, first(images, "images"), first(subnets, "subnets"))
		wait := "0"
		if i == vms-1 {
			wait = "60"
		}
		if _, err := s.call("POST", "/compute/v1/vm/create?wait_seconds="+wait, body); err != nil {
			return err
		}
	}
	return nil
}

func measure(gateway, floor *server, length time.Duration, rounds int) error {
	list, err := floor.call("GET", "/compute/v1/vm/list?page_size=100", "")
	if err != nil {
		return err
	}
	native := list["vms"].([]any)[0].(map[string]any)["id"].(string)
	paths := map[string][2]string{
		"vm/get":        {"/compute/v1/vm/get?id=memory." + native, "/compute/v1/vm/get?id=" + native},
		"vm/list (100)": {"/compute/v1/vm/list?account_id=memory&page_size=100", "/compute/v1/vm/list?page_size=100"},
	}
	for name, path := range paths {
		if err := sameAnswer(gateway, floor, path); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	fmt.Printf("| call | connections | gateway req/s | floor req/s | ratio | gateway p99 | floor p99 |\n|---|---|---|---|---|---|---|\n")
	for _, name := range []string{"vm/get", "vm/list (100)"} {
		for _, connections := range []int{1, 64} {
			var g, f []sample
			for range rounds {
				g = append(g, load(gateway, paths[name][0], connections, length))
				f = append(f, load(floor, paths[name][1], connections, length))
			}
			mg, mf := median(g), median(f)
			fmt.Printf("| %s | %d | %.0f | %.0f | %.2f | %s | %s |\n", name, connections, mg.rate, mf.rate, mg.rate/mf.rate,
				mg.p99.Round(10*time.Microsecond), mf.p99.Round(10*time.Microsecond))
		}
	}
	return nil
}

// sameAnswer asserts that both serve the same resources: what the gateway adds
// (accounts in ids, owners, times of reading) is taken out.
func sameAnswer(gateway, floor *server, path [2]string) error {
	a, err := gateway.call("GET", path[0], "")
	if err != nil {
		return err
	}
	b, err := floor.call("GET", path[1], "")
	if err != nil {
		return err
	}
	if !reflect.DeepEqual(strip(a), strip(b)) {
		return fmt.Errorf("the answers differ:\n%v\n%v", strip(a), strip(b))
	}
	return nil
}

var added = []string{
	"account_id", "tenant_id", "owner_id", "managed", "observed_at", "sources", "unreachable", "next_page_token", "state_message", "deletion_protected",
}

func strip(value any) any {
	switch v := value.(type) {
	case map[string]any:
		out := map[string]any{}
		for key, item := range v {
			if !slices.Contains(added, key) {
				out[key] = strip(item)
			}
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, item := range v {
			out[i] = strip(item)
		}
		return out
	case string:
		return strings.TrimPrefix(v, "memory.")
	default:
		return v
	}
}

type sample struct {
	rate float64 // requests per second
	p99  time.Duration
}

func median(samples []sample) sample {
	slices.SortFunc(samples, func(a, b sample) int { return int(a.rate - b.rate) })
	return samples[len(samples)/2]
}

// load asks as fast as so many connections can for a time.
func load(s *server, path string, connections int, length time.Duration) sample {
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: connections, DisableCompression: true}}
	defer client.CloseIdleConnections()
	var mu sync.Mutex
	var all []time.Duration
	var failed atomic.Int64
	deadline := time.Now().Add(length)
	var wg sync.WaitGroup
	for range connections {
		wg.Go(func() {
			var own []time.Duration
			request, err := http.NewRequestWithContext(context.Background(), http.MethodGet, s.url+path, nil)
			if err != nil {
				failed.Add(1)
				return
			}
			request.Header.Set("Authorization", "Bearer "+s.token)
			for time.Now().Before(deadline) {
				begin := time.Now()
				response, err := client.Do(request)
				if err != nil {
					failed.Add(1)
					continue
				}
				_, err = io.Copy(io.Discard, response.Body)
				if err := errors.Join(err, response.Body.Close()); err != nil || response.StatusCode != http.StatusOK {
					failed.Add(1)
				}
				own = append(own, time.Since(begin))
			}
			mu.Lock()
			all = append(all, own...)
			mu.Unlock()
		})
	}
	wg.Wait()
	if failed.Load() > 0 || len(all) == 0 {
		log.Fatalf("%s%s: %d requests failed", s.url, path, failed.Load())
	}
	slices.Sort(all)
	return sample{float64(len(all)) / length.Seconds(), all[len(all)*99/100]}
}
