package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/gophercloud/gophercloud/v2/openstack/image/v2/images"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/extensions/security/groups"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/networks"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/subnets"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"

	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	computev1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/compute/v1"
	driverv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/driver/v1"

	"github.com/yunqiao/yunqiao/drivers/openstack/session"
	"github.com/yunqiao/yunqiao/drivers/sdk"
	"github.com/yunqiao/yunqiao/drivers/sdk/sdktest"
)

const liveAccount = "os-live"

// live is a driver behind real gRPC with one account of a real cloud.
type live struct {
	conn    *grpc.ClientConn
	vms     computev1.VmServiceClient
	session *session.Session // for what the tests need beside the driver
	prefix  string           // of the names of all that the test makes
}

// openLive opens the cloud that the environment names, or skips the test.
func openLive(t *testing.T) *live {
	t.Helper()
	file, cloud := os.Getenv("OS_CLIENT_CONFIG_FILE"), os.Getenv("OS_CLOUD")
	if file == "" || cloud == "" {
		t.Skip("OS_CLIENT_CONFIG_FILE and OS_CLOUD name no cloud")
	}
	settings := map[string]string{"cloud": cloud, "clouds_file": file}
	d := newDriver()
	conn := sdktest.Serve(t, d)
	opened, err := driverv1.NewDriverServiceClient(conn).OpenAccount(t.Context(),
		&driverv1.OpenAccountRequest{AccountId: liveAccount, Settings: settings})
	if err != nil {
		t.Fatalf("OpenAccount: %v", err)
	}
	if c := opened.GetCapabilities(); c.GetRegionId() == "" || c.GetCloudProject() == "" {
		t.Errorf("capabilities: %v", c)
	}
	s, err := d.accounts.Get(liveAccount)
	if err != nil {
		t.Fatal(err)
	}
	return &live{conn: conn, vms: computev1.NewVmServiceClient(conn), session: s, prefix: "yqtest-" + strings.ToLower(t.Name()[4:])}
}

// steps calls an rpc as the gateway does: again and again with the same request
// id until it names no next step.
func steps[Req, Resp any](t *testing.T, requestID string, rpc func(context.Context, *Req, ...grpc.CallOption) (*Resp, error), req *Req) (*Resp, error) {
	t.Helper()
	call := sdk.Call{RequestID: requestID, AccountID: liveAccount, Attempt: 1}
	for {
		var trailer metadata.MD
		resp, err := rpc(sdk.WithCall(t.Context(), call), req, grpc.Trailer(&trailer))
		told := sdk.TrailerFrom(trailer)
		cached := strings.Contains(fmt.Sprintf("%T", req), "List")
		if err == nil && !cached && len(told.ProviderRequestIDs) == 0 {
			t.Errorf("%T: the cloud's request ids are missing", req)
		}
		if err != nil || told.NextStep == "" {
			return resp, err
		}
		call.NextStep = told.NextStep
		wait(t, told.PollAfter/4)
	}
}

func must[Req, Resp any](t *testing.T, requestID string, rpc func(context.Context, *Req, ...grpc.CallOption) (*Resp, error), req *Req) *Resp {
	t.Helper()
	resp, err := steps(t, requestID, rpc, req)
	if err != nil {
		t.Fatalf("%T: %v", req, err)
	}
	return resp
}

func refused[Req, Resp any](t *testing.T, want apiv1.Reason, rpc func(context.Context, *Req, ...grpc.CallOption) (*Resp, error), req *Req) {
	t.Helper()
	_, err := steps(t, "refused", rpc, req)
	if got := sdk.ReasonOf(err); got != want {
		t.Errorf("%T: %v, want %v (%v)", req, got, want, err)
	}
}

func wait(t *testing.T, d time.Duration) {
	t.Helper()
	select {
	case <-t.Context().Done():
		t.Fatal(t.Context().Err())
	case <-time.After(d):
	}
}

// settle reads a VM until it is in the state.
func (l *live) settle(t *testing.T, id string, want computev1.VmState) *computev1.Vm {
	t.Helper()
	var last *computev1.Vm
	for range 120 {
		last = must(t, "get", l.vms.GetVm, &computev1.GetVmRequest{Id: id}).GetVm()
		if last.GetState() == want {
			return last
		}
		wait(t, 250*time.Millisecond)
	}
	t.Fatalf("VM is %v (%s %s), want %v", last.GetState(), last.GetProviderState(), last.GetStateMessage(), want)
	return nil
}

// network makes a network with subnets that are removed at the test's end.
func (l *live) network(t *testing.T, cidrs ...string) []string {
	t.Helper()
	n, err := networks.Create(t.Context(), l.session.Network, networks.CreateOpts{Name: l.prefix}).Extract()
	if err != nil {
		t.Fatalf("make network: %v", err)
	}
	t.Cleanup(func() {
		ctx := context.WithoutCancel(t.Context())
		if err := networks.Delete(ctx, l.session.Network, n.ID).ExtractErr(); err != nil {
			t.Errorf("remove network: %v", err)
		}
	})
	var ids []string
	for _, cidr := range cidrs {
		sub, err := subnets.Create(t.Context(), l.session.Network,
			subnets.CreateOpts{NetworkID: n.ID, CIDR: cidr, IPVersion: 4, Name: l.prefix}).Extract()
		if err != nil {
			t.Fatalf("make subnet: %v", err)
		}
		ids = append(ids, sub.ID)
	}
	return ids
}

func (l *live) securityGroup(t *testing.T) string {
	t.Helper()
	g, err := groups.Create(t.Context(), l.session.Network, groups.CreateOpts{Name: l.prefix}).Extract()
	if err != nil {
		t.Fatalf("make security group: %v", err)
	}
	t.Cleanup(func() {
		if err := groups.Delete(context.WithoutCancel(t.Context()), l.session.Network, g.ID).ExtractErr(); err != nil {
			t.Errorf("remove security group: %v", err)
		}
	})
	return g.ID
}

func (l *live) image(t *testing.T) string {
	t.Helper()
	page, err := images.List(l.session.Image, images.ListOpts{Status: images.ImageStatusActive}).AllPages(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	list, err := images.ExtractImages(page)
	if err != nil || len(list) == 0 {
		t.Fatalf("no image: %v", err)
	}
	return list[0].ID
}

// remove deletes a VM at the test's end if the test has not.
func (l *live) remove(t *testing.T, id string) {
	t.Helper()
	t.Cleanup(func() {
		ctx := sdk.WithCall(context.WithoutCancel(t.Context()), sdk.Call{RequestID: "cleanup-" + id, AccountID: liveAccount, Attempt: 1})
		_, _ = l.vms.DeleteVm(ctx, &computev1.DeleteVmRequest{Id: id})
	})
}
