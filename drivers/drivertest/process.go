package drivertest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"
	goplugin "github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"

	"github.com/yunqiao/yunqiao/drivers/sdk/plugin"
)

// startTimeout is how long a driver's handshake may take.
const startTimeout = 30 * time.Second

// Process is a driver's program, started with the handshake of the gateway.
type Process struct {
	path string
	args []string
	env  []string
	log  logBuffer
	// sockets is the folder of the driver's sockets: a killed driver leaves them.
	sockets string

	mu     sync.Mutex
	client *goplugin.Client
	conn   *grpc.ClientConn
}

// StartProcess starts a driver's program. The caller ends it with Close. env is
// added to nothing: the driver inherits no variable.
func StartProcess(path string, args, env []string) (*Process, error) {
	sockets, err := os.MkdirTemp("", "conform-")
	if err != nil {
		return nil, err
	}
	p := &Process{path: path, args: args, env: env, sockets: sockets}
	if err := p.start(); err != nil {
		return nil, errors.Join(err, os.RemoveAll(sockets))
	}
	return p, nil
}

func (p *Process) start() error {
	cmd := exec.Command(p.path, p.args...)
	cmd.Env = append([]string{plugin.EnvLogLevel + "=DEBUG", goplugin.EnvUnixSocketDir + "=" + p.sockets}, p.env...)
	cmd.SysProcAttr = ownGroup()
	client := goplugin.NewClient(&goplugin.ClientConfig{
		HandshakeConfig:  plugin.Handshake(),
		VersionedPlugins: plugin.Versions(&plugin.GRPC{}),
		AllowedProtocols: []goplugin.Protocol{goplugin.ProtocolGRPC},
		AutoMTLS:         true,
		Cmd:              cmd,
		SkipHostEnv:      true,
		StartTimeout:     startTimeout,
		Stderr:           &p.log,
		Logger:           hclog.NewNullLogger(),
		GRPCDialOptions: []grpc.DialOption{grpc.WithDefaultCallOptions(
			grpc.MaxCallRecvMsgSize(plugin.MaxMessageBytes), grpc.MaxCallSendMsgSize(plugin.MaxMessageBytes))},
	})
	conn, err := connect(client)
	if err != nil {
		client.Kill()
		return fmt.Errorf("start %s: %w\n%s", p.path, err, p.log.String())
	}
	p.client, p.conn = client, conn
	return nil
}

func connect(client *goplugin.Client) (*grpc.ClientConn, error) {
	protocol, err := client.Client()
	if err != nil {
		return nil, err
	}
	dispensed, err := protocol.Dispense(plugin.Name)
	if err != nil {
		return nil, err
	}
	conn, ok := dispensed.(*grpc.ClientConn)
	if !ok {
		return nil, errors.New("the plugin is no gRPC driver")
	}
	return conn, nil
}

// Conn implements Target.
func (p *Process) Conn() grpc.ClientConnInterface {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.conn
}

// Log implements Target.
func (p *Process) Log() string { return p.log.String() }

// Name implements Target.
func (p *Process) Name() string { return p.path }

// Crash kills the process with SIGKILL and starts it again.
func (p *Process) Crash(context.Context) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := killHard(p.client); err != nil {
		return err
	}
	p.client.Kill()
	return p.start()
}

// Close ends the process and waits for its end.
func (p *Process) Close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.client.Kill()
	_ = os.RemoveAll(p.sockets) // in the folder for temporary files; nobody to tell
}

// logBuffer is a buffer for the goroutines of go-plugin.
type logBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write implements io.Writer.
func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

// String is everything written.
func (b *logBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}
