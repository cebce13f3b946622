package compute

import (
	"context"
	"fmt"

	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/servers"
	"github.com/gophercloud/gophercloud/v2/openstack/image/v2/images"

	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	computev1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/compute/v1"

	"github.com/yunqiao/yunqiao/drivers/openstack/session"
	"github.com/yunqiao/yunqiao/drivers/sdk"
)

// gib is one GiB in bytes.
const gib = 1 << 30

// setDisks says from which disk the server starts and which others are made with
// it. Without a boot disk of its own it starts from the flavor's local disk, and
// where the flavor has none, from a volume as small as the image allows.
func setDisks(ctx context.Context, s *session.Session, req *computev1.CreateVmRequest, image *images.Image, opts *servers.CreateOpts) error {
	if err := checkDisks(s, req); err != nil {
		return err
	}
	flavor, err := flavorByID(ctx, s, req.GetFlavorId())
	if err != nil {
		return err
	}
	if flavor == nil {
		return sdk.NewError(apiv1.Reason_REASON_REFERENCE_NOT_FOUND, sdk.Resource(typeFlavor, req.GetFlavorId()), sdk.Field("flavor_id"))
	}
	copied, err := copiedDevices(image)
	if err != nil {
		return err
	}
	fromVolume := req.GetBootDisk() != nil || flavor.Disk == 0 || copied != nil
	if fromVolume && s.Volume == nil {
		return sdk.Unsupported(featureBootDisk)
	}
	opts.ImageRef = req.GetImageId()
	switch {
	case copied != nil && (req.GetBootDisk() != nil || !copied[0].DeleteOnTermination):
		opts.ImageRef = ""
		if opts.BlockDevice, err = copiesFor(req.GetBootDisk(), copied); err != nil {
			return err
		}
	case copied != nil:
		// Nova makes what the image says, and keeps the image's properties.
	case fromVolume:
		opts.ImageRef = ""
		opts.BlockDevice = append(opts.BlockDevice, bootDevice(req, image, true))
	case len(req.GetDataDisks()) > 0:
		opts.BlockDevice = append(opts.BlockDevice, bootDevice(req, image, false))
	}
	for _, disk := range req.GetDataDisks() {
		opts.BlockDevice = append(opts.BlockDevice, dataDevice(disk))
	}
	return nil
}

func checkDisks(s *session.Session, req *computev1.CreateVmRequest) error {
	if len(req.GetDataDisks()) > 0 && s.Volume == nil {
		return sdk.Unsupported(featureDataDisk)
	}
	types := []string{req.GetBootDisk().GetDiskTypeId()}
	for i, disk := range req.GetDataDisks() {
		types = append(types, disk.GetDiskTypeId())
		if id := disk.GetSnapshotId(); id != "" {
			if err := session.ReferenceUUID(typeSnapshot, id, fmt.Sprintf("data_disks[%d].snapshot_id", i)); err != nil {
				return err
			}
		}
	}
	for _, id := range types {
		if id != "" && !session.AtLeast(s.Compute, versionVolumeType) {
			return sdk.Unsupported(featureDiskType)
		}
	}
	return nil
}

// bootDevice is the disk that the server starts from.
func bootDevice(req *computev1.CreateVmRequest, image *images.Image, fromVolume bool) servers.BlockDevice {
	device := servers.BlockDevice{
		SourceType:          servers.SourceImage,
		UUID:                req.GetImageId(),
		DestinationType:     servers.DestinationLocal,
		DeleteOnTermination: true,
	}
	if !fromVolume {
		return device
	}
	disk := req.GetBootDisk()
	device.DestinationType = servers.DestinationVolume
	device.VolumeSize = int(disk.GetSizeGib())
	if device.VolumeSize == 0 {
		device.VolumeSize = smallestVolume(image)
	}
	device.VolumeType = disk.GetDiskTypeId()
	if disk != nil && disk.DeleteWithVm != nil {
		device.DeleteOnTermination = disk.GetDeleteWithVm()
	}
	return device
}

func dataDevice(disk *computev1.DataDisk) servers.BlockDevice {
	device := servers.BlockDevice{
		SourceType:          servers.SourceBlank,
		DestinationType:     servers.DestinationVolume,
		BootIndex:           -1,
		VolumeSize:          int(disk.GetSizeGib()),
		VolumeType:          disk.GetDiskTypeId(),
		DeleteOnTermination: disk.GetDeleteWithVm(),
	}
	if id := disk.GetSnapshotId(); id != "" {
		device.SourceType, device.UUID = servers.SourceSnapshot, id
	}
	return device
}

// smallestVolume is the size in GiB of the smallest volume that the image fits.
func smallestVolume(image *images.Image) int {
	bytes := max(image.SizeBytes, image.VirtualSize)
	return max(image.MinDiskGigabytes, int((bytes+gib-1)/gib), 1)
}

// imageOf reads the image of a request. Errors: REFERENCE_NOT_FOUND.
func imageOf(ctx context.Context, s *session.Session, req *computev1.CreateVmRequest) (*images.Image, error) {
	id := req.GetImageId()
	if err := session.ReferenceUUID(typeImage, id, "image_id"); err != nil {
		return nil, err
	}
	if err := session.Require(s.Image); err != nil {
		return nil, err
	}
	image, err := imageByID(ctx, s, id)
	if session.IsNotFound(err) || err == nil && image == nil {
		return nil, session.As(apiv1.Reason_REASON_REFERENCE_NOT_FOUND, err, typeImage, id, sdk.Field("image_id"))
	}
	return image, session.Error(err, typeImage, id, sdk.Field("image_id"))
}
