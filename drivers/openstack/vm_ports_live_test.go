package main

import (
	"strings"
	"testing"
	"time"

	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/servers"
	neutronports "github.com/gophercloud/gophercloud/v2/openstack/networking/v2/ports"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/subnets"

	computev1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/compute/v1"

	"github.com/yunqiao/yunqiao/drivers/openstack/session"
	"github.com/yunqiao/yunqiao/drivers/sdk"
)

// TestPortsGoWithTheirVM makes VMs in one of two subnets, whose ports the driver makes
// itself, and lets Nova forget these ports in all ways that it has.
func TestPortsGoWithTheirVM(t *testing.T) {
	l := openLive(t)
	small, _ := l.flavors(t)
	subnet := l.network(t, "10.95.1.0/24", "10.95.2.0/24")[0]
	create := &computev1.CreateVmRequest{
		Name: l.prefix, ImageId: l.image(t), FlavorId: small.GetId(), Nics: []*computev1.NicSpec{{SubnetId: subnet}},
	}
	made := func(t *testing.T) string {
		t.Helper()
		id := must(t, "ports-"+t.Name()+time.Now().UTC().Format(time.RFC3339Nano), l.vms.CreateVm, create).GetId()
		l.remove(t, id)
		if len(l.madePorts(t, subnet)) != 1 {
			t.Fatalf("ports: %v", l.madePorts(t, subnet))
		}
		return id
	}
	deleted := func(t *testing.T, id string) {
		t.Helper()
		must(t, "delete-"+id, l.vms.DeleteVm, &computev1.DeleteVmRequest{Id: id})
		l.gone(t, id)
		if left := l.madePorts(t, subnet); len(left) != 0 {
			t.Errorf("ports are left: %v", left)
		}
	}
	t.Run("deleted while it is built", func(t *testing.T) { deleted(t, made(t)) })
	t.Run("deleted outside", func(t *testing.T) {
		id := made(t)
		l.settle(t, id, computev1.VmState_VM_STATE_RUNNING)
		if err := servers.Delete(t.Context(), l.session.Compute, id).ExtractErr(); err != nil {
			t.Fatal(err)
		}
		l.gone(t, id)
		deleted(t, id)
	})
	t.Run("the answer of the deletion is lost", func(t *testing.T) {
		id := made(t)
		l.settle(t, id, computev1.VmState_VM_STATE_RUNNING)
		call := sdk.Call{RequestID: "delete-" + id, AccountID: liveAccount, Attempt: 1}
		if _, err := l.vms.DeleteVm(sdk.WithCall(t.Context(), call), &computev1.DeleteVmRequest{Id: id}); err != nil {
			t.Fatal(err)
		}
		l.gone(t, id)
		deleted(t, id)
	})
	t.Run("no host takes it", func(t *testing.T) {
		create.FlavorId = makeFlavor(t, openAdmin(t), "yqtest-nowhere-ports", 1, map[string]string{"trait:HW_GPU_API_VULKAN": "required"})
		id := made(t)
		l.settle(t, id, computev1.VmState_VM_STATE_ERROR)
		deleted(t, id)
	})
}

// madePorts are the ports in the subnet that the driver made, by their names.
func (l *live) madePorts(t *testing.T, subnetID string) []string {
	t.Helper()
	subnet, err := subnets.Get(t.Context(), l.session.Network, subnetID).Extract()
	if err != nil {
		t.Fatal(err)
	}
	page, err := neutronports.List(l.session.Network, neutronports.ListOpts{NetworkID: subnet.NetworkID}).AllPages(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	list, err := neutronports.ExtractPorts(page)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for i := range list {
		if strings.HasPrefix(list[i].Name, session.MarkerPrefix) {
			names = append(names, list[i].ID+" "+list[i].Name)
		}
	}
	return names
}
