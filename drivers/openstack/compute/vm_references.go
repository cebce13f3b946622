package compute

import (
	"context"
	"fmt"
	"net/url"
	"slices"

	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	computev1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/compute/v1"

	"github.com/yunqiao/yunqiao/drivers/openstack/ports"
	"github.com/yunqiao/yunqiao/drivers/openstack/session"
	"github.com/yunqiao/yunqiao/drivers/sdk"
)

// reference is something that a creating request refers to.
type reference struct {
	resourceType, id, field string
	// exists asks the cloud. An error means that it is not known.
	exists func(context.Context) (bool, error)
}

// missingReference finds out which reference of a refused request does not
// exist, for Nova answers 400 and tells only in words. Where all exist it is the
// refusal itself, mapped.
func missingReference(ctx context.Context, s *session.Session, req *computev1.CreateVmRequest, refusal error) error {
	for _, r := range references(s, req) {
		if found, err := r.exists(ctx); err == nil && !found {
			return session.As(apiv1.Reason_REASON_REFERENCE_NOT_FOUND, refusal, r.resourceType, r.id, sdk.Field(r.field))
		}
	}
	return session.Error(refusal, typeVM, "")
}

// references lists what a request refers to and Nova looks up. Subnets are not
// among them: the driver has read them before.
func references(s *session.Session, req *computev1.CreateVmRequest) []reference {
	list := []reference{
		{typeImage, req.GetImageId(), "image_id", func(ctx context.Context) (bool, error) {
			s.Images.Forget(req.GetImageId())
			_, err := imageByID(ctx, s, req.GetImageId())
			return present(err)
		}},
	}
	if id := req.GetKeyPairId(); id != "" {
		list = append(list, reference{typeKeyPair, id, "key_pair_id", func(ctx context.Context) (bool, error) {
			_, err := readKeyPair(ctx, s, id)
			return present(err)
		}})
	}
	if zone := req.GetZoneId(); zone != "" {
		list = append(list, reference{typeZone, zone, "zone_id", func(ctx context.Context) (bool, error) {
			zones, err := allZones(ctx, s)
			return slices.ContainsFunc(zones, func(z session.Zone) bool {
				return z.Name == zone && slices.Contains(z.Services, serviceCompute)
			}), err
		}})
	}
	for i, id := range req.GetSecurityGroupIds() {
		list = append(list, reference{typeGroup, id, fmt.Sprintf("security_group_ids[%d]", i), func(ctx context.Context) (bool, error) {
			return ports.GroupExists(ctx, s, id)
		}})
	}
	for i, nic := range req.GetNics() {
		if id := nic.GetNicId(); id != "" {
			list = append(list, reference{typeNIC, id, fmt.Sprintf("nics[%d].nic_id", i), func(ctx context.Context) (bool, error) {
				return ports.Exists(ctx, s, id)
			}})
		}
	}
	return append(list, diskReferences(s, req)...)
}

func diskReferences(s *session.Session, req *computev1.CreateVmRequest) []reference {
	var list []reference
	diskType := func(id, field string) {
		if id != "" {
			list = append(list, reference{typeDiskType, id, field, volumeServiceHas(s, "types", id)})
		}
	}
	diskType(req.GetBootDisk().GetDiskTypeId(), "boot_disk.disk_type_id")
	for i, disk := range req.GetDataDisks() {
		field := fmt.Sprintf("data_disks[%d]", i)
		diskType(disk.GetDiskTypeId(), field+".disk_type_id")
		if id := disk.GetSnapshotId(); id != "" {
			list = append(list, reference{typeSnapshot, id, field + ".snapshot_id", volumeServiceHas(s, "snapshots", id)})
		}
	}
	return list
}

// volumeServiceHas asks the volume service for one item of a collection. Disk
// types may be named instead of numbered, which Nova understands.
func volumeServiceHas(s *session.Session, collection, id string) func(context.Context) (bool, error) {
	return func(ctx context.Context) (bool, error) {
		_, err := s.Volume.Get(ctx, s.Volume.ServiceURL(collection, session.PathEscape(id)), nil, nil)
		if !session.IsNotFound(err) || collection != "types" {
			return present(err)
		}
		var body struct {
			Types []struct {
				Name string `json:"name"`
			} `json:"volume_types"`
		}
		_, err = s.Volume.Get(ctx, s.Volume.ServiceURL("types")+"?"+url.Values{"limit": {"1000"}}.Encode(), &body, nil)
		for _, t := range body.Types {
			if t.Name == id {
				return true, nil
			}
		}
		return false, err
	}
}

// present reads the answer to a question for one thing.
func present(err error) (bool, error) {
	if session.IsNotFound(err) {
		return false, nil
	}
	return err == nil, err
}
