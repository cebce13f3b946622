package driverhost

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os/exec"
	"slices"
	"time"

	"github.com/hashicorp/go-hclog"
	goplugin "github.com/hashicorp/go-plugin"
	"github.com/hashicorp/go-plugin/runner"
	"google.golang.org/grpc"
	"google.golang.org/grpc/health/grpc_health_v1"

	"github.com/yunqiao/yunqiao/drivers/sdk/plugin"
	driverv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/driver/v1"
)

const failedPings = 3 // in a row mean that a driver hangs

// instance is one connection to a driver and what stands behind it.
type instance struct {
	conn      grpc.ClientConnInterface
	info      *driverv1.GetInfoResponse
	schema    *driverv1.GetAccountSchemaResponse
	contract  int // version agreed on
	startedAt time.Time
	calls     *gate
	gone      chan struct{} // closed when calls go here no longer

	// Of a process; absent for an attached connection.
	process *process
	client  *goplugin.Client
	relog   *relogger
}

// describe asks the driver what it is, and refuses one that speaks none of the
// contract versions.
func (i *instance) describe(ctx context.Context, versions []int) error {
	driver := driverv1.NewDriverServiceClient(i.conn)
	var err error
	if i.info, err = driver.GetInfo(ctx, &driverv1.GetInfoRequest{}); err != nil {
		return fmt.Errorf("get info: %w", err)
	}
	for _, v := range versions {
		if slices.Contains(i.info.GetContractVersions(), int32(v)) {
			i.contract = max(i.contract, v)
		}
	}
	if i.contract == 0 {
		return fmt.Errorf("driver %s %s speaks contract versions %v, and this gateway %v",
			i.info.GetName(), i.info.GetVersion(), i.info.GetContractVersions(), versions)
	}
	if i.schema, err = driver.GetAccountSchema(ctx, &driverv1.GetAccountSchemaRequest{}); err != nil {
		return fmt.Errorf("get account schema: %w", err)
	}
	return nil
}

// launch starts a process and brings it to the point where it has told what it
// is. On an error nothing of the process is left.
func launch(ctx context.Context, spec Spec, log *slog.Logger, tail *tail, spawn *spawner, opts Options) (*instance, error) {
	spec, manifest, err := spec.verify(opts.Contracts)
	if err != nil {
		return nil, err
	}
	relog := &relogger{log: log, tail: tail}
	i := &instance{
		startedAt: time.Now(),
		calls:     newGate(),
		gone:      make(chan struct{}),
		process:   newProcess(spec, []string{plugin.EnvLogLevel + "=" + levelOf(log).String()}, opts.Limits, spawn, relog.readLines),
		relog:     relog,
	}
	i.client = goplugin.NewClient(clientConfig(opts, relog, func(env []string) runner.Runner {
		i.process.cmd.Env = append(i.process.cmd.Env, env...)
		return i.process
	}))
	ctx, cancel := context.WithTimeout(ctx, opts.StartTimeout)
	defer cancel()
	err = i.handshake(ctx)
	if err == nil && manifest != nil {
		err = manifest.agree(i.info, i.schema)
	}
	if err != nil {
		expired := ctx.Err()
		i.stop(opts.StopTimeout)
		return nil, i.explain(err, expired, opts)
	}
	return i, nil
}

// clientConfig is how a driver is spoken to. run gets the environment that the
// handshake needs.
func clientConfig(opts Options, relog *relogger, run func(env []string) runner.Runner) *goplugin.ClientConfig {
	return &goplugin.ClientConfig{
		HandshakeConfig:  plugin.Handshake(),
		VersionedPlugins: plugin.Versions(&plugin.GRPC{}, opts.Contracts...),
		AllowedProtocols: []goplugin.Protocol{goplugin.ProtocolGRPC},
		AutoMTLS:         true,
		SkipHostEnv:      true,
		StartTimeout:     2 * opts.StartTimeout, // ours comes first
		UnixSocketConfig: &goplugin.UnixSocketConfig{TempDir: opts.SocketDir},
		SyncStdout:       &lineWriter{relog: relog},
		SyncStderr:       &lineWriter{relog: relog},
		Logger:           hclog.NewNullLogger(),
		GRPCDialOptions: []grpc.DialOption{grpc.WithDefaultCallOptions(
			grpc.MaxCallRecvMsgSize(plugin.MaxMessageBytes), grpc.MaxCallSendMsgSize(plugin.MaxMessageBytes))},
		RunnerFunc: func(_ hclog.Logger, cmd *exec.Cmd, _ string) (runner.Runner, error) { return run(cmd.Env), nil },
	}
}

