package sdk_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"

	"github.com/yunqiao/yunqiao/drivers/sdk"
	"github.com/yunqiao/yunqiao/drivers/sdk/sdktest"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	computev1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/compute/v1"
	driverv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/driver/v1"
)

type testDriver struct {
	driverv1.UnimplementedDriverServiceServer
	computev1.UnimplementedVmServiceServer
	accounts sdk.Accounts[string]
	seen     chan sdk.Call
}

func (d *testDriver) Register(r grpc.ServiceRegistrar) { computev1.RegisterVmServiceServer(r, d) }

func (d *testDriver) GetInfo(context.Context, *driverv1.GetInfoRequest) (*driverv1.GetInfoResponse, error) {
	return &driverv1.GetInfoResponse{Name: "test", Methods: sdk.Methods(d.Register)}, nil
}

func (d *testDriver) GetVm(ctx context.Context, req *computev1.GetVmRequest) (*computev1.GetVmResponse, error) {
	if _, err := d.accounts.From(ctx); err != nil {
		return nil, err
	}
	switch req.GetId() {
	case "panic":
		panic("boom")
	case "absent":
		return nil, sdk.NewError(apiv1.Reason_REASON_NOT_FOUND, sdk.Provider("itemNotFound", 404, "R", "no such server"))
	}
	d.seen <- sdk.CallFrom(ctx)
	sdk.SetNextStep(ctx, "confirm", 1200*time.Millisecond)
	sdk.AddProviderRequestID(ctx, "req-a")
	sdk.AddProviderRequestID(ctx, "req-b")
	return &computev1.GetVmResponse{}, nil
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) lines(t *testing.T) []map[string]any {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	var out []map[string]any
	for line := range strings.Lines(l.b.String()) {
		var m map[string]any
		if err := json.Unmarshal([]byte(line), &m); err != nil {
			t.Fatalf("log line %q: %v", line, err)
		}
		out = append(out, m)
	}
	return out
}

func serve(t *testing.T, d *testDriver) (*grpc.ClientConn, *lockedBuffer) {
	t.Helper()
	logs := &lockedBuffer{}
	log := slog.New(slog.NewJSONHandler(logs, &slog.HandlerOptions{Level: slog.LevelDebug}))
	return sdktest.ServeLogged(t, d, log), logs
}

func TestServer(t *testing.T) {
	t.Parallel()
	d := &testDriver{seen: make(chan sdk.Call, 1)}
	d.accounts.Put("os-sh", "client")
	conn, logs := serve(t, d)
	vms := computev1.NewVmServiceClient(conn)
	call := sdk.Call{RequestID: "r-1", AccountID: "os-sh", Attempt: 2, NextStep: "wait", Undo: true}
	ctx := sdk.WithCall(t.Context(), call)

	t.Run("metadata and trailer", func(t *testing.T) {
		var md metadata.MD
		if _, err := vms.GetVm(ctx, &computev1.GetVmRequest{Id: "i-1"}, grpc.Trailer(&md)); err != nil {
			t.Fatal(err)
		}
		if got := <-d.seen; got != call {
			t.Errorf("got %+v, want %+v", got, call)
		}
		trailer := sdk.TrailerFrom(md)
		if trailer.NextStep != "confirm" || trailer.PollAfter != 2*time.Second || !slices.Equal(trailer.ProviderRequestIDs, []string{"req-a", "req-b"}) {
			t.Errorf("trailer: got %+v", trailer)
		}
	})
	t.Run("unknown account", func(t *testing.T) {
		_, err := vms.GetVm(sdk.WithCall(ctx, sdk.Call{AccountID: "other"}), &computev1.GetVmRequest{Id: "i-1"})
		if got := sdk.ReasonOf(err); got != apiv1.Reason_REASON_ACCOUNT_NOT_FOUND {
			t.Errorf("got %v", err)
		}
	})
	t.Run("a panic fails one call", func(t *testing.T) {
		_, err := vms.GetVm(ctx, &computev1.GetVmRequest{Id: "panic"})
		if got := sdk.ReasonOf(err); got != apiv1.Reason_REASON_DRIVER_FAULT {
			t.Errorf("got %v", err)
		}
		if _, err := vms.GetVm(ctx, &computev1.GetVmRequest{Id: "absent"}); sdk.ReasonOf(err) != apiv1.Reason_REASON_NOT_FOUND {
			t.Errorf("after the panic: got %v", err)
		}
		if !slices.ContainsFunc(logs.lines(t), func(m map[string]any) bool {
			return m["panic"] == "boom" && m["request_id"] == "r-1" && strings.Contains(fmt.Sprint(m["stack"]), "GetVm")
		}) {
			t.Errorf("no log line with the stack: %v", logs.lines(t))
		}
	})
	t.Run("log lines", func(t *testing.T) {
		find := func(level, method, reason, fault string) bool {
			return slices.ContainsFunc(logs.lines(t), func(m map[string]any) bool {
				value := func(key string) string { s, _ := m[key].(string); return s }
				return value("level") == level && value("method") == method && value("reason") == reason &&
					value("provider_fault") == fault && value("account_id") == "os-sh"
			})
		}
		if !find("DEBUG", "cloud.compute.v1.VmService/GetVm", "", "") {
			t.Error("no line for the call that succeeded")
		}
		if !find("WARN", "cloud.compute.v1.VmService/GetVm", "NOT_FOUND", "no such server") {
			t.Error("no line for the call that failed")
		}
	})
}

type base struct {
	computev1.UnimplementedVmServiceServer
}

func (base) StartVm(context.Context, *computev1.StartVmRequest) (*computev1.StartVmResponse, error) {
	return nil, nil
}

type layered struct{ *base }

func (layered) StopVm(context.Context, *computev1.StopVmRequest) (*computev1.StopVmResponse, error) {
	return nil, nil
}

func TestMethods(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		register func(grpc.ServiceRegistrar)
		want     []string
	}{
		"written on the type": {(&testDriver{}).Register, []string{"cloud.compute.v1.VmService/GetVm"}},
		"embedded and by value": {
			func(r grpc.ServiceRegistrar) { computev1.RegisterVmServiceServer(r, &layered{&base{}}) },
			[]string{"cloud.compute.v1.VmService/StartVm", "cloud.compute.v1.VmService/StopVm"},
		},
		"nothing": {func(r grpc.ServiceRegistrar) {
			computev1.RegisterVmServiceServer(r, computev1.UnimplementedVmServiceServer{})
		}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := sdk.Methods(tc.register); !slices.Equal(got, tc.want) {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}
