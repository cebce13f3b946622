// Command alarms gives the gateway and Prometheus's Alertmanager the same load, one
// after the other on fresh data, and prints what they did: distinct alerts posted to
// API v2 by several connections, then lists while all of them are active.
//
//	go run ./test/bench/alarms -bin bin [-alerts 100000] [-batch 64] [-connections 4] [-rounds 1] [-only gateway]
//
// Both answer a post when they have it; the gateway has it on disk then, Alertmanager in
// memory.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// settings of a run.
type settings struct {
	bin, only                          string
	alerts, batch, connections, rounds int
}

func main() {
	var s settings
	flag.StringVar(&s.bin, "bin", "bin", "folder of the built programs")
	flag.IntVar(&s.alerts, "alerts", 100000, "distinct alerts")
	flag.IntVar(&s.batch, "batch", 64, "alerts in one post; Prometheus sends up to 64")
	flag.IntVar(&s.connections, "connections", 4, "posts at the same time")
	flag.IntVar(&s.rounds, "rounds", 1, "rounds, alternating")
	flag.StringVar(&s.only, "only", "", "gateway or alertmanager, to leave the other out")
	flag.Parse()
	for range s.rounds {
		for _, server := range []struct {
			name string
			open func(context.Context, settings, string) (*server, error)
		}{{"gateway", openGateway}, {"alertmanager", openAlertmanager}} {
			if s.only != "" && s.only != server.name {
				continue
			}
			if err := measure(context.Background(), s, server.open); err != nil {
				log.Fatal(err)
			}
		}
	}
}

// server is a program that speaks API v2.
type server struct {
	name, base, page, token string
	cmd                     *exec.Cmd
	client                  *http.Client
}

func freeAddress() (string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer listener.Close()
	return listener.Addr().String(), nil
}

func openGateway(ctx context.Context, s settings, dir string) (*server, error) {
	address, err := freeAddress()
	if err != nil {
		return nil, err
	}
	config := filepath.Join(dir, "c.yaml")
	text := fmt.Sprintf("listen: %s\ndata: %s\n", address, filepath.Join(dir, "data"))
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		return nil, err
	}
	v := &server{name: "gateway", base: "http://" + address + "/monitor/v1/alertmanager", page: "http://" + address + "/monitor/v1/alarm/list?active=true&page_size=100"}
	if err := v.start(ctx, exec.CommandContext(ctx, filepath.Join(s.bin, "yunqiao"), "serve", "--config", config), "http://"+address+"/readyz"); err != nil {
		return nil, err
	}
	token, err := os.ReadFile(filepath.Join(dir, "data", "admin.token"))
	v.token = strings.TrimSpace(string(token))
	return v, err
}

func openAlertmanager(ctx context.Context, _ settings, dir string) (*server, error) {
	address, err := freeAddress()
	if err != nil {
		return nil, err
	}
	config := filepath.Join(dir, "am.yml")
	if err := os.WriteFile(config, []byte("route: {receiver: none, group_by: [alertname]}\nreceivers: [{name: none}]\n"), 0o600); err != nil {
		return nil, err
	}
	v := &server{name: "alertmanager", base: "http://" + address}
	cmd := exec.CommandContext(ctx, "prometheus-alertmanager", "--config.file="+config, "--storage.path="+filepath.Join(dir, "am"),
		"--web.listen-address="+address, "--cluster.listen-address=", "--log.level=error")
	return v, v.start(ctx, cmd, "http://"+address+"/-/ready")
}

func (v *server) start(ctx context.Context, cmd *exec.Cmd, ready string) error {
	v.client = &http.Client{Timeout: 5 * time.Minute, Transport: &http.Transport{MaxIdleConnsPerHost: 64}}
	v.cmd, cmd.Stderr = cmd, os.Stderr
	if err := cmd.Start(); err != nil {
		return err
	}
	for range 600 {
		if _, err := v.get(ctx, ready); err == nil {
			return nil
		}
		time.Sleep(50 * time.Millisecond)
	}
	return fmt.Errorf("%s did not start", v.name)
}

func (v *server) stop() {
	_ = v.cmd.Process.Kill()
	_ = v.cmd.Wait()
}

// processorTime is what the server has used so far, in user and system mode, as
// proc(5) tells: fields 14 and 15, in hundredths of a second.
func (v *server) processorTime() (time.Duration, error) {
	line, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", v.cmd.Process.Pid))
	if err != nil {
		return 0, err
	}
	fields := strings.Fields(string(line[bytes.LastIndexByte(line, ')')+1:]))
	var total time.Duration
	for _, text := range fields[11:13] {
		ticks, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return 0, err
		}
		total += time.Duration(ticks) * 10 * time.Millisecond
	}
	return total, nil
}

