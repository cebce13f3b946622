package main

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// asProgram makes the test binary be alibaba-sim itself.
const asProgram = "ALIBABA_SIM_TEST_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
	}
	os.Exit(m.Run())
}

func TestServes(t *testing.T) {
	t.Parallel()
	ca := filepath.Join(t.TempDir(), "ca.pem")
	cmd := exec.CommandContext(t.Context(), os.Args[0], "--listen=127.0.0.1:0", "--tls=127.0.0.1:0", "--ca="+ca)
	cmd.Env = append(os.Environ(), asProgram+"=1")
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadBytes('\n')
	if err != nil {
		t.Fatal(err)
	}
	var where ready
	if err := json.Unmarshal(line, &where); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(ca)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(text)
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, ServerName: "ecs.cn-hangzhou.aliyuncs.com"}}}
	for _, url := range []string{where.HTTP, where.HTTPS} {
		answer, err := client.Get(url + "/sim/healthz")
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(answer.Body)
		answer.Body.Close()
		if string(body) != "ok\n" {
			t.Errorf("%s answers %q", url, body)
		}
	}
	client.CloseIdleConnections()
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("ended with %v", err)
	}
}

func TestBadCommandLines(t *testing.T) {
	t.Parallel()
	for name, args := range map[string][]string{
		"unknown": {"--fly"}, "no faults": {"--faults=/no/such/file"}, "bad address": {"--listen=nowhere:x"},
	} {
		var out, errs bytes.Buffer
		if code := run(args, &out, &errs); code != 1 || errs.Len() == 0 {
			t.Errorf("%s: exit %d, %s", name, code, errs.String())
		}
	}
}
