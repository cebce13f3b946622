package storage

import (
	"cmp"
	"context"
	"net/http"
	"strings"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack/image/v2/images"
	"github.com/gophercloud/gophercloud/v2/pagination"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	storagev1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/storage/v1"

	"github.com/yunqiao/yunqiao/drivers/openstack/session"
	"github.com/yunqiao/yunqiao/drivers/sdk"
)

type imageServer struct {
	storagev1.UnimplementedImageServiceServer
	base
}

var _ storagev1.ImageServiceServer = (*imageServer)(nil)

// UpdateImage changes what is present.
func (n *imageServer) UpdateImage(ctx context.Context, req *storagev1.UpdateImageRequest) (*storagev1.UpdateImageResponse, error) {
	s, client, err := n.glance(ctx)
	if err != nil {
		return nil, err
	}
	if err := mayChangeImage(ctx, s, req.GetId()); err != nil {
		return nil, err
	}
	v, err := getImage(ctx, s, req.GetId())
	if err != nil {
		return nil, err
	}
	if patch := fromProtoUpdateImage(req, v.Tags); len(patch) > 0 {
		if v, err = images.Update(ctx, client, v.ID, patch).Extract(); err != nil {
			return nil, session.Error(err, typeImage, req.GetId())
		}
	}
	s.Images.Forget(v.ID)
	return &storagev1.UpdateImageResponse{Id: v.ID, State: toProtoImageState(string(v.Status))}, nil
}

// DeleteImage removes an image; snapshots that it refers to stay.
func (n *imageServer) DeleteImage(ctx context.Context, req *storagev1.DeleteImageRequest) (*storagev1.DeleteImageResponse, error) {
	s, client, err := n.glance(ctx)
	if err != nil {
		return nil, err
	}
	id := req.GetId()
	if req.GetForce() {
		return nil, sdk.Unsupported("storage.image.force_delete")
	}
	if session.IsUUID(id) {
		if err = mayChangeImage(ctx, s, id); err == nil {
			err = images.Delete(ctx, client, id).ExtractErr()
		}
		s.Images.Forget(id)
	}
	switch {
	case err == nil, session.IsNotFound(err), sdk.ReasonOf(err) == apiv1.Reason_REASON_NOT_FOUND:
		return &storagev1.DeleteImageResponse{Id: id, State: storagev1.ImageState_IMAGE_STATE_DELETED}, nil
	case gophercloud.ResponseCodeIs(err, http.StatusConflict):
		return nil, sdk.InUse(typeImage, id, err)
	case session.IsForbidden(err):
		if v, readErr := getImage(ctx, s, id); readErr == nil && v.Protected {
			return nil, session.WrongState(err, typeImage, id, false)
		}
	}
	return nil, session.Error(err, typeImage, id)
}

// DeactivateImage takes an image out of use.
func (n *imageServer) DeactivateImage(ctx context.Context, req *storagev1.DeactivateImageRequest) (*storagev1.DeactivateImageResponse, error) {
	if err := n.act(ctx, req.GetId(), "deactivate"); err != nil {
		return nil, err
	}
	return &storagev1.DeactivateImageResponse{Id: req.GetId(), State: storagev1.ImageState_IMAGE_STATE_DEACTIVATED}, nil
}

// ReactivateImage puts an image back into use.
func (n *imageServer) ReactivateImage(ctx context.Context, req *storagev1.ReactivateImageRequest) (*storagev1.ReactivateImageResponse, error) {
	if err := n.act(ctx, req.GetId(), "reactivate"); err != nil {
		return nil, err
	}
	return &storagev1.ReactivateImageResponse{Id: req.GetId(), State: storagev1.ImageState_IMAGE_STATE_AVAILABLE}, nil
}

// act runs an action that gophercloud has no call for. Glance takes a repeat as
// success, and answers a wrong state with 403, like a missing permission.
func (n *imageServer) act(ctx context.Context, id, action string) error {
	s, client, err := n.glance(ctx)
	if err != nil {
		return err
	}
	if err := session.UUID(typeImage, id); err != nil {
		return err
	}
	if err := mayChangeImage(ctx, s, id); err != nil {
		return err
	}
	_, err = client.Post(ctx, client.ServiceURL("images", id, "actions", action), nil, nil,
		&gophercloud.RequestOpts{OkCodes: []int{http.StatusNoContent}})
	s.Images.Forget(id)
	if session.IsForbidden(err) {
		v, readErr := getImage(ctx, s, id)
		if readErr != nil {
			return readErr
		}
		if state := toProtoImageState(string(v.Status)); state != storagev1.ImageState_IMAGE_STATE_AVAILABLE && state != storagev1.ImageState_IMAGE_STATE_DEACTIVATED {
			return session.WrongState(err, typeImage, id, state == storagev1.ImageState_IMAGE_STATE_CREATING)
		}
	}
	return session.Error(err, typeImage, id)
}