func (v *server) do(request *http.Request) (size int64, err error) {
	if v.token != "" {
		request.Header.Set("Authorization", "Bearer "+v.token)
	}
	response, err := v.client.Do(request)
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	size, err = io.Copy(io.Discard, response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s answered %s", v.name, response.Status)
	}
	return size, err
}

func (v *server) get(ctx context.Context, address string) (int64, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return 0, err
	}
	return v.do(request)
}

func (v *server) post(ctx context.Context, first, n int) error {
	now := time.Now().UTC()
	alerts := make([]map[string]any, n)
	for i := range alerts {
		id := strconv.Itoa(first + i)
		alerts[i] = map[string]any{
			"labels": map[string]string{
				"alertname": "disk" + strconv.Itoa((first+i)%100), "instance": "host-" + id + ":9100", "job": "node", "severity": []string{"critical", "major", "warning"}[(first+i)%3], "mount": "/var/lib/" + id,
			},
			"annotations": map[string]string{"description": "the file system is nearly full on host " + id},
			"startsAt":    now, "endsAt": now.Add(time.Hour),
		}
	}
	body, err := json.Marshal(alerts)
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, v.base+"/api/v2/alerts", bytes.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	_, err = v.do(request)
	return err
}

func measure(ctx context.Context, s settings, open func(context.Context, settings, string) (*server, error)) error {
	dir, err := os.MkdirTemp("", "yunqiao-alarms")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	v, err := open(ctx, s, dir)
	if err != nil {
		return err
	}
	defer v.stop()
	before, err := v.processorTime()
	if err != nil {
		return err
	}
	began := time.Now()
	if err := v.fill(ctx, s); err != nil {
		return err
	}
	took := time.Since(began)
	after, err := v.processorTime()
	if err != nil {
		return err
	}
	used := after - before
	fmt.Printf("%-13s %d distinct alerts: %.0f/s, %.1f s of processor time of the server, %.0f µs each\n",
		v.name, s.alerts, float64(s.alerts)/took.Seconds(), used.Seconds(), used.Seconds()*1e6/float64(s.alerts))
	lists := [][2]string{
		{"one instance, API v2", v.base + "/api/v2/alerts?" + url.Values{"filter": {`instance="host-77:9100"`}}.Encode()},
		{"one name of 100, API v2", v.base + "/api/v2/alerts?" + url.Values{"filter": {`alertname="disk7"`}}.Encode()},
	}
	if v.page != "" {
		lists = append(lists, [2]string{"page of 100", v.page}, [2]string{"page of 100, critical", v.page + "&min_severity=SEVERITY_CRITICAL"},
			[2]string{"page of 100, one name", v.page + "&name=disk7"}, [2]string{"one object", v.page + "&object_id=host-77:9100"})
	}
	for _, list := range append(lists, [2]string{"all, API v2", v.base + "/api/v2/alerts"}) {
		if err := v.time(ctx, list[0], list[1]); err != nil {
			return err
		}
	}
	return nil
}

func (v *server) fill(ctx context.Context, s settings) error {
	var next atomic.Int64
	var work sync.WaitGroup
	failures := make([]error, s.connections)
	for c := range s.connections {
		work.Go(func() {
			for {
				first := int(next.Add(int64(s.batch))) - s.batch
				if first >= s.alerts || failures[c] != nil {
					return
				}
				failures[c] = v.post(ctx, first, min(s.batch, s.alerts-first))
			}
		})
	}
	work.Wait()
	return errors.Join(failures...)
}

// time asks up to 200 times or for 10 s.
func (v *server) time(ctx context.Context, name, address string) error {
	var took []time.Duration
	var size int64
	for began := time.Now(); len(took) < 200 && time.Since(began) < 10*time.Second; {
		at := time.Now()
		var err error
		if size, err = v.get(ctx, address); err != nil {
			return err
		}
		took = append(took, time.Since(at))
	}
	slices.Sort(took)
	fmt.Printf("%-13s %-24s median %8.1f ms, p99 %8.1f ms, %d times, %d KiB\n", v.name, name, took[len(took)/2].Seconds()*1000,
		took[len(took)*99/100].Seconds()*1000, len(took), size>>10)
	return nil
}
