package storage

import (
	"cmp"
	"context"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/servers"
	"github.com/gophercloud/gophercloud/v2/openstack/image/v2/imagedata"
	"github.com/gophercloud/gophercloud/v2/openstack/image/v2/images"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	storagev1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/storage/v1"

	"github.com/yunqiao/yunqiao/drivers/openstack/session"
	"github.com/yunqiao/yunqiao/drivers/openstack/tags"
	"github.com/yunqiao/yunqiao/drivers/openstack/vmaction"
	"github.com/yunqiao/yunqiao/drivers/sdk"
)

// CreateImage makes an image of a snapshot or of a VM.
func (n *imageServer) CreateImage(ctx context.Context, req *storagev1.CreateImageRequest) (*storagev1.CreateImageResponse, error) {
	s, _, err := n.glance(ctx)
	if err != nil {
		return nil, err
	}
	var v *images.Image
	if req.GetVmId() != "" {
		v, err = imageOfVM(ctx, s, req)
	} else {
		v, err = imageOfSnapshot(ctx, s, req)
	}
	if err != nil {
		return nil, err
	}
	return &storagev1.CreateImageResponse{Id: v.ID, State: toProtoImageState(string(v.Status))}, nil
}

// imageOfSnapshot makes an image without data that refers to the snapshot. It is
// made under an id that derives from the request, so that a repeat is refused
// and the image is found; then it needs its data, which is empty.
func imageOfSnapshot(ctx context.Context, s *session.Session, req *storagev1.CreateImageRequest) (*images.Image, error) {
	opts, err := describeImage(ctx, s, req)
	if err != nil {
		return nil, err
	}
	opts.ID = imageID(sdk.CallFrom(ctx).RequestID)
	v, err := images.Create(ctx, s.Image, opts).Extract()
	if opts.ID != "" && gophercloud.ResponseCodeIs(err, http.StatusConflict) {
		v, err = getImage(ctx, s, opts.ID)
	}
	if err != nil {
		return nil, session.Error(err, typeImage, "")
	}
	if v.Status != images.ImageStatusQueued {
		return v, nil
	}
	if err := imagedata.Upload(ctx, s.Image, v.ID, strings.NewReader("")).ExtractErr(); err != nil {
		return nil, session.Error(err, typeImage, v.ID)
	}
	return getImage(ctx, s, v.ID)
}

// describeImage reads the snapshot and its volume, which must be one that VMs
// can start from.
func describeImage(ctx context.Context, s *session.Session, req *storagev1.CreateImageRequest) (images.CreateOpts, error) {
	if err := session.Require(s.Volume); err != nil {
		return images.CreateOpts{}, err
	}
	snapshot, err := getSnapshot(ctx, s.Volume, req.GetSnapshotId())
	if err != nil {
		return images.CreateOpts{}, asReference(err, "snapshot_id")
	}
	if toProtoSnapshotState(snapshot.Status) != storagev1.SnapshotState_SNAPSHOT_STATE_AVAILABLE {
		return images.CreateOpts{}, session.WrongState(nil, typeSnapshot, snapshot.ID, isSnapshotChanging(snapshot.Status))
	}
	v, err := getVolume(ctx, s.Volume, snapshot.VolumeID)
	if err != nil {
		return images.CreateOpts{}, asReference(err, "snapshot_id")
	}
	if !isBootable(v) {
		return images.CreateOpts{}, sdk.NewError(apiv1.Reason_REASON_REFERENCE_MISMATCH,
			sdk.Resource(typeSnapshot, snapshot.ID), sdk.Field("snapshot_id"))
	}
	return fromProtoCreateImage(req, snapshot, v)
}

// imageOfVM has Nova make the image; a property marks the request.
func imageOfVM(ctx context.Context, s *session.Session, req *storagev1.CreateImageRequest) (*images.Image, error) {
	if err := session.Require(s.Compute); err != nil {
		return nil, err
	}
	if err := session.ReferenceUUID(vmaction.ResourceType, req.GetVmId(), "vm_id"); err != nil {
		return nil, err
	}
	v, err := findOrSnapshotVM(ctx, s, req)
	if err != nil {
		return nil, err
	}
	var patch images.UpdateOpts
	if len(req.GetTags()) > 0 {
		patch = append(patch, images.ReplaceImageTags{NewTags: tags.FromProto(req.GetTags(), v.Tags)})
	}
	if req.GetMinDiskGib() != 0 {
		patch = append(patch, images.ReplaceImageMinDisk{NewMinDisk: int(req.GetMinDiskGib())})
	}
	if req.GetMinMemoryMib() != 0 {
		patch = append(patch, images.ReplaceImageMinRam{NewMinRam: int(req.GetMinMemoryMib())})
	}
	if len(patch) == 0 {
		return v, nil
	}
	patched, err := images.Update(ctx, s.Image, v.ID, patch).Extract()
	return patched, session.Error(err, typeImage, v.ID)
}