// GetImage reads one image.
func (n *imageServer) GetImage(ctx context.Context, req *storagev1.GetImageRequest) (*storagev1.GetImageResponse, error) {
	s, _, err := n.glance(ctx)
	if err != nil {
		return nil, err
	}
	v, err := getImage(ctx, s, req.GetId())
	if err != nil {
		return nil, err
	}
	return &storagev1.GetImageResponse{Image: toProtoImage(v, s.Region, s.ProjectID)}, nil
}

// ListImages reads a page of images, or those with the ids given.
func (n *imageServer) ListImages(ctx context.Context, req *storagev1.ListImagesRequest) (*storagev1.ListImagesResponse, error) {
	s, client, err := n.glance(ctx)
	if err != nil {
		return nil, err
	}
	p, err := findImages(ctx, client, s.ProjectID, req)
	if err != nil {
		return nil, err
	}
	shown, err := shownImages(ctx, s, p.items)
	if err != nil {
		return nil, err
	}
	resp := &storagev1.ListImagesResponse{NextPageToken: p.next, MissingIds: p.missing}
	if ids := req.GetIds(); len(ids) > 0 {
		shown, resp.MissingIds = sdk.PickIDs(shown, func(v images.Image) string { return v.ID }, ids)
	}
	for i := range shown {
		if v := toProtoImage(&shown[i], s.Region, s.ProjectID); keepsImage(req, v) {
			resp.Images = append(resp.Images, v)
		}
	}
	return resp, nil
}

func findImages(ctx context.Context, client *gophercloud.ServiceClient, projectID string, req *storagev1.ListImagesRequest) (page[images.Image], error) {
	id := func(v *images.Image) string { return v.ID }
	if ids := req.GetIds(); len(ids) > 0 {
		var known []string
		for _, wanted := range ids {
			if session.IsUUID(wanted) {
				known = append(known, wanted)
			}
		}
		if len(known) == 0 {
			return page[images.Image]{missing: ids}, nil
		}
		var all []images.Image
		for _, hidden := range []bool{false, true} {
			pager := images.List(client, images.ListOpts{ID: "in:" + strings.Join(known, ","), Limit: len(known), Hidden: hidden})
			part, err := allPages(ctx, pager, typeImage, images.ExtractImages)
			if err != nil {
				return page[images.Image]{}, err
			}
			all = append(all, part...)
		}
		return pick(all, ids, id), nil
	}
	opts := images.ListOpts{Name: req.GetName(), Limit: sdk.PageSize(req)}
	switch req.GetOrigin() {
	case storagev1.ImageOrigin_IMAGE_ORIGIN_CUSTOM:
		opts.Owner = projectID
	case storagev1.ImageOrigin_IMAGE_ORIGIN_PUBLIC:
		opts.Visibility = images.ImageVisibilityPublic
	case storagev1.ImageOrigin_IMAGE_ORIGIN_SHARED:
		opts.Visibility = images.ImageVisibilityShared
	}
	token, isHidden := strings.CutPrefix(req.GetPageToken(), hiddenImages)
	if !isHidden {
		p, err := onePage(ctx, listing(client, opts), token, typeImage, images.ExtractImages, id)
		left := opts.Limit - len(p.items)
		switch {
		case err != nil || p.next != "":
			return p, err
		case left <= 0:
			p.next = hiddenImages
			return p, nil
		}
		opts.Limit = left
		hidden, err := hiddenPage(ctx, client, opts, projectID, "")
		return page[images.Image]{items: append(p.items, hidden.items...), next: hidden.next}, err
	}
	return hiddenPage(ctx, client, opts, projectID, token)
}

// hiddenImages begins the tokens of the pages of hidden images. Glance lists these apart,
// and a project's own are listed behind all others: it has them, and pays for them.
const hiddenImages = "hidden:"

func hiddenPage(ctx context.Context, client *gophercloud.ServiceClient, opts images.ListOpts, projectID, token string) (page[images.Image], error) {
	opts.Hidden, opts.Owner = true, projectID
	p, err := onePage(ctx, listing(client, opts), token, typeImage, images.ExtractImages, func(v *images.Image) string { return v.ID })
	if p.next != "" {
		p.next = hiddenImages + p.next
	}
	return p, err
}

func listing(client *gophercloud.ServiceClient, opts images.ListOpts) func(marker string) pagination.Pager {
	return func(marker string) pagination.Pager {
		opts.Marker = marker
		return images.List(client, opts)
	}
}

// getImage reads one image. Errors: NOT_FOUND.
func getImage(ctx context.Context, s *session.Session, id string) (*images.Image, error) {
	if err := session.UUID(typeImage, id); err != nil {
		return nil, err
	}
	v, err := images.Get(ctx, s.Image, id).Extract()
	if err != nil {
		return nil, session.Error(err, typeImage, id)
	}
	if v == nil {
		return nil, sdk.NewError(apiv1.Reason_REASON_CLOUD_ERROR, sdk.Resource(typeImage, id))
	}
	if is, err := isShown(ctx, s, v); err != nil || !is {
		return nil, cmp.Or(err, sdk.NotFound(typeImage, id, nil))
	}
	return v, nil
}
