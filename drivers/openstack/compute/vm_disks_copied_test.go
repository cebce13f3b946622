package compute

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/servers"
	"github.com/gophercloud/gophercloud/v2/openstack/image/v2/images"

	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	computev1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/compute/v1"

	"github.com/yunqiao/yunqiao/drivers/sdk"
)

// ofAVM is what Nova writes of a VM with two volumes, the system's last.
const ofAVM = `[{"source_type":"snapshot","snapshot_id":"s2","boot_index":null,"volume_size":9,"delete_on_termination":false},
	{"source_type":"snapshot","snapshot_id":"s1","boot_index":0,"volume_size":5,"delete_on_termination":false}]`

func TestCopiedDevices(t *testing.T) {
	t.Parallel()
	snapshot := func(id string, index, size int) servers.BlockDevice {
		return servers.BlockDevice{
			SourceType: servers.SourceSnapshot, UUID: id, DestinationType: servers.DestinationVolume, BootIndex: index, VolumeSize: size,
		}
	}
	for name, tc := range map[string]struct {
		mapping string
		want    []servers.BlockDevice
	}{
		"data of its own": {"", nil},
		"of a VM":         {ofAVM, []servers.BlockDevice{snapshot("s1", 0, 5), snapshot("s2", -1, 9)}},
		"data disk only":  {`[{"source_type":"snapshot","snapshot_id":"s2","boot_index":1}]`, nil},
	} {
		image := &images.Image{Properties: map[string]any{propertyMapping: tc.mapping}}
		got, err := copiedDevices(image)
		if diff := cmp.Diff(tc.want, got); diff != "" || err != nil {
			t.Errorf("%s: %v (-want +got)\n%s", name, err, diff)
		}
	}
	if _, err := copiedDevices(&images.Image{Properties: map[string]any{propertyMapping: "["}}); err == nil {
		t.Error("a list that cannot be read is taken")
	}
}

func TestCopiesFor(t *testing.T) {
	t.Parallel()
	stays := false
	for name, tc := range map[string]struct {
		disk   *computev1.BootDisk
		want   servers.BlockDevice
		reason apiv1.Reason
	}{
		"nothing asked": {nil, servers.BlockDevice{VolumeSize: 5, DeleteOnTermination: true}, 0},
		"bigger":        {&computev1.BootDisk{SizeGib: 7, DiskTypeId: "fast"}, servers.BlockDevice{VolumeSize: 7, VolumeType: "fast", DeleteOnTermination: true}, 0},
		"stays":         {&computev1.BootDisk{DeleteWithVm: &stays}, servers.BlockDevice{VolumeSize: 5}, 0},
		"too small":     {&computev1.BootDisk{SizeGib: 4}, servers.BlockDevice{}, apiv1.Reason_REASON_PARAMETER_REJECTED},
	} {
		got, err := copiesFor(tc.disk, []servers.BlockDevice{{VolumeSize: 5}, {VolumeSize: 9}})
		if tc.reason != 0 {
			if sdk.ReasonOf(err) != tc.reason {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		if diff := cmp.Diff([]servers.BlockDevice{tc.want, {VolumeSize: 9}}, got); diff != "" || err != nil {
			t.Errorf("%s: %v (-want +got)\n%s", name, err, diff)
		}
	}
}
