package storage

import (
	"context"
	"slices"

	computev1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/compute/v1"
	storagev1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/storage/v1"

	"github.com/yunqiao/yunqiao/drivers/alibaba/api"
	"github.com/yunqiao/yunqiao/drivers/alibaba/tags"
	"github.com/yunqiao/yunqiao/drivers/sdk"
)

// Images serves cloud.storage.v1.ImageService with ECS images.
type Images struct {
	storagev1.UnimplementedImageServiceServer
	base
}

var _ storagev1.ImageServiceServer = (*Images)(nil)

// CreateImage makes an image of a snapshot of a system disk, or of a VM with all its
// disks: one call. What an image is for is that of its source, but for its
// architecture and firmware. The cloud reads the family of operating system off the
// platform, and takes one without a platform for Linux.
func (i *Images) CreateImage(ctx context.Context, req *storagev1.CreateImageRequest) (*storagev1.CreateImageResponse, error) {
	s, err := i.open(ctx)
	if err != nil {
		return nil, err
	}
	if err := refuseImage(req); err != nil {
		return nil, err
	}
	params := api.Params{}.Set("SnapshotId", req.GetSnapshotId()).Set("InstanceId", req.GetVmId()).Set("ImageName", req.GetName()).
		Set("Description", req.GetDescription()).Set("Platform", req.GetOsName()).
		Set("Architecture", fromProtoArchitecture(req.GetArchitecture())).Set("BootMode", fromProtoBootMode(req.GetBootMode())).
		Set("ResourceGroupId", s.ResourceGroup).Tags("Tag", req.GetTags())
	var made struct {
		ImageID string `json:"ImageId"`
	}
	if err := s.Call(ctx, api.ECS, "CreateImage", params.Once(ctx, ""), &made); err != nil {
		return nil, api.Error(err, typeImage, "")
	}
	sdk.SetNextStep(ctx, "", pollAfter)
	return &storagev1.CreateImageResponse{Id: made.ImageID, State: storagev1.ImageState_IMAGE_STATE_CREATING}, nil
}

// refuseImage refuses what CreateImage has no parameter for.
func refuseImage(req *storagev1.CreateImageRequest) error {
	for _, field := range []struct {
		name  string
		given bool
	}{
		{"os_type", req.GetOsType() > computev1.OsType_OS_TYPE_LINUX && req.GetOsName() == ""},
		{"os_version", req.GetOsVersion() != ""},
		{"min_disk_gib", req.GetMinDiskGib() != 0},
		{"min_memory_mib", req.GetMinMemoryMib() != 0},
	} {
		if field.given {
			return unsupported("storage.image."+field.name, field.name)
		}
	}
	return nil
}

// ListImages reads a page of images of every status: one call.
func (i *Images) ListImages(ctx context.Context, req *storagev1.ListImagesRequest) (*storagev1.ListImagesResponse, error) {
	s, err := i.open(ctx)
	if err != nil {
		return nil, err
	}
	params := api.Params{}.Set("ImageName", req.GetName()).
		Set("ImageOwnerAlias", fromProtoOrigin(req.GetOrigin())).Set("Architecture", fromProtoArchitecture(req.GetArchitecture()))
	page, err := images().Find(ctx, s, req, params)
	if err != nil {
		return nil, err
	}
	resp := &storagev1.ListImagesResponse{NextPageToken: page.Next, MissingIds: page.Missing}
	for n := range page.Items {
		if v := toProtoImage(&page.Items[n], s.Region); keepsImage(req, v) && page.Items[n].within(s.ResourceGroup) {
			resp.Images = append(resp.Images, v)
		}
	}
	return resp, nil
}

// GetImage reads one image: one call.
func (i *Images) GetImage(ctx context.Context, req *storagev1.GetImageRequest) (*storagev1.GetImageResponse, error) {
	s, err := i.open(ctx)
	if err != nil {
		return nil, err
	}
	found, err := images().Get(ctx, s, req.GetId())
	if err != nil {
		return nil, err
	}
	if !found.within(s.ResourceGroup) {
		return nil, sdk.NotFound(typeImage, req.GetId(), nil)
	}
	return &storagev1.GetImageResponse{Image: toProtoImage(found, s.Region)}, nil
}

