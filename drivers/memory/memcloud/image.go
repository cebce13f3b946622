package memcloud

import (
	"context"
	"slices"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/yunqiao/yunqiao/drivers/sdk"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	computev1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/compute/v1"
	storagev1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/storage/v1"
)

// How long an image's moves take at scale 1.
const (
	imageCreateDelay = 2 * time.Second
	imageDeleteDelay = time.Second / 2
)

type imageService struct {
	storagev1.UnimplementedImageServiceServer
	c *Cloud
}

var _ storagev1.ImageServiceServer = (*imageService)(nil)

// CreateImage makes an image that refers to the snapshot of a disk that a VM can
// start from, or one that copies a VM.
func (s *imageService) CreateImage(ctx context.Context, req *storagev1.CreateImageRequest) (*storagev1.CreateImageResponse, error) {
	return write(s.c, ctx, func(v *view) (*storagev1.CreateImageResponse, error) {
		image, err := imageSource(v, req)
		if err != nil {
			return nil, err
		}
		fill(image, req)
		image.Origin = storagev1.ImageOrigin_IMAGE_ORIGIN_CUSTOM
		image.ProgressPercent = proto.Int32(0)
		setState(image, storagev1.ImageState_IMAGE_STATE_CREATING)
		r, image := images.add(v, image)
		v.after(r, imageCreateDelay)
		return &storagev1.CreateImageResponse{Id: r.id, State: image.GetState()}, nil
	})
}

func imageSource(v *view, req *storagev1.CreateImageRequest) (*storagev1.Image, error) {
	if req.GetVmId() != "" {
		r, vm, err := vms.ref(v, "vm_id", req.GetVmId())
		if err == nil {
			err = refInState("vm_id", r, vm.GetState(), computev1.VmState_VM_STATE_RUNNING, computev1.VmState_VM_STATE_STOPPED)
		}
		if err != nil {
			return nil, err
		}
		return like(v, vm.GetImageId()), nil
	}
	r, snapshot, err := snapshots.ref(v, "snapshot_id", req.GetSnapshotId())
	if err == nil {
		err = refInState("snapshot_id", r, snapshot.GetState(), storagev1.SnapshotState_SNAPSHOT_STATE_AVAILABLE)
	}
	if err != nil {
		return nil, err
	}
	_, disk, _ := disks.find(v, snapshot.GetDiskId())
	if snapshot.GetDiskRole() != storagev1.DiskRole_DISK_ROLE_SYSTEM && disk.GetSourceImageId() == "" {
		return nil, mismatch("snapshot_id")
	}
	image := like(v, disk.GetSourceImageId())
	image.MinDiskGib = snapshot.GetSizeGib()
	image.SizeMib = 0
	image.SourceSnapshotIds = []string{r.id}
	return image, nil
}

// like begins an image with the facts of another, if that is still there.
func like(v *view, id string) *storagev1.Image {
	_, old, ok := images.find(v, id)
	if !ok {
		return &storagev1.Image{OsType: computev1.OsType_OS_TYPE_LINUX, Architecture: apiv1.Architecture_ARCHITECTURE_X86_64}
	}
	return &storagev1.Image{
		OsType:       old.GetOsType(),
		OsName:       old.GetOsName(),
		OsVersion:    old.GetOsVersion(),
		Architecture: old.GetArchitecture(),
		BootMode:     old.GetBootMode(),
		MinDiskGib:   old.GetMinDiskGib(),
		MinMemoryMib: old.GetMinMemoryMib(),
		SizeMib:      old.GetSizeMib(),
	}
}

// UpdateImage changes name, description and tags of an own image.
func (s *imageService) UpdateImage(ctx context.Context, req *storagev1.UpdateImageRequest) (*storagev1.UpdateImageResponse, error) {
	return write(s.c, ctx, func(v *view) (*storagev1.UpdateImageResponse, error) {
		r, image, err := images.own(v, req.GetId())
		if err == nil {
			err = inState(r, image.GetState(), storagev1.ImageState_IMAGE_STATE_AVAILABLE,
				storagev1.ImageState_IMAGE_STATE_DEACTIVATED, storagev1.ImageState_IMAGE_STATE_ERROR)
		}
		if err != nil {
			return nil, err
		}
		_, image = images.edit(v, r)
		fill(image, req)
		return &storagev1.UpdateImageResponse{Id: r.id, State: image.GetState()}, nil
	})
}

