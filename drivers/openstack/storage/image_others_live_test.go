package storage_test

import (
	"os"
	"slices"
	"testing"

	"github.com/gophercloud/gophercloud/v2/openstack/image/v2/images"
	"github.com/gophercloud/gophercloud/v2/openstack/image/v2/members"

	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	storagev1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/storage/v1"

	"github.com/yunqiao/yunqiao/drivers/openstack/livetest"
	"github.com/yunqiao/yunqiao/drivers/openstack/storage"
)

// TestImagesOfOtherProjects: an account of an administrator has the images that its
// project has, and can change no others.
func TestImagesOfOtherProjects(t *testing.T) {
	c := open(t)
	name := os.Getenv("OS_ADMIN_CLOUD")
	if name == "" {
		t.Skip("OS_ADMIN_CLOUD names no administrator of the cloud")
	}
	admin := livetest.OpenAt(t, map[string]string{"cloud": name, "clouds_file": os.Getenv("OS_CLIENT_CONFIG_FILE")}, nil, storage.Register)
	if admin.Session.ProjectID == c.Session.ProjectID {
		t.Skip("OS_CLOUD and OS_ADMIN_CLOUD are of the same project")
	}
	client := storagev1.NewImageServiceClient(admin.Conn)
	made := map[images.ImageVisibility]string{}
	for _, visibility := range []images.ImageVisibility{images.ImageVisibilityPrivate, images.ImageVisibilityShared} {
		v, err := images.Create(t.Context(), c.Session.Image, images.CreateOpts{
			Name: prefix + string(visibility), Visibility: &visibility, DiskFormat: "raw", ContainerFormat: "bare",
		}).Extract()
		if err != nil {
			t.Fatal(err)
		}
		livetest.Cleanup(t, c.Cloud, c.images.DeleteImage, &storagev1.DeleteImageRequest{Id: v.ID})
		made[visibility] = v.ID
	}
	private, shared := made[images.ImageVisibilityPrivate], made[images.ImageVisibilityShared]
	listed := func(ids ...string) (found, missing []string) {
		p := livetest.Must(t, admin, "list", client.ListImages, &storagev1.ListImagesRequest{Ids: ids})
		for _, v := range p.GetImages() {
			found = append(found, v.GetId())
		}
		return found, p.GetMissingIds()
	}
	if found, _ := listed(); slices.Contains(found, private) || slices.Contains(found, shared) {
		t.Errorf("listed %v, among them %s or %s", found, private, shared)
	}
	if found, missing := listed(private, shared); len(found) != 0 || len(missing) != 2 {
		t.Errorf("by their ids: %v, missing %v", found, missing)
	}
	for _, id := range []string{private, shared} {
		livetest.Refused(t, admin, apiv1.Reason_REASON_NOT_FOUND, "", client.GetImage, &storagev1.GetImageRequest{Id: id})
		livetest.Must(t, admin, "delete "+id, client.DeleteImage, &storagev1.DeleteImageRequest{Id: id})
		livetest.Must(t, c.Cloud, "get", c.images.GetImage, &storagev1.GetImageRequest{Id: id})
	}
	if err := members.Create(t.Context(), c.Session.Image, shared, admin.Session.ProjectID).Err; err != nil {
		t.Fatal(err)
	}
	livetest.Must(t, admin, "get", client.GetImage, &storagev1.GetImageRequest{Id: shared})
	livetest.Refused(t, admin, apiv1.Reason_REASON_CLOUD_PERMISSION_DENIED, "", client.DeleteImage, &storagev1.DeleteImageRequest{Id: shared})
}