// UpdateImage changes what is present: a call that reads, and one each for
// attributes, new tags and tags that go.
func (i *Images) UpdateImage(ctx context.Context, req *storagev1.UpdateImageRequest) (*storagev1.UpdateImageResponse, error) {
	s, err := i.open(ctx)
	if err != nil {
		return nil, err
	}
	switch {
	case req.MinDiskGib != nil:
		return nil, unsupported("storage.image.min_disk_gib", "min_disk_gib")
	case req.MinMemoryMib != nil:
		return nil, unsupported("storage.image.min_memory_mib", "min_memory_mib")
	}
	found, err := images().Get(ctx, s, req.GetId())
	if err != nil {
		return nil, err
	}
	params := api.Params{}
	if req.Name != nil {
		params.Set("ImageName", req.GetName())
	}
	if req.Description != nil {
		params["Description"] = req.GetDescription()
	}
	if len(params) > 0 {
		if err := s.Call(ctx, api.ECS, "ModifyImageAttribute", params.Set("ImageId", req.GetId()), nil); err != nil {
			return nil, images().Refusal(ctx, s, err, req.GetId(), imageChanging)
		}
	}
	if req.GetTags() != nil {
		if err := tags.Replace(ctx, s, tagged("image", req.GetId()), found.Tags.ToProto(), req.GetTags().GetEntries()); err != nil {
			return nil, api.Error(err, typeImage, req.GetId())
		}
	}
	return &storagev1.UpdateImageResponse{Id: req.GetId(), State: toProtoImageState(found.Status)}, nil
}

func imageChanging(v *image) bool {
	return slices.Contains([]string{imageCreating, imageWaiting}, v.Status)
}

// DeleteImage removes an image; its snapshots stay. One call.
func (i *Images) DeleteImage(ctx context.Context, req *storagev1.DeleteImageRequest) (*storagev1.DeleteImageResponse, error) {
	s, err := i.open(ctx)
	if err != nil {
		return nil, err
	}
	params := api.Params{}.Set("ImageId", req.GetId()).Bool("Force", req.GetForce())
	err = s.Call(ctx, api.ECS, "DeleteImage", params, nil)
	if err != nil && !api.IsGone(err, typeImage) {
		return nil, images().Refusal(ctx, s, err, req.GetId(), imageChanging)
	}
	return &storagev1.DeleteImageResponse{Id: req.GetId(), State: storagev1.ImageState_IMAGE_STATE_DELETING}, nil
}

// DeactivateImage marks an image as deprecated: one call.
func (i *Images) DeactivateImage(ctx context.Context, req *storagev1.DeactivateImageRequest) (*storagev1.DeactivateImageResponse, error) {
	state, err := i.setStatus(ctx, req.GetId(), imageDeprecated)
	if err != nil {
		return nil, err
	}
	return &storagev1.DeactivateImageResponse{Id: req.GetId(), State: state}, nil
}

// ReactivateImage takes that back: one call.
func (i *Images) ReactivateImage(ctx context.Context, req *storagev1.ReactivateImageRequest) (*storagev1.ReactivateImageResponse, error) {
	state, err := i.setStatus(ctx, req.GetId(), imageAvailable)
	if err != nil {
		return nil, err
	}
	return &storagev1.ReactivateImageResponse{Id: req.GetId(), State: state}, nil
}

// setStatus brings an image to a status; having it already is success.
func (i *Images) setStatus(ctx context.Context, id, status string) (storagev1.ImageState, error) {
	s, err := i.open(ctx)
	if err != nil {
		return 0, err
	}
	err = s.Call(ctx, api.ECS, "ModifyImageAttribute", api.Params{}.Set("ImageId", id).Set("Status", status), nil)
	if err == nil {
		return toProtoImageState(status), nil
	}
	if found, readErr := images().Get(ctx, s, id); readErr == nil && found.Status == status {
		return toProtoImageState(status), nil
	}
	return 0, images().Refusal(ctx, s, err, id, imageChanging)
}
