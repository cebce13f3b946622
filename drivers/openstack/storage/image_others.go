package storage

import (
	"context"

	"github.com/gophercloud/gophercloud/v2/openstack/image/v2/images"
	"github.com/gophercloud/gophercloud/v2/openstack/image/v2/members"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"

	"github.com/yunqiao/yunqiao/drivers/openstack/session"
	"github.com/yunqiao/yunqiao/drivers/sdk"
)

// shownImages leaves out what a member of the account's project would not be shown:
// Glance shows an administrator the images of all projects.
func shownImages(ctx context.Context, s *session.Session, items []images.Image) ([]images.Image, error) {
	var shown []images.Image
	for i := range items {
		is, err := isShown(ctx, s, &items[i])
		if err != nil {
			return nil, err
		}
		if is {
			shown = append(shown, items[i])
		}
	}
	return shown, nil
}

// isShown asks, for administrators alone, whether a shared image of another project is
// shared with the account's.
func isShown(ctx context.Context, s *session.Session, v *images.Image) (bool, error) {
	if v.Owner == s.ProjectID || v.Visibility != images.ImageVisibilityPrivate && v.Visibility != images.ImageVisibilityShared {
		return true, nil
	}
	administrator, err := s.Administrator()
	if err != nil || !administrator {
		return true, err
	}
	if v.Visibility == images.ImageVisibilityPrivate {
		return false, nil
	}
	_, err = members.Get(ctx, s.Image, v.ID, s.ProjectID).Extract()
	if session.IsNotFound(err) {
		return false, nil
	}
	return err == nil, session.Error(err, typeImage, v.ID)
}

// mayChangeImage refuses what Glance would let an administrator do to the images of other
// projects. Errors: NOT_FOUND, CLOUD_PERMISSION_DENIED.
func mayChangeImage(ctx context.Context, s *session.Session, id string) error {
	administrator, err := s.Administrator()
	if err != nil || !administrator {
		return err
	}
	v, err := getImage(ctx, s, id)
	if err == nil && v.Owner != s.ProjectID {
		return sdk.NewError(apiv1.Reason_REASON_CLOUD_PERMISSION_DENIED, sdk.Resource(typeImage, id))
	}
	return err
}
