// The program of a driver that is a package of files, for the tests of the host:
// it says what its arguments say, and Probe does what the account's name says.
package main

import (
	"context"
	"flag"
	"os"
	"strconv"
	"strings"
	"syscall"

	goplugin "github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"

	"github.com/yunqiao/yunqiao/drivers/sdk/plugin"
	driverv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/driver/v1"
)

type driver struct {
	driverv1.UnimplementedDriverServiceServer
	version   string
	contracts []int
	eaten     [][]byte
}

func main() {
	d := &driver{}
	versions := ""
	flag.StringVar(&d.version, "version", "1.0.0", "")
	flag.StringVar(&versions, "contracts", "1", "")
	flag.Parse()
	for text := range strings.SplitSeq(versions, ",") {
		version, err := strconv.Atoi(text)
		if err != nil {
			panic(err)
		}
		d.contracts = append(d.contracts, version)
	}
	goplugin.Serve(&goplugin.ServeConfig{
		HandshakeConfig: plugin.Handshake(),
		VersionedPlugins: plugin.Versions(&plugin.GRPC{Register: func(server grpc.ServiceRegistrar) {
			driverv1.RegisterDriverServiceServer(server, d)
		}}, d.contracts...),
		GRPCServer: goplugin.DefaultGRPCServer,
	})
}

func (d *driver) GetInfo(context.Context, *driverv1.GetInfoRequest) (*driverv1.GetInfoResponse, error) {
	info := &driverv1.GetInfoResponse{Name: "package", Version: d.version}
	for _, v := range d.contracts {
		info.ContractVersions = append(info.ContractVersions, int32(v))
	}
	// What only the newer contract has; an older gateway knows neither.
	if len(d.contracts) > 1 {
		info.Methods = []string{"cloud.compute.v2.RobotService/CreateRobot"}
		info.Features = []*driverv1.Feature{{Name: "compute.robot.arms"}}
	}
	return info, nil
}

func (*driver) GetAccountSchema(context.Context, *driverv1.GetAccountSchemaRequest) (*driverv1.GetAccountSchemaResponse, error) {
	return &driverv1.GetAccountSchemaResponse{Fields: []*driverv1.AccountField{{Name: "address", Required: true}}}, nil
}

func (*driver) OpenAccount(context.Context, *driverv1.OpenAccountRequest) (*driverv1.OpenAccountResponse, error) {
	return &driverv1.OpenAccountResponse{}, nil
}

func (d *driver) Probe(_ context.Context, req *driverv1.ProbeRequest) (*driverv1.ProbeResponse, error) {
	switch req.GetAccountId() {
	case "eat":
		for range 64 {
			piece := make([]byte, 64<<20)
			for i := 0; i < len(piece); i += 4096 {
				piece[i] = 1
			}
			d.eaten = append(d.eaten, piece)
		}
	case "core":
		var limit syscall.Rlimit
		err := syscall.Getrlimit(syscall.RLIMIT_CORE, &limit)
		return &driverv1.ProbeResponse{Capabilities: &driverv1.AccountCapabilities{RegionId: strconv.FormatUint(limit.Max, 10)}}, err
	case "exit":
		os.Exit(7)
	}
	return &driverv1.ProbeResponse{}, nil
}
