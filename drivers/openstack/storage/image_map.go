package storage

import (
	"crypto/sha1" //nolint:gosec // UUID version 5 is made of SHA-1
	"encoding/hex"
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/gophercloud/gophercloud/v2/openstack/blockstorage/v3/snapshots"
	"github.com/gophercloud/gophercloud/v2/openstack/blockstorage/v3/volumes"
	"github.com/gophercloud/gophercloud/v2/openstack/image/v2/images"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	computev1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/compute/v1"
	storagev1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/storage/v1"

	"github.com/yunqiao/yunqiao/drivers/openstack/tags"
	"github.com/yunqiao/yunqiao/drivers/sdk"
)

// Properties of images, Glance's common ones and ours.
const (
	propDescription    = "description"
	propOSType         = "os_type"
	propOSName         = "os_distro"
	propOSVersion      = "os_version"
	propArchitecture   = "hw_architecture"
	propArchitectureV1 = "architecture"
	propFirmware       = "hw_firmware_type"
	propMapping        = "block_device_mapping"
	propMappingV2      = "bdm_v2"
	propRootDevice     = "root_device_name"
	propSourceSnapshot = "yunqiao_source_snapshot"
	propRequest        = "yunqiao_request"
)

// bdmV2 is the value of propMappingV2 in all images that hold no data but refer
// to snapshots, Nova's and ours.
const bdmV2 = "True"

// toProtoImage maps a Glance image as a project sees it.
func toProtoImage(v *images.Image, region, projectID string) *storagev1.Image {
	property := func(name string) string { text, _ := v.Properties[name].(string); return text }
	out := &storagev1.Image{
		Id:                v.ID,
		Name:              v.Name,
		Description:       property(propDescription),
		Tags:              tags.ToProto(v.Tags),
		State:             toProtoImageState(string(v.Status)),
		ProviderState:     string(v.Status),
		CreatedAt:         toProtoTime(v.CreatedAt),
		UpdatedAt:         toProtoTime(v.UpdatedAt),
		RegionId:          region,
		DeletionProtected: v.Protected,
		SourceSnapshotIds: sourceSnapshots(property(propMapping), property(propSourceSnapshot)),
		Origin:            toProtoOrigin(v, projectID),
		OsType:            toProtoOSType(property(propOSType)),
		OsName:            property(propOSName),
		OsVersion:         property(propOSVersion),
		Architecture:      toProtoArchitecture(property(propArchitecture)),
		BootMode:          toProtoBootMode(property(propFirmware)),
		MinDiskGib:        int32(v.MinDiskGigabytes),
		MinMemoryMib:      int32(v.MinRAMMegabytes),
		SizeMib:           toProtoMiB(v.SizeBytes),
	}
	if out.GetArchitecture() == apiv1.Architecture_ARCHITECTURE_UNSPECIFIED {
		out.Architecture = toProtoArchitecture(property(propArchitectureV1))
	}
	if out.GetState() == storagev1.ImageState_IMAGE_STATE_ERROR {
		out.StateReason = sdk.ReasonName(apiv1.Reason_REASON_RESOURCE_FAILED)
	}
	return out
}

// toProtoImageState maps the status of an image. Source: Image API v2, "Image
// statuses".
func toProtoImageState(status string) storagev1.ImageState {
	switch status {
	case "queued", "saving", "uploading", "importing":
		return storagev1.ImageState_IMAGE_STATE_CREATING
	case "active":
		return storagev1.ImageState_IMAGE_STATE_AVAILABLE
	case "deactivated":
		return storagev1.ImageState_IMAGE_STATE_DEACTIVATED
	case "pending_delete":
		return storagev1.ImageState_IMAGE_STATE_DELETING
	case "deleted":
		return storagev1.ImageState_IMAGE_STATE_DELETED
	case "killed":
		return storagev1.ImageState_IMAGE_STATE_ERROR
	default:
		return storagev1.ImageState_IMAGE_STATE_UNSPECIFIED
	}
}

// toProtoOrigin tells the project's own images, whoever else sees them, from
// those of others.
func toProtoOrigin(v *images.Image, projectID string) storagev1.ImageOrigin {
	switch {
	case v.Owner != "" && v.Owner == projectID:
		return storagev1.ImageOrigin_IMAGE_ORIGIN_CUSTOM
	case v.Visibility == images.ImageVisibilityPublic, v.Visibility == images.ImageVisibilityCommunity:
		return storagev1.ImageOrigin_IMAGE_ORIGIN_PUBLIC
	case v.Visibility == images.ImageVisibilityShared:
		return storagev1.ImageOrigin_IMAGE_ORIGIN_SHARED
	default:
		return storagev1.ImageOrigin_IMAGE_ORIGIN_UNSPECIFIED
	}
}

