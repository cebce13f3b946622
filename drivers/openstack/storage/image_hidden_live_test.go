package storage_test

import (
	"slices"
	"testing"

	"github.com/gophercloud/gophercloud/v2/openstack/image/v2/images"

	storagev1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/storage/v1"

	"github.com/yunqiao/yunqiao/drivers/openstack/livetest"
)

// TestHiddenImages: an image of the project that was hidden at the cloud is listed, once,
// whatever the size of the pages.
func TestHiddenImages(t *testing.T) {
	c := open(t)
	made, err := images.Create(t.Context(), c.Session.Image, images.CreateOpts{Name: prefix + "hidden", DiskFormat: "raw", ContainerFormat: "bare"}).Extract()
	if err != nil {
		t.Fatal(err)
	}
	livetest.Cleanup(t, c.Cloud, c.images.DeleteImage, &storagev1.DeleteImageRequest{Id: made.ID})
	if err := images.Update(t.Context(), c.Session.Image, made.ID, images.UpdateOpts{images.ReplaceImageHidden{NewHidden: true}}).Err; err != nil {
		t.Fatal(err)
	}
	for _, size := range []int32{1, 2, 500} {
		found := map[string]int{}
		for token, pages := "", 0; ; pages++ {
			p := livetest.Must(t, c.Cloud, "list", c.images.ListImages, &storagev1.ListImagesRequest{PageSize: size, PageToken: token})
			if len(p.GetImages()) > int(size) || pages > 100 {
				t.Fatalf("page %d of size %d has %d images", pages, size, len(p.GetImages()))
			}
			for _, v := range p.GetImages() {
				found[v.GetId()]++
			}
			if token = p.GetNextPageToken(); token == "" {
				break
			}
		}
		if found[made.ID] != 1 || found[c.publicImage(t)] != 1 {
			t.Errorf("pages of %d: found %v, want %s and %s once", size, found, made.ID, c.publicImage(t))
		}
	}
	p := livetest.Must(t, c.Cloud, "list", c.images.ListImages, &storagev1.ListImagesRequest{Ids: []string{made.ID, nowhere}})
	if len(p.GetImages()) != 1 || p.GetImages()[0].GetId() != made.ID || !slices.Equal(p.GetMissingIds(), []string{nowhere}) {
		t.Errorf("by ids: %v", p)
	}
}
