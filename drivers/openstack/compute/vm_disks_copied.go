package compute

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/servers"
	"github.com/gophercloud/gophercloud/v2/openstack/image/v2/images"

	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	computev1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/compute/v1"

	"github.com/yunqiao/yunqiao/drivers/sdk"
)

// propertyMapping of an image without data lists the snapshots that its VMs' disks
// are copied from.
const propertyMapping = "block_device_mapping"

// mappedDevice is one disk of that list, as Nova and package storage write it.
type mappedDevice struct {
	SourceType          string `json:"source_type"`
	SnapshotID          string `json:"snapshot_id"`
	BootIndex           *int   `json:"boot_index"`
	VolumeSize          int    `json:"volume_size"`
	DeleteOnTermination bool   `json:"delete_on_termination"`
}

// copiedDevices are the disks of an image that refers to snapshots, that of the
// system first; nil: the image holds data.
func copiedDevices(image *images.Image) ([]servers.BlockDevice, error) {
	mapping := imageProperty(image, propertyMapping)
	if mapping == "" {
		return nil, nil
	}
	var devices []mappedDevice
	if err := json.Unmarshal([]byte(mapping), &devices); err != nil {
		return nil, fmt.Errorf("%s of image %s: %w", propertyMapping, image.ID, err)
	}
	isRoot := func(d mappedDevice) bool {
		return d.BootIndex != nil && *d.BootIndex == 0 && d.SourceType == string(servers.SourceSnapshot) && d.SnapshotID != ""
	}
	root := slices.IndexFunc(devices, isRoot)
	if root < 0 {
		return nil, nil
	}
	copied := []servers.BlockDevice{copyOf(devices[root], 0)}
	for i, d := range devices {
		if i != root && d.SnapshotID != "" {
			copied = append(copied, copyOf(d, -1))
		}
	}
	return copied, nil
}

func copyOf(d mappedDevice, bootIndex int) servers.BlockDevice {
	return servers.BlockDevice{
		SourceType:          servers.SourceSnapshot,
		UUID:                d.SnapshotID,
		DestinationType:     servers.DestinationVolume,
		BootIndex:           bootIndex,
		VolumeSize:          d.VolumeSize,
		DeleteOnTermination: d.DeleteOnTermination,
	}
}

// copiesFor gives the system disk, the first of the copied devices, what the request
// says of it. Nova itself heeds only what the image says.
func copiesFor(disk *computev1.BootDisk, copied []servers.BlockDevice) ([]servers.BlockDevice, error) {
	root := &copied[0]
	if size := int(disk.GetSizeGib()); size != 0 {
		if size < root.VolumeSize {
			return nil, sdk.NewError(apiv1.Reason_REASON_PARAMETER_REJECTED, sdk.Field("boot_disk.size_gib"),
				sdk.Violation("boot_disk.size_gib", fmt.Sprintf("must be at least %d, the size of the image's snapshot", root.VolumeSize)))
		}
		root.VolumeSize = size
	}
	root.VolumeType = disk.GetDiskTypeId()
	root.DeleteOnTermination = disk == nil || disk.DeleteWithVm == nil || disk.GetDeleteWithVm()
	return copied, nil
}
