package main

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/flavors"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/quotasets"
	"github.com/gophercloud/gophercloud/v2/openstack/identity/v3/projects"
	"github.com/gophercloud/gophercloud/v2/openstack/identity/v3/roles"
	"github.com/gophercloud/gophercloud/v2/openstack/identity/v3/users"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/extensions/security/groups"
	"github.com/gophercloud/gophercloud/v2/pagination"

	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	computev1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/compute/v1"
	driverv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/driver/v1"

	"github.com/yunqiao/yunqiao/drivers/openstack/session"
)

// openAdmin opens the same cloud as its administrator, or skips the test.
func openAdmin(t *testing.T) *session.Session {
	t.Helper()
	cloud := os.Getenv("OS_ADMIN_CLOUD")
	if cloud == "" {
		t.Skip("OS_ADMIN_CLOUD names no administrator of the cloud")
	}
	s, err := session.Open(t.Context(), map[string]string{"cloud": cloud, "clouds_file": os.Getenv("OS_CLIENT_CONFIG_FILE")}, nil, session.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

func makeFlavor(t *testing.T, admin *session.Session, name string, disk int, specs map[string]string) string {
	t.Helper()
	f, err := flavors.Create(t.Context(), admin.Compute, flavors.CreateOpts{Name: name, RAM: 512, VCPUs: 1, Disk: &disk}).Extract()
	if err != nil {
		t.Fatalf("make flavor: %v", err)
	}
	t.Cleanup(func() {
		if err := flavors.Delete(context.WithoutCancel(t.Context()), admin.Compute, f.ID).ExtractErr(); err != nil {
			t.Errorf("remove flavor: %v", err)
		}
	})
	if len(specs) > 0 {
		if _, err := flavors.CreateExtraSpecs(t.Context(), admin.Compute, f.ID, flavors.ExtraSpecsOpts(specs)).Extract(); err != nil {
			t.Fatalf("set extra specs: %v", err)
		}
	}
	return f.ID
}

// TestVMWithoutRoom asks for what no host has, at creation and by resize, and
// starts a VM whose flavor has no disk.
func TestVMWithoutRoom(t *testing.T) {
	l := openLive(t)
	admin := openAdmin(t)
	nowhere := makeFlavor(t, admin, "yqtest-nowhere", 1, map[string]string{"trait:HW_GPU_API_VULKAN": "required"})
	diskless := makeFlavor(t, admin, "yqtest.diskless", 0, nil)
	create := &computev1.CreateVmRequest{
		Name: l.prefix, ImageId: l.image(t), FlavorId: nowhere, Nics: []*computev1.NicSpec{{SubnetId: l.network(t, "10.93.1.0/24")[0]}},
	}
	failed := must(t, "nowhere-"+nowhere, l.vms.CreateVm, create).GetId()
	l.remove(t, failed)
	if vm := l.settle(t, failed, computev1.VmState_VM_STATE_ERROR); vm.GetStateReason() != "OUT_OF_STOCK" ||
		!strings.HasPrefix(vm.GetProviderAttributes()["fault"], "No valid host") {
		t.Errorf("state reason: %q, %v", vm.GetStateReason(), vm.GetProviderAttributes())
	}
	must(t, "delete-"+failed, l.vms.DeleteVm, &computev1.DeleteVmRequest{Id: failed})
	l.gone(t, failed)

	create.FlavorId = diskless
	id := must(t, "diskless-"+diskless, l.vms.CreateVm, create).GetId()
	l.remove(t, id)
	vm := l.settle(t, id, computev1.VmState_VM_STATE_RUNNING)
	if len(vm.GetDiskIds()) != 1 || vm.GetFlavorId() != diskless {
		t.Errorf("disks %v, flavor %s", vm.GetDiskIds(), vm.GetFlavorId())
	}
	refused(t, apiv1.Reason_REASON_OUT_OF_STOCK, l.vms.ResizeVm, &computev1.ResizeVmRequest{Id: id, FlavorId: nowhere, AllowRestart: true})
	l.settle(t, id, computev1.VmState_VM_STATE_RUNNING)
	must(t, "delete-"+id, l.vms.DeleteVm, &computev1.DeleteVmRequest{Id: id})
	l.gone(t, id)
}

// TestVMBeyondQuota works in a project of its own that may have one processor.
func TestVMBeyondQuota(t *testing.T) {
	l := openLive(t)
	admin := openAdmin(t)
	useProject(t, l, admin)
	network := l.network(t, "10.94.1.0/24")
	small, _ := l.flavors(t)
	create := &computev1.CreateVmRequest{
		Name: l.prefix, ImageId: l.image(t), FlavorId: small.GetId(), Nics: []*computev1.NicSpec{{SubnetId: network[0]}},
	}
	id := must(t, "quota-"+network[0], l.vms.CreateVm, create).GetId()
	l.settle(t, id, computev1.VmState_VM_STATE_RUNNING)
	refused(t, apiv1.Reason_REASON_QUOTA_EXCEEDED, l.vms.CreateVm, create)
	large := must(t, "flavors", computev1.NewFlavorServiceClient(l.conn).ListFlavors, &computev1.ListFlavorsRequest{Name: "m1.large"}).GetFlavors()[0]
	refused(t, apiv1.Reason_REASON_QUOTA_EXCEEDED, l.vms.ResizeVm, &computev1.ResizeVmRequest{Id: id, FlavorId: large.GetId(), AllowRestart: true})
	must(t, "delete-"+id, l.vms.DeleteVm, &computev1.DeleteVmRequest{Id: id})
	l.gone(t, id)
}

// useProject opens the test's account anew in a project made for it.
func useProject(t *testing.T, l *live, admin *session.Session) {
	t.Helper()
	identity, err := openstack.NewIdentityV3(admin.Compute.ProviderClient, gophercloud.EndpointOpts{Region: admin.Region})
	if err != nil {
		t.Fatal(err)
	}
	project, err := projects.Create(t.Context(), identity, projects.CreateOpts{Name: l.prefix}).Extract()
	if err != nil {
		t.Fatalf("make project: %v", err)
	}
	t.Cleanup(func() {
		ctx := context.WithoutCancel(t.Context())
		if err := projects.Delete(ctx, identity, project.ID).ExtractErr(); err != nil {
			t.Errorf("remove project: %v", err)
		}
		// The network service leaves the default group of a project behind.
		page, err := groups.List(admin.Network, groups.ListOpts{ProjectID: project.ID}).AllPages(ctx)
		if err != nil {
			t.Errorf("list groups: %v", err)
			return
		}
		left, err := groups.ExtractGroups(page)
		for _, g := range left {
			err = errors.Join(err, groups.Delete(ctx, admin.Network, g.ID).ExtractErr())
		}
		if err != nil {
			t.Errorf("remove groups: %v", err)
		}
	})
	user := first(t, users.ExtractUsers, users.List(identity, users.ListOpts{Name: os.Getenv("OS_CLOUD")}))
	role := first(t, roles.ExtractRoles, roles.List(identity, roles.ListOpts{Name: "member"}))
	if err := roles.Assign(t.Context(), identity, role.ID, roles.AssignOpts{UserID: user.ID, ProjectID: project.ID}).ExtractErr(); err != nil {
		t.Fatal(err)
	}
	cores := 1
	if err := quotasets.Update(t.Context(), admin.Compute, project.ID, quotasets.UpdateOpts{Cores: &cores}).Err; err != nil {
		t.Fatal(err)
	}
	settings := map[string]string{"cloud": os.Getenv("OS_CLOUD"), "clouds_file": os.Getenv("OS_CLIENT_CONFIG_FILE"), "project_id": project.ID}
	if _, err := driverv1.NewDriverServiceClient(l.conn).OpenAccount(t.Context(),
		&driverv1.OpenAccountRequest{AccountId: liveAccount, Settings: settings}); err != nil {
		t.Fatal(err)
	}
	if l.session, err = session.Open(t.Context(), settings, nil, session.Options{}); err != nil {
		t.Fatal(err)
	}
}

func first[T any](t *testing.T, extract func(pagination.Page) ([]T, error), pager pagination.Pager) T {
	t.Helper()
	page, err := pager.AllPages(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	list, err := extract(page)
	if err != nil || len(list) == 0 {
		t.Fatalf("nothing found: %v", err)
	}
	return list[0]
}