func findOrSnapshotVM(ctx context.Context, s *session.Session, req *storagev1.CreateImageRequest) (*images.Image, error) {
	v, err := sdk.Marked[images.Image]{
		Find: func(ctx context.Context) ([]images.Image, error) {
			ours := byProperty{propRequest, sdk.CallFrom(ctx).Token("")}
			found, err := allPages(ctx, images.List(s.Image, ours), typeImage, images.ExtractImages)
			return slices.DeleteFunc(found, isGoing), err
		},
		Create: func(ctx context.Context) (images.Image, error) { return snapshotVM(ctx, s, req) },
		Compare: func(a, b images.Image) int {
			return cmp.Or(a.CreatedAt.Compare(b.CreatedAt), strings.Compare(a.ID, b.ID))
		},
		Remove: func(ctx context.Context, twin images.Image) error { return removeTwin(ctx, s, &twin) },
	}.FindOrCreate(ctx)
	return &v, err
}

// isGoing tells whether an image is removed or about to be.
func isGoing(v images.Image) bool {
	state := toProtoImageState(string(v.Status))
	return state == storagev1.ImageState_IMAGE_STATE_DELETING || state == storagev1.ImageState_IMAGE_STATE_DELETED
}

func snapshotVM(ctx context.Context, s *session.Session, req *storagev1.CreateImageRequest) (images.Image, error) {
	properties := askedProperties(req)
	if call := sdk.CallFrom(ctx); call.RequestID != "" {
		properties[propRequest] = call.Token("")
	}
	id, err := servers.CreateImage(ctx, s.Compute, req.GetVmId(), servers.CreateImageOpts{
		Name: req.GetName(), Metadata: maps.Clone(properties),
	}).ExtractImageID()
	if err != nil {
		return images.Image{}, vmaction.Refusal(ctx, s, err, req.GetVmId(), "vm_id")
	}
	v, err := getImage(ctx, s, id)
	if err != nil {
		return images.Image{}, err
	}
	return *v, nil
}

// removeTwin removes an image that a request made a second time, after the snapshots
// that Nova made for it: nothing else names these.
func removeTwin(ctx context.Context, s *session.Session, twin *images.Image) error {
	if s.Volume != nil {
		for _, id := range toProtoImage(twin, "", "").GetSourceSnapshotIds() {
			if _, err := removeSnapshot(ctx, s.Volume, id); err != nil {
				return err
			}
		}
	}
	err := images.Delete(ctx, s.Image, twin.ID).ExtractErr()
	s.Images.Forget(twin.ID)
	if session.IsNotFound(err) {
		return nil
	}
	return session.Error(err, typeImage, twin.ID)
}

// byProperty finds images by a property, a filter that gophercloud's options lack.
type byProperty struct{ name, value string }

// ToImageListQuery implements images.ListOptsBuilder.
func (p byProperty) ToImageListQuery() (string, error) {
	return "?" + url.Values{p.name: {p.value}, "limit": {strconv.Itoa(wholePage)}}.Encode(), nil
}

// imageBlockers names the images that refer to one of the snapshots. One query
// finds all images that refer to any, Nova's own too.
func imageBlockers(ctx context.Context, s *session.Session, snapshotIDs ...string) ([]string, error) {
	if s.Image == nil {
		return nil, nil
	}
	all, err := allPages(ctx, images.List(s.Image, byProperty{propMappingV2, bdmV2}), typeImage, images.ExtractImages)
	if err != nil {
		return nil, err
	}
	var blockers []string
	for i := range all {
		v := toProtoImage(&all[i], "", "")
		refers := slices.ContainsFunc(v.GetSourceSnapshotIds(), func(id string) bool { return slices.Contains(snapshotIDs, id) })
		if refers && len(blockers) < maxBlockers {
			blockers = append(blockers, typeImage+"/"+v.GetId())
		}
	}
	return blockers, nil
}

// asReference turns the NOT_FOUND of something that a request refers to into
// REFERENCE_NOT_FOUND of the field that names it.
func asReference(err error, field string) error {
	if sdk.ReasonOf(err) != apiv1.Reason_REASON_NOT_FOUND {
		return err
	}
	info := sdk.InfoOf(err)
	return sdk.NewError(apiv1.Reason_REASON_REFERENCE_NOT_FOUND,
		sdk.Resource(info["resource"], info["native_id"]), sdk.Field(field), sdk.Cause(err))
}
