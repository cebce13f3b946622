package driverhost

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"strings"
	"testing"
	"time"

	goplugin "github.com/hashicorp/go-plugin"
	"github.com/hashicorp/go-plugin/runner"
)

// printed is a process that prints something and then does nothing.
type printed struct {
	stdout io.ReadCloser
	ended  chan struct{}
}

func (p printed) Start(context.Context) error     { return nil }
func (p printed) Diagnose(context.Context) string { return "" }
func (p printed) Stdout() io.ReadCloser           { return p.stdout }
func (p printed) Stderr() io.ReadCloser           { return io.NopCloser(strings.NewReader("")) }
func (p printed) Name() string                    { return "printed" }
func (p printed) ID() string                      { return "printed" }
func (p printed) Wait(context.Context) error      { <-p.ended; return nil }

func (p printed) Kill(context.Context) error {
	select {
	case <-p.ended:
	default:
		close(p.ended)
	}
	return nil
}

func (p printed) PluginToHost(network, address string) (string, string, error) {
	return network, address, nil
}

func (p printed) HostToPlugin(network, address string) (string, string, error) {
	return network, address, nil
}

// FuzzHandshake shows that nothing that a program prints in place of a handshake
// brings the gateway down, or is taken for a driver.
func FuzzHandshake(f *testing.F) {
	for _, seed := range []string{
		"1|1|unix|/nonexistent/socket|grpc|\n", "1|2|unix|x|grpc|\n", "2|1|unix|x|grpc|\n", "1|1|tcp|127.0.0.1:1|grpc|AAAA\n",
		"1|1|unix|x|netrpc|\n", "1|\n", "\n", "", "1|1|tcp|[::1|grpc|\n", "1|1|unix|x|grpc||true\n", "hello\nworld\n",
	} {
		f.Add([]byte(seed))
	}
	opts := Options{StartTimeout: 100 * time.Millisecond}.withDefaults()
	relog := &relogger{log: slog.New(slog.DiscardHandler), tail: &tail{}}
	f.Fuzz(func(t *testing.T, line []byte) {
		process := printed{stdout: io.NopCloser(bytes.NewReader(line)), ended: make(chan struct{})}
		client := goplugin.NewClient(clientConfig(opts, relog, func([]string) runner.Runner { return process }))
		i := &instance{client: client, process: newProcess(Spec{Path: "none"}, nil, Limits{}, nil, nil), calls: newGate(), gone: make(chan struct{})}
		ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
		defer cancel()
		defer client.Kill()
		defer func() { _ = process.Kill(ctx) }()
		if err := i.handshake(ctx); err == nil {
			t.Errorf("%q was taken for a driver", line)
		}
	})
}

// FuzzLogLine shows that no line that a driver prints brings the gateway down.
func FuzzLogLine(f *testing.F) {
	for _, seed := range []string{`{"@level":"info","@message":"x"}`, `{"@level":3}`, `{"level":"warn","msg":["x"]}`, "panic: x", "{", "\xff", `{"time":{}}`} {
		f.Add([]byte(seed))
	}
	relog := &relogger{log: slog.New(slog.NewJSONHandler(io.Discard, nil)), tail: &tail{}}
	f.Fuzz(func(t *testing.T, line []byte) {
		relog.line(line)
		if n := len(relog.lastWords()); n > 3*maxNoteBytes {
			t.Errorf("%d bytes are remembered", n)
		}
	})
}
