package admin_test

import (
	"context"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/yunqiao/yunqiao/drivers/sdk"
	"github.com/yunqiao/yunqiao/gateway/driverhost"
	"github.com/yunqiao/yunqiao/gateway/driverhost/admin"
	accountv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/account/v1"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
)

func TestServer(t *testing.T) {
	dir := t.TempDir()
	program := filepath.Join(dir, "driver")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", program, "../testdata/driver")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	host := driverhost.New(slog.New(slog.NewTextHandler(io.Discard, nil)), driverhost.Options{})
	t.Cleanup(host.Close)
	sum := strings.Repeat("0", 64)
	if err := host.Start(t.Context(), driverhost.Spec{Name: "good", Path: program, Args: []string{"--version", "1.2.3"}}); err != nil {
		t.Fatal(err)
	}
	if err := host.Start(t.Context(), driverhost.Spec{Name: "flipped", Path: program, SHA256: sum}); err == nil {
		t.Fatal("a driver of another checksum was started")
	}
	s, ctx := admin.NewServer(host), t.Context()

	list, err := s.ListDrivers(ctx, &accountv1.ListDriversRequest{})
	if err != nil || len(list.GetDrivers()) != 2 {
		t.Fatalf("got %v, %v", list, err)
	}
	flipped, good := list.GetDrivers()[0], list.GetDrivers()[1]
	if good.GetState() != accountv1.DriverState_DRIVER_STATE_READY || good.GetVersion() != "1.2.3" || good.GetContractVersion() != 1 || good.GetPid() == 0 {
		t.Errorf("got %v", good)
	}
	if flipped.GetState() == accountv1.DriverState_DRIVER_STATE_READY || !strings.Contains(flipped.GetLastError(), "checksum of "+program) || flipped.GetFailures() == 0 {
		t.Errorf("got %v", flipped)
	}

	got, err := s.GetDriver(ctx, &accountv1.GetDriverRequest{Id: "good"})
	if err != nil || len(got.GetSettings()) != 1 || got.GetSettings()[0].GetName() != "address" || len(got.GetEvents()) == 0 {
		t.Errorf("got %v, %v", got, err)
	}
	verified, err := s.VerifyDriver(ctx, &accountv1.VerifyDriverRequest{Id: "flipped"})
	if err != nil || verified.GetOk() || !strings.Contains(verified.GetProblem(), "checksum of "+program) {
		t.Errorf("got %v, %v", verified, err)
	}
	restarted, err := s.RestartDriver(ctx, &accountv1.RestartDriverRequest{Id: "good"})
	if err != nil || restarted.GetDriver().GetPid() == good.GetPid() {
		t.Errorf("got %v, %v", restarted, err)
	}
	if err := os.Remove(program); err != nil {
		t.Fatal(err)
	}
	if _, err := s.RestartDriver(ctx, &accountv1.RestartDriverRequest{Id: "good"}); sdk.ReasonOf(err) != apiv1.Reason_REASON_DRIVER_UNAVAILABLE {
		t.Errorf("without its program: %v", err)
	}
	if _, err := s.GetDriverLog(ctx, &accountv1.GetDriverLogRequest{Id: "good", Lines: 10}); err != nil {
		t.Error(err)
	}
	for name, call := range map[string]func(context.Context) error{
		"get": func(ctx context.Context) error {
			_, err := s.GetDriver(ctx, &accountv1.GetDriverRequest{Id: "none"})
			return err
		},
		"verify": func(ctx context.Context) error {
			_, err := s.VerifyDriver(ctx, &accountv1.VerifyDriverRequest{Id: "none"})
			return err
		},
		"restart": func(ctx context.Context) error {
			_, err := s.RestartDriver(ctx, &accountv1.RestartDriverRequest{Id: "none"})
			return err
		},
		"log": func(ctx context.Context) error {
			_, err := s.GetDriverLog(ctx, &accountv1.GetDriverLogRequest{Id: "none"})
			return err
		},
	} {
		if err := call(ctx); sdk.ReasonOf(err) != apiv1.Reason_REASON_NOT_FOUND {
			t.Errorf("%s of a driver that is not there: %v", name, err)
		}
	}
}
