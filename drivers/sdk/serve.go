package sdk

import (
	"log/slog"
	"os"
	"runtime/debug"

	goplugin "github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"

	"github.com/yunqiao/yunqiao/drivers/sdk/plugin"
)

// maxStack is what the stack of one goroutine may take, in bytes, as in the gateway: a
// recursion without an end stops the driver before it takes the machine's memory.
const maxStack = 32 << 20

// Serve is the body of a driver's main. It answers the gateway's handshake,
// serves until the gateway ends it, and ends the process when the gateway is
// gone. Started by hand it explains itself on stderr and exits with status 1.
//
// Logs go to stderr, one JSON object per line; the gateway logs them again
// under its own level. Serve makes this logger slog's default.
func Serve(d Driver) {
	debug.SetMaxStack(maxStack)
	log := NewLogger()
	slog.SetDefault(log)
	if err := followParent(os.Getenv(plugin.EnvParentFD), os.Exit); err != nil {
		log.Error("parent pipe", slog.String("error", err.Error()))
		os.Exit(1)
	}
	goplugin.Serve(&goplugin.ServeConfig{
		HandshakeConfig: plugin.Handshake(),
		VersionedPlugins: plugin.Versions(&plugin.GRPC{
			Register: func(server grpc.ServiceRegistrar) { registerDriver(server, d) },
		}),
		GRPCServer: func(opts []grpc.ServerOption) *grpc.Server { return newBareServer(log, opts...) },
		Logger:     newHandshakeLogger(os.Stderr, processLevel()),
	})
}
