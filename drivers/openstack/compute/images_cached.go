package compute

import (
	"context"
	"slices"
	"strings"

	"github.com/gophercloud/gophercloud/v2/openstack/image/v2/images"

	computev1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/compute/v1"

	"github.com/yunqiao/yunqiao/drivers/openstack/session"
)

// Image properties (https://docs.openstack.org/glance/latest/admin/useful-image-properties.html).
const (
	propertyOSType    = "os_type"
	propertyAdminUser = "os_admin_user"
)

// imageByID reads an image, from the cache if it is there. The error is the
// cloud's own.
func imageByID(ctx context.Context, s *session.Session, id string) (*images.Image, error) {
	return s.Images.Get(ctx, id, func(ctx context.Context) (*images.Image, error) {
		return images.Get(ctx, s.Image, id).Extract()
	})
}

// knownImages returns those of the images that can be had, reading all that are
// not cached with one query. Images that are gone are held as nil.
func knownImages(ctx context.Context, s *session.Session, ids []string) (map[string]*images.Image, error) {
	found := make(map[string]*images.Image, len(ids))
	var unknown []string
	for _, id := range ids {
		if !session.IsUUID(id) {
			continue
		}
		if image, ok := s.Images.Peek(id); ok {
			found[id] = image
		} else if !slices.Contains(unknown, id) {
			unknown = append(unknown, id)
		}
	}
	if len(unknown) == 0 || s.Image == nil {
		return found, nil
	}
	for chunk := range slices.Chunk(unknown, 50) {
		page, err := images.List(s.Image, images.ListOpts{ID: "in:" + strings.Join(chunk, ",")}).AllPages(ctx)
		if err != nil {
			return nil, session.Error(err, "", "")
		}
		list, err := images.ExtractImages(page)
		if err != nil {
			return nil, err
		}
		for i := range list {
			found[list[i].ID] = &list[i]
		}
		for _, id := range chunk {
			s.Images.Put(id, found[id])
		}
	}
	return found, nil
}

func imageOSType(image *images.Image) computev1.OsType {
	return osTypeOf(imageProperty(image, propertyOSType))
}

func imageProperty(image *images.Image, name string) string {
	if image == nil {
		return ""
	}
	value, _ := image.Properties[name].(string)
	return value
}
