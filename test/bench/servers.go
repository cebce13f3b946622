package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
)

// server is one of the two that are measured.
type server struct {
	url, token string
	pid        int
	stop       func() error
}

// account is a simulated cloud in a file, with room for everything that is made.
const account = `{id: memory, driver: memory, cloud_kind: private, settings: {data_file: %q,
  knobs: '{"quotas": {"compute.vm.count": 1000000, "compute.vm.memory": 2000000000, "compute.vm.vcpus": 2000000, "network.nic.count": 2000000}}'}}`

// startGateway runs it in a folder, which may have data already, with the accounts
// given as YAML or, without, with one in the file cloud.db of the folder.
func startGateway(bin, dir string, accounts ...string) (*server, error) {
	program, err := filepath.Abs(filepath.Join(bin, "yunqiao"))
	if err != nil {
		return nil, err
	}
	if len(accounts) == 0 {
		accounts = []string{fmt.Sprintf(account, filepath.Join(dir, "cloud.db"))}
	}
	config := filepath.Join(dir, "yunqiao.yaml")
	text := "accounts:\n- " + strings.Join(accounts, "\n- ") + "\n"
	if err := errors.Join(os.MkdirAll(dir, 0o700), os.WriteFile(config, []byte(text), 0o600)); err != nil {
		return nil, err
	}
	command := exec.Command(program, "serve", "--hints", "--config", config)
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
			return &server{url: url, token: strings.TrimSpace(string(token)), pid: command.Process.Pid, stop: stop}, err
		}
	}
	return nil, errors.Join(errors.New("the gateway did not start"), stop())
}

func startFloor(bin, cloud, inventory string) (*server, error) {
	command := exec.Command(filepath.Join(bin, "floor"), filepath.Join(bin, "drivers", "memory"), cloud, inventory)
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
	return &server{url: "http://" + strings.TrimSpace(line), pid: command.Process.Pid, stop: func() error {
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