func toProtoOSType(value string) computev1.OsType {
	switch strings.ToLower(value) {
	case "":
		return computev1.OsType_OS_TYPE_UNSPECIFIED
	case "linux":
		return computev1.OsType_OS_TYPE_LINUX
	case "windows":
		return computev1.OsType_OS_TYPE_WINDOWS
	default:
		return computev1.OsType_OS_TYPE_OTHER
	}
}

func fromProtoOSType(t computev1.OsType) string {
	switch t {
	case computev1.OsType_OS_TYPE_LINUX:
		return "linux"
	case computev1.OsType_OS_TYPE_WINDOWS:
		return "windows"
	case computev1.OsType_OS_TYPE_OTHER:
		return "other"
	default:
		return ""
	}
}

func toProtoArchitecture(value string) apiv1.Architecture {
	switch strings.ToLower(value) {
	case "x86_64", "amd64":
		return apiv1.Architecture_ARCHITECTURE_X86_64
	case "aarch64", "arm64":
		return apiv1.Architecture_ARCHITECTURE_ARM64
	case "i686", "i386":
		return apiv1.Architecture_ARCHITECTURE_I386
	default:
		return apiv1.Architecture_ARCHITECTURE_UNSPECIFIED
	}
}

func fromProtoArchitecture(a apiv1.Architecture) string {
	switch a {
	case apiv1.Architecture_ARCHITECTURE_X86_64:
		return "x86_64"
	case apiv1.Architecture_ARCHITECTURE_ARM64:
		return "aarch64"
	case apiv1.Architecture_ARCHITECTURE_I386:
		return "i686"
	default:
		return ""
	}
}

func toProtoBootMode(value string) storagev1.BootMode {
	switch strings.ToLower(value) {
	case "bios":
		return storagev1.BootMode_BOOT_MODE_BIOS
	case "uefi":
		return storagev1.BootMode_BOOT_MODE_UEFI
	default:
		return storagev1.BootMode_BOOT_MODE_UNSPECIFIED
	}
}

// fromProtoBootMode: Nova has no "UEFI where it can be", so that is left to it.
func fromProtoBootMode(m storagev1.BootMode) string {
	switch m {
	case storagev1.BootMode_BOOT_MODE_BIOS:
		return "bios"
	case storagev1.BootMode_BOOT_MODE_UEFI:
		return "uefi"
	default:
		return ""
	}
}

// toProtoMiB rounds bytes up.
func toProtoMiB(bytes int64) int32 { return int32((bytes + 1<<20 - 1) >> 20) }

// blockDevice is the part of a block device mapping that an image needs. Source:
// Nova, "Block Device Mapping in Nova".
type blockDevice struct {
	SourceType          string `json:"source_type"`
	SnapshotID          string `json:"snapshot_id"`
	DestinationType     string `json:"destination_type"`
	BootIndex           *int   `json:"boot_index"`
	VolumeSize          int    `json:"volume_size"`
	DeleteOnTermination bool   `json:"delete_on_termination"`
}

// sourceSnapshots are the snapshots that an image refers to, that of the system
// disk first.
func sourceSnapshots(mapping, ours string) []string {
	var ids []string
	if ours != "" {
		ids = append(ids, ours)
	}
	var devices []blockDevice
	if mapping == "" || json.Unmarshal([]byte(mapping), &devices) != nil {
		return ids
	}
	boots := func(d blockDevice) int {
		if d.BootIndex != nil && *d.BootIndex == 0 {
			return 0
		}
		return 1
	}
	slices.SortStableFunc(devices, func(a, b blockDevice) int { return boots(a) - boots(b) })
	for _, d := range devices {
		if d.SnapshotID != "" && !slices.Contains(ids, d.SnapshotID) {
			ids = append(ids, d.SnapshotID)
		}
	}
	return ids
}

