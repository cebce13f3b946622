package storage

import (
	"cmp"

	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	storagev1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/storage/v1"

	"github.com/yunqiao/yunqiao/drivers/alibaba/api"
	"github.com/yunqiao/yunqiao/drivers/alibaba/ecs"
	"github.com/yunqiao/yunqiao/drivers/alibaba/kind"
	"github.com/yunqiao/yunqiao/drivers/alibaba/tags"
)

// ownerSelf is the account itself. Source: DescribeImages, ImageOwnerAlias.
const ownerSelf = "self"

// image is an item of DescribeImages, as far as the driver reads it.
type image struct {
	ImageID            string `json:"ImageId"`
	ImageName          string
	ImageFamily        string
	Description        string
	Status             string
	Progress           string
	ImageOwnerAlias    string
	CreationTime       string
	OSType             string
	OSName             string
	Platform           string
	Architecture       string
	BootMode           string
	Size               int32  // GiB
	ResourceGroupID    string `json:"ResourceGroupId"`
	Tags               tags.List
	DiskDeviceMappings struct {
		DiskDeviceMapping []struct {
			Type       string
			SnapshotID string `json:"SnapshotId"`
		}
	}
}

// Statuses of images. Source: DescribeImages, Status.
const (
	imageAvailable  = "Available"
	imageDeprecated = "Deprecated"
	imageCreating   = "Creating"
	imageWaiting    = "Waiting"
	// everyStatus: without it only available ones are shown.
	everyStatus = "Creating,Waiting,Available,UnAvailable,CreateFailed,Deprecated"
)

// images ask by several ids joined by commas, and always for every status.
func images() kind.Kind[image] {
	return kind.Kind[image]{
		Type: typeImage, Product: api.ECS, Action: "DescribeImages", Items: "Images.Image", IDs: "ImageId",
		Style: kind.CommaIDs, MaxIDs: 100, MaxPage: 100, ID: func(v *image) string { return v.ImageID },
		With: api.Params{}.Set("Status", everyStatus),
	}
}

// toProtoImage maps an image of the account's region.
func toProtoImage(v *image, region string) *storagev1.Image {
	i := &storagev1.Image{
		Id:                 v.ImageID,
		Name:               v.ImageName,
		Description:        v.Description,
		Tags:               v.Tags.ToProto(),
		State:              toProtoImageState(v.Status),
		ProviderState:      v.Status,
		CreatedAt:          kind.ToProtoTime(v.CreationTime),
		RegionId:           region,
		Origin:             toProtoOrigin(v.ImageOwnerAlias),
		OsType:             ecs.ToProtoOSType(v.OSType),
		OsName:             cmp.Or(v.Platform, v.OSName),
		Architecture:       toProtoArchitecture(v.Architecture),
		BootMode:           toProtoBootMode(v.BootMode),
		MinDiskGib:         v.Size,
		ProgressPercent:    toProtoPercent(v.Progress),
		ProviderAttributes: ecs.Attributes(map[string]string{ecs.AttributeGroup: v.ResourceGroupID, attributeFamily: v.ImageFamily}),
	}
	for _, m := range v.DiskDeviceMappings.DiskDeviceMapping {
		if m.SnapshotID == "" {
			continue
		}
		if m.Type == typeSystem {
			i.SourceSnapshotIds = append([]string{m.SnapshotID}, i.GetSourceSnapshotIds()...)
			continue
		}
		i.SourceSnapshotIds = append(i.SourceSnapshotIds, m.SnapshotID)
	}
	return i
}

func toProtoImageState(status string) storagev1.ImageState {
	switch status {
	case imageCreating, imageWaiting:
		return storagev1.ImageState_IMAGE_STATE_CREATING
	case imageAvailable:
		return storagev1.ImageState_IMAGE_STATE_AVAILABLE
	case imageDeprecated:
		return storagev1.ImageState_IMAGE_STATE_DEACTIVATED
	case "UnAvailable", "CreateFailed":
		return storagev1.ImageState_IMAGE_STATE_ERROR
	}
	return storagev1.ImageState_IMAGE_STATE_UNSPECIFIED
}

func toProtoOrigin(alias string) storagev1.ImageOrigin {
	switch alias {
	case ownerSelf:
		return storagev1.ImageOrigin_IMAGE_ORIGIN_CUSTOM
	case "system":
		return storagev1.ImageOrigin_IMAGE_ORIGIN_PUBLIC
	case "others":
		return storagev1.ImageOrigin_IMAGE_ORIGIN_SHARED
	case "marketplace":
		return storagev1.ImageOrigin_IMAGE_ORIGIN_MARKETPLACE
	}
	return storagev1.ImageOrigin_IMAGE_ORIGIN_UNSPECIFIED
}

// fromProtoOrigin is the owner that a filter asks for; empty: any.
func fromProtoOrigin(origin storagev1.ImageOrigin) string {
	for _, alias := range []string{ownerSelf, "system", "others", "marketplace"} {
		if toProtoOrigin(alias) == origin {
			return alias
		}
	}
	return ""
}

func toProtoArchitecture(architecture string) apiv1.Architecture {
	switch architecture {
	case "x86_64":
		return apiv1.Architecture_ARCHITECTURE_X86_64
	case "arm64":
		return apiv1.Architecture_ARCHITECTURE_ARM64
	case "i386":
		return apiv1.Architecture_ARCHITECTURE_I386
	}
	return apiv1.Architecture_ARCHITECTURE_UNSPECIFIED
}

func fromProtoArchitecture(architecture apiv1.Architecture) string {
	for _, name := range []string{"x86_64", "arm64", "i386"} {
		if toProtoArchitecture(name) == architecture {
			return name
		}
	}
	return ""
}

func toProtoBootMode(mode string) storagev1.BootMode {
	switch mode {
	case "BIOS":
		return storagev1.BootMode_BOOT_MODE_BIOS
	case "UEFI":
		return storagev1.BootMode_BOOT_MODE_UEFI
	case "UEFI-Preferred":
		return storagev1.BootMode_BOOT_MODE_UEFI_PREFERRED
	}
	return storagev1.BootMode_BOOT_MODE_UNSPECIFIED
}

func fromProtoBootMode(mode storagev1.BootMode) string {
	for _, name := range []string{"BIOS", "UEFI", "UEFI-Preferred"} {
		if toProtoBootMode(name) == mode {
			return name
		}
	}
	return ""
}

// within tells whether a list for a resource group has an image: all but the account's
// own of other groups.
func (v *image) within(group string) bool {
	return group == "" || v.ImageOwnerAlias != ownerSelf || v.ResourceGroupID == group
}

// keepsImage tells whether an image fits the filters of a request.
func keepsImage(req *storagev1.ListImagesRequest, v *storagev1.Image) bool {
	return (req.GetName() == "" || req.GetName() == v.GetName()) &&
		tags.Match(v.GetTags(), req.GetTag()) &&
		(req.GetState() == 0 || req.GetState() == v.GetState()) &&
		(req.GetOrigin() == 0 || req.GetOrigin() == v.GetOrigin()) &&
		(req.GetOsType() == 0 || req.GetOsType() == v.GetOsType()) &&
		(req.GetArchitecture() == 0 || req.GetArchitecture() == v.GetArchitecture())
}