// handshake connects to the process and asks what it is. go-plugin takes no
// context: the end of ctx kills the process, which ends every wait on it.
func (i *instance) handshake(ctx context.Context) error {
	release := context.AfterFunc(ctx, i.kill)
	defer release()
	protocol, err := i.client.Client()
	if err != nil {
		return err
	}
	raw, err := protocol.Dispense(plugin.Name)
	if err != nil {
		return err
	}
	conn, ok := raw.(*grpc.ClientConn)
	if !ok {
		return fmt.Errorf("plugin gave a %T instead of a connection", raw)
	}
	i.conn = conn
	if err := i.describe(ctx, []int{i.client.NegotiatedVersion()}); err != nil {
		return err
	}
	if !release() {
		return ctx.Err()
	}
	return nil
}

// explain puts a failed start into words for the operator; the process has ended.
func (i *instance) explain(err, expired error, opts Options) error {
	switch state := i.process.cmd.ProcessState; {
	case errors.Is(expired, context.Canceled):
		return expired
	case state == nil:
		return err
	case expired != nil:
		return fmt.Errorf("no handshake within %s of its start%s", opts.StartTimeout, i.lastWords(opts.Limits))
	case i.conn == nil && state.Exited():
		return fmt.Errorf("ended before the handshake: %s%s", state, i.lastWords(opts.Limits))
	default:
		return fmt.Errorf("after its start: %w%s", err, i.lastWords(opts.Limits))
	}
}

// lastWords is what the process said last, and which ceiling it has reached.
func (i *instance) lastWords(limits Limits) string {
	words := i.relog.lastWords()
	told := limits.reached(words, i.process.starved)
	switch {
	case words == "":
		return told
	default:
		return ": " + words + told
	}
}

// watch returns when the process is no longer fit and why, or when ctx has
// ended, or with a replacement that was asked for.
func (i *instance) watch(ctx context.Context, opts Options, replaces <-chan replacement) (replacement, error) {
	ticker := time.NewTicker(opts.PingInterval)
	defer ticker.Stop()
	checks := grpc_health_v1.NewHealthClient(i.conn)
	for failures := 0; failures < failedPings; {
		select {
		case <-ctx.Done():
			return replacement{}, ctx.Err()
		case request := <-replaces:
			return request, nil
		case <-i.process.exited:
			return replacement{}, errors.New("process ended")
		case <-ticker.C:
			if ping(ctx, checks, opts.PingTimeout) == nil {
				failures = 0
			} else {
				failures++
			}
		}
	}
	return replacement{}, fmt.Errorf("no answer to %d health checks", failedPings)
}

func ping(ctx context.Context, checks grpc_health_v1.HealthClient, limit time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	_, err := checks.Check(ctx, &grpc_health_v1.HealthCheckRequest{Service: plugin.HealthService})
	return err
}

// stop ends the process, kindly for as long as limit, and waits for its end.
// Calls still in flight fail with UNAVAILABLE.
func (i *instance) stop(limit time.Duration) {
	if i.process == nil {
		return
	}
	timer := time.AfterFunc(limit, i.kill)
	defer timer.Stop()
	i.client.Kill()
	i.kill()
	i.process.release()
}

// kill has nobody to tell of an error: the process is being ended in any case.
func (i *instance) kill() { _ = i.process.kill() }
