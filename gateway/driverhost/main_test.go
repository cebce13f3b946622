package driverhost_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"testing"

	"go.uber.org/goleak"
	"google.golang.org/grpc"

	"github.com/yunqiao/yunqiao/drivers/sdk"
	"github.com/yunqiao/yunqiao/drivers/sdk/plugin"
	"github.com/yunqiao/yunqiao/gateway/driverhost"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	driverv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/driver/v1"
)

// The test binary is also the programs under test, chosen by this variable.
const envRole = "DRIVERHOST_TEST_ROLE"

func TestMain(m *testing.M) {
	switch role := os.Getenv(envRole); role {
	case "":
		goleak.VerifyTestMain(m)
	case "driver":
		sdk.Serve(&testDriver{})
	case "deaf": // does not follow the parent pipe
		if err := os.Unsetenv(plugin.EnvParentFD); err != nil {
			panic(err)
		}
		sdk.Serve(&testDriver{})
	case "crash":
		fmt.Fprintln(os.Stderr, "cannot read my configuration")
		os.Exit(3)
	case "silent":
		_, _ = io.Copy(io.Discard, os.NewFile(parentFD(), "parent"))
	case "chatty":
		fmt.Println("hello, I am no driver")
		_, _ = io.Copy(io.Discard, os.NewFile(parentFD(), "parent"))
	case "gateway":
		runGateway(os.Args[1], os.Args[2])
	default:
		panic("unknown role " + role)
	}
}

func parentFD() uintptr {
	fd, err := strconv.Atoi(os.Getenv(plugin.EnvParentFD))
	if err != nil {
		panic(err)
	}
	return uintptr(fd)
}

// runGateway starts one driver, tells its pid, and waits to be killed.
func runGateway(role, socketDir string) {
	host := driverhost.New(slog.New(slog.DiscardHandler), driverhost.Options{SocketDir: socketDir})
	if err := host.Start(context.Background(), driverSpec(role)); err != nil {
		panic(err)
	}
	fmt.Println(host.Drivers()[0].PID)
	forever := make(chan os.Signal, 1)
	signal.Notify(forever, syscall.SIGTERM)
	<-forever
}

func driverSpec(role string, env ...string) driverhost.Spec {
	program, err := os.Executable()
	if err != nil {
		panic(err)
	}
	return driverhost.Spec{Name: "test", Path: program, Env: append(env, envRole+"="+role)}
}

// testDriver does in Probe what the account's name says, and answers with its pid
// as region.
type testDriver struct {
	driverv1.UnimplementedDriverServiceServer
	accounts sdk.Accounts[struct{}]
}

func (d *testDriver) Register(grpc.ServiceRegistrar) {}

func (d *testDriver) GetInfo(context.Context, *driverv1.GetInfoRequest) (*driverv1.GetInfoResponse, error) {
	version := os.Getenv("VERSION")
	if version == "" {
		version = "1.0.0"
	}
	contract := int32(plugin.ContractVersion)
	if version == "99.0.0" {
		contract = 99
	}
	return &driverv1.GetInfoResponse{Name: "test", Version: version, ContractVersions: []int32{contract}}, nil
}

func (d *testDriver) GetAccountSchema(context.Context, *driverv1.GetAccountSchemaRequest) (*driverv1.GetAccountSchemaResponse, error) {
	return &driverv1.GetAccountSchemaResponse{Fields: []*driverv1.AccountField{{Name: "auth_url"}}}, nil
}

func (d *testDriver) OpenAccount(_ context.Context, req *driverv1.OpenAccountRequest) (*driverv1.OpenAccountResponse, error) {
	d.accounts.Put(req.GetAccountId(), struct{}{})
	return &driverv1.OpenAccountResponse{}, nil
}

func (d *testDriver) Probe(ctx context.Context, req *driverv1.ProbeRequest) (*driverv1.ProbeResponse, error) {
	switch name := req.GetAccountId(); name {
	case "block":
		fmt.Println("blocked") // through go-plugin's copy of stdout
		<-ctx.Done()
		return nil, ctx.Err()
	case "read a file": // ends when the test lets it
		if _, err := os.ReadFile(os.Getenv("FIFO")); err != nil {
			return nil, err
		}
	case "exit":
		os.Exit(7)
	case "panic":
		panic("boom in the call")
	case "panic outside":
		go func() { panic("boom outside") }()
		<-ctx.Done()
	case "log":
		slog.ErrorContext(ctx, "something to tell", "request_id", sdk.CallFrom(ctx).RequestID, "size", 3)
	case "unavailable":
		return nil, sdk.NewError(apiv1.Reason_REASON_CLOUD_UNAVAILABLE)
	case "pid":
	default:
		if _, err := d.accounts.Get(name); err != nil {
			return nil, err
		}
	}
	return &driverv1.ProbeResponse{Capabilities: &driverv1.AccountCapabilities{RegionId: strconv.Itoa(os.Getpid())}}, nil
}