// DeleteImage removes an own image; its snapshot stays. Without force, VMs made
// from it keep it.
func (s *imageService) DeleteImage(ctx context.Context, req *storagev1.DeleteImageRequest) (*storagev1.DeleteImageResponse, error) {
	return write(s.c, ctx, func(v *view) (*storagev1.DeleteImageResponse, error) {
		if _, _, ok := images.find(v, req.GetId()); !ok {
			return &storagev1.DeleteImageResponse{Id: req.GetId(), State: storagev1.ImageState_IMAGE_STATE_DELETED}, nil
		}
		r, image, err := images.own(v, req.GetId())
		if err != nil {
			return nil, err
		}
		if image.GetState() != storagev1.ImageState_IMAGE_STATE_DELETING {
			used := vms.blockers(v, func(vm *computev1.Vm) bool { return vm.GetImageId() == r.id })
			if len(used) > 0 && !req.GetForce() {
				return nil, sdk.InUse(string(r.kind), r.id, nil, used...)
			}
			r, image = images.edit(v, r)
			setState(image, storagev1.ImageState_IMAGE_STATE_DELETING)
			v.after(r, imageDeleteDelay)
		}
		return &storagev1.DeleteImageResponse{Id: r.id, State: image.GetState()}, nil
	})
}

// DeactivateImage keeps an image from making new VMs, at once.
func (s *imageService) DeactivateImage(ctx context.Context, req *storagev1.DeactivateImageRequest) (*storagev1.DeactivateImageResponse, error) {
	return write(s.c, ctx, func(v *view) (*storagev1.DeactivateImageResponse, error) {
		state, err := switchImage(v, req.GetId(), storagev1.ImageState_IMAGE_STATE_DEACTIVATED)
		return &storagev1.DeactivateImageResponse{Id: req.GetId(), State: state}, err
	})
}

// ReactivateImage takes DeactivateImage back, at once.
func (s *imageService) ReactivateImage(ctx context.Context, req *storagev1.ReactivateImageRequest) (*storagev1.ReactivateImageResponse, error) {
	return write(s.c, ctx, func(v *view) (*storagev1.ReactivateImageResponse, error) {
		state, err := switchImage(v, req.GetId(), storagev1.ImageState_IMAGE_STATE_AVAILABLE)
		return &storagev1.ReactivateImageResponse{Id: req.GetId(), State: state}, err
	})
}

func switchImage(v *view, id string, to storagev1.ImageState) (storagev1.ImageState, error) {
	r, image, err := images.own(v, id)
	if err != nil {
		return 0, err
	}
	err = inState(r, image.GetState(), storagev1.ImageState_IMAGE_STATE_AVAILABLE, storagev1.ImageState_IMAGE_STATE_DEACTIVATED)
	if err != nil {
		return 0, err
	}
	if image.GetState() != to {
		_, image = images.edit(v, r)
		setState(image, to)
	}
	return to, nil
}

// GetImage reads one image.
func (s *imageService) GetImage(ctx context.Context, req *storagev1.GetImageRequest) (*storagev1.GetImageResponse, error) {
	return read(s.c, ctx, func(v *view) (*storagev1.GetImageResponse, error) {
		_, image, err := images.get(v, req.GetId())
		return &storagev1.GetImageResponse{Image: image}, err
	})
}

// ListImages reads a page of images, the public ones first.
func (s *imageService) ListImages(ctx context.Context, req *storagev1.ListImagesRequest) (*storagev1.ListImagesResponse, error) {
	p, err := list(s.c, ctx, images, req, nil)
	return &storagev1.ListImagesResponse{Images: p.items, NextPageToken: p.next, MissingIds: p.missing}, err
}

// settleImage ends an image's move.
func settleImage(v *view, r *record) {
	_, image := images.edit(v, r)
	switch image.GetState() {
	case storagev1.ImageState_IMAGE_STATE_CREATING:
		settleTo(r, storagev1.ImageState_IMAGE_STATE_AVAILABLE, storagev1.ImageState_IMAGE_STATE_ERROR)
		if image.GetState() == storagev1.ImageState_IMAGE_STATE_AVAILABLE {
			image.ProgressPercent = proto.Int32(100)
		}
	case storagev1.ImageState_IMAGE_STATE_DELETING:
		v.remove(r.key)
	}
}

// imagesOf names the images that refer to a snapshot.
func imagesOf(v *view, snapshotID string) []string {
	return images.blockers(v, func(image *storagev1.Image) bool {
		return slices.Contains(image.GetSourceSnapshotIds(), snapshotID)
	})
}