// fromProtoCreateImage maps an image of a snapshot: what Nova makes of a VM that
// starts from a volume. What the request leaves open is as in the image that the
// snapshot's volume was filled from.
func fromProtoCreateImage(req *storagev1.CreateImageRequest, snapshot *snapshots.Snapshot, v *volumes.Volume) (images.CreateOpts, error) {
	first := 0
	mapping, err := json.Marshal([]blockDevice{{
		SourceType: "snapshot", SnapshotID: snapshot.ID, DestinationType: "volume", BootIndex: &first, VolumeSize: snapshot.Size,
		DeleteOnTermination: true, // as the contract says of a boot disk that the request leaves out
	}})
	if err != nil {
		return images.CreateOpts{}, err
	}
	properties := inheritedProperties(v.VolumeImageMetadata)
	maps.Copy(properties, askedProperties(req))
	maps.Copy(properties, map[string]string{
		propMapping:        string(mapping),
		propMappingV2:      bdmV2,
		propRootDevice:     "/dev/vda",
		propSourceSnapshot: snapshot.ID,
	})
	opts := images.CreateOpts{
		Name:            req.GetName(),
		Tags:            tags.FromProto(req.GetTags(), nil),
		ContainerFormat: "bare",
		DiskFormat:      "raw",
		MinDisk:         snapshot.Size,
		MinRAM:          int(req.GetMinMemoryMib()),
		Properties:      properties,
	}
	if req.GetMinDiskGib() != 0 {
		opts.MinDisk = int(req.GetMinDiskGib())
	}
	return opts, nil
}

// inheritedProperties are those that tell how a system starts and what it is.
func inheritedProperties(source map[string]string) map[string]string {
	out := map[string]string{}
	for name, value := range source {
		own := strings.HasPrefix(name, "os_hash_") || name == "os_hidden"
		if !own && (strings.HasPrefix(name, "os_") || strings.HasPrefix(name, "hw_") || name == propArchitectureV1) {
			out[name] = value
		}
	}
	return out
}

// askedProperties are those that a request gives a value.
func askedProperties(req *storagev1.CreateImageRequest) map[string]string {
	out := map[string]string{}
	for name, value := range map[string]string{
		propDescription:  req.GetDescription(),
		propOSType:       fromProtoOSType(req.GetOsType()),
		propOSName:       req.GetOsName(),
		propOSVersion:    req.GetOsVersion(),
		propArchitecture: fromProtoArchitecture(req.GetArchitecture()),
		propFirmware:     fromProtoBootMode(req.GetBootMode()),
	} {
		if value != "" {
			out[name] = value
		}
	}
	return out
}

// fromProtoUpdateImage is the JSON patch of an image that has the present tags.
func fromProtoUpdateImage(req *storagev1.UpdateImageRequest, present []string) images.UpdateOpts {
	var patch images.UpdateOpts
	if req.Name != nil {
		patch = append(patch, images.ReplaceImageName{NewName: req.GetName()})
	}
	if req.Description != nil {
		patch = append(patch, images.UpdateImageProperty{Op: images.AddOp, Name: propDescription, Value: req.GetDescription()})
	}
	if req.GetTags() != nil {
		patch = append(patch, images.ReplaceImageTags{NewTags: tags.FromProto(req.GetTags().GetEntries(), present)})
	}
	if req.MinDiskGib != nil {
		patch = append(patch, images.ReplaceImageMinDisk{NewMinDisk: int(req.GetMinDiskGib())})
	}
	if req.MinMemoryMib != nil {
		patch = append(patch, images.ReplaceImageMinRam{NewMinRam: int(req.GetMinMemoryMib())})
	}
	return patch
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

// dnsNamespace is the namespace of DNS names (RFC 4122, appendix C), in which
// "yunqiao.image" names the namespace of our images.
const dnsNamespace = "6ba7b8109dad11d180b400c04fd430c8"

// imageID derives the id of a new image from the request, so that a repeat meets
// the image that it made. Without a request Glance chooses.
func imageID(requestID string) string {
	if requestID == "" {
		return ""
	}
	dns, _ := hex.DecodeString(dnsNamespace)
	return uuid5(uuid5Bytes(dns, "yunqiao.image"), requestID)
}

func uuid5(namespace []byte, name string) string {
	digits := hex.EncodeToString(uuid5Bytes(namespace, name))
	return digits[:8] + "-" + digits[8:12] + "-" + digits[12:16] + "-" + digits[16:20] + "-" + digits[20:]
}

// uuid5Bytes makes a UUID of version 5 by RFC 4122, section 4.3.
func uuid5Bytes(namespace []byte, name string) []byte {
	sum := sha1.Sum(append(slices.Clone(namespace), name...)) //nolint:gosec // as the version demands
	id := sum[:16]
	id[6] = id[6]&0x0f | 0x50
	id[8] = id[8]&0x3f | 0x80
	return id
}
