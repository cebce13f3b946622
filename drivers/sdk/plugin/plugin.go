package plugin

import (
	"context"
	"errors"

	goplugin "github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"
)

const (
	// Name of the one plugin in every set.
	Name = "driver"
	// ContractVersion is the version of the contract that this code speaks.
	ContractVersion = 1
	// MaxMessageBytes bounds one message in either direction.
	MaxMessageBytes = 64 << 20
	// HealthService is the name under which a driver answers gRPC health checks.
	HealthService = goplugin.GRPCServiceName
	// EnvParentFD names the variable with the number of the inherited pipe that
	// reaches its end when the gateway is gone.
	EnvParentFD = "YUNQIAO_PARENT_FD"
	// EnvLogLevel names the variable with the lowest level that a driver should
	// log: DEBUG, INFO, WARN or ERROR.
	EnvLogLevel = "YUNQIAO_LOG_LEVEL"
)

// Handshake tells a driver that it was started by a gateway. It is no
// protection; the connection is protected by certificates made at each start.
func Handshake() goplugin.HandshakeConfig {
	return goplugin.HandshakeConfig{
		MagicCookieKey:   "YUNQIAO_DRIVER",
		MagicCookieValue: "b2d4a3f0-5c0e-4d0b-9d5c-7f1f7a6f3c55",
	}
}

// Versions lists what can be agreed upon, by contract version: those given, or
// ContractVersion. Both sides take the highest that they have in common.
func Versions(p *GRPC, versions ...int) map[int]goplugin.PluginSet {
	if len(versions) == 0 {
		versions = []int{ContractVersion}
	}
	sets := make(map[int]goplugin.PluginSet, len(versions))
	for _, v := range versions {
		sets[v] = goplugin.PluginSet{Name: p}
	}
	return sets
}

// GRPC is the plugin: on the driver's side it adds services to the server, on
// the gateway's side it hands out the *grpc.ClientConn itself.
type GRPC struct {
	goplugin.NetRPCUnsupportedPlugin
	// Register adds the driver's services. Needed on the driver's side only.
	Register func(grpc.ServiceRegistrar)
}

var _ goplugin.GRPCPlugin = (*GRPC)(nil)

// GRPCServer adds the driver's services to the server.
func (p *GRPC) GRPCServer(_ *goplugin.GRPCBroker, server *grpc.Server) error {
	if p.Register == nil {
		return errors.New("plugin has no services to register")
	}
	p.Register(server)
	return nil
}

// GRPCClient returns conn, a *grpc.ClientConn.
func (p *GRPC) GRPCClient(_ context.Context, _ *goplugin.GRPCBroker, conn *grpc.ClientConn) (any, error) {
	return conn, nil
}
