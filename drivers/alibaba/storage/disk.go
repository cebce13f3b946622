package storage

import (
	"context"
	"slices"

	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	storagev1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/storage/v1"

	"github.com/yunqiao/yunqiao/drivers/alibaba/api"
	"github.com/yunqiao/yunqiao/drivers/alibaba/disktype"
	"github.com/yunqiao/yunqiao/drivers/alibaba/kind"
	"github.com/yunqiao/yunqiao/drivers/alibaba/session"
	"github.com/yunqiao/yunqiao/drivers/alibaba/tags"
	"github.com/yunqiao/yunqiao/drivers/sdk"
)

// Disks serves cloud.storage.v1.DiskService with ECS disks.
type Disks struct {
	storagev1.UnimplementedDiskServiceServer
	base
}

var _ storagev1.DiskServiceServer = (*Disks)(nil)

// defaultCategory is made where no type is asked for: every zone of today sells it.
const defaultCategory = "cloud_essd"

// CreateDisk makes a pay-as-you-go disk: one call. It never names the VM to the
// cloud, which would make a subscription disk of it and forget ClientToken and tags.
func (d *Disks) CreateDisk(ctx context.Context, req *storagev1.CreateDiskRequest) (*storagev1.CreateDiskResponse, error) {
	s, err := d.open(ctx)
	if err != nil {
		return nil, err
	}
	if err := refuseDisk(req); err != nil {
		return nil, err
	}
	category, level := disktype.FromProto(req.GetDiskTypeId())
	if category == "" {
		category = defaultCategory
	}
	params := api.Params{}.Set("ZoneId", req.GetZoneId()).Set("DiskName", req.GetName()).Set("Description", req.GetDescription()).
		Set("DiskCategory", category).Set("PerformanceLevel", level).Int("Size", req.GetSizeGib()).
		Set("SnapshotId", req.GetSourceSnapshotId()).Set("ResourceGroupId", s.ResourceGroup).Tags("Tag", req.GetTags())
	if req.GetEncrypted() {
		params.Bool("Encrypted", true)
	}
	if req.GetMultiAttach() {
		params.Set("MultiAttach", multiAttachOn)
	}
	var made struct {
		DiskID string `json:"DiskId"`
	}
	if err := s.Call(ctx, api.ECS, "CreateDisk", params.Once(ctx, ""), &made); err != nil {
		return nil, api.Error(err, typeDisk, "")
	}
	sdk.SetNextStep(ctx, "", pollAfter)
	return &storagev1.CreateDiskResponse{Id: made.DiskID, State: storagev1.DiskState_DISK_STATE_CREATING}, nil
}

// refuseDisk refuses what CreateDisk has no parameter for.
func refuseDisk(req *storagev1.CreateDiskRequest) error {
	switch mode := req.GetCharge().GetMode(); {
	case mode == apiv1.ChargeMode_CHARGE_MODE_PREPAID, mode == apiv1.ChargeMode_CHARGE_MODE_SPOT:
		return unsupported("storage.disk.prepaid", "charge.mode")
	case req.GetSourceImageId() != "":
		return unsupported("storage.disk.from_image", "source_image_id")
	case req.GetIops() != 0:
		return unsupported("storage.disk.performance", "iops")
	case req.GetThroughputMibps() != 0:
		return unsupported("storage.disk.performance", "throughput_mibps")
	case req.GetZoneId() == "":
		return sdk.NewError(apiv1.Reason_REASON_PARAMETER_REJECTED, sdk.Field("zone_id"), sdk.Violation("zone_id", "this cloud needs it"))
	}
	return nil
}

// ListDisks reads a page of disks: one call.
func (d *Disks) ListDisks(ctx context.Context, req *storagev1.ListDisksRequest) (*storagev1.ListDisksResponse, error) {
	s, err := d.open(ctx)
	if err != nil {
		return nil, err
	}
	params := api.Params{}.Set("DiskName", req.GetName()).Set("Status", fromProtoDiskState(req.GetState())).
		Set("ZoneId", req.GetZoneId()).Set("InstanceId", req.GetVmId()).Set("ResourceGroupId", s.ResourceGroup)
	page, err := disks().Find(ctx, s, req, params)
	if err != nil {
		return nil, err
	}
	resp := &storagev1.ListDisksResponse{NextPageToken: page.Next, MissingIds: page.Missing}
	for i := range page.Items {
		if v := toProtoDisk(&page.Items[i], s.Region); keepsDisk(req, v) {
			resp.Disks = append(resp.Disks, v)
		}
	}
	return resp, nil
}

// GetDisk reads one disk: one call.
func (d *Disks) GetDisk(ctx context.Context, req *storagev1.GetDiskRequest) (*storagev1.GetDiskResponse, error) {
	s, err := d.open(ctx)
	if err != nil {
		return nil, err
	}
	found, err := disks().Get(ctx, s, req.GetId())
	if err != nil {
		return nil, err
	}
	return &storagev1.GetDiskResponse{Disk: toProtoDisk(found, s.Region)}, nil
}

// UpdateDisk changes what is present: a call that reads, and one each for
// attributes, new tags and tags that go.
func (d *Disks) UpdateDisk(ctx context.Context, req *storagev1.UpdateDiskRequest) (*storagev1.UpdateDiskResponse, error) {
	s, err := d.open(ctx)
	if err != nil {
		return nil, err
	}
	found, err := disks().Get(ctx, s, req.GetId())
	if err != nil {
		return nil, err
	}
	params := api.Params{}
	if req.Name != nil {
		params.Set("DiskName", req.GetName())
	}
	if req.Description != nil {
		params["Description"] = req.GetDescription()
	}
	if req.DeleteWithVm != nil {
		params.Bool("DeleteWithInstance", req.GetDeleteWithVm())
	}
	if len(params) > 0 {
		if err := s.Call(ctx, api.ECS, "ModifyDiskAttribute", params.Set("DiskId", req.GetId()), nil); err != nil {
			return nil, disks().Refusal(ctx, s, err, req.GetId(), changing)
		}
	}
	if req.GetTags() != nil {
		if err := tags.Replace(ctx, s, tagged("disk", req.GetId()), found.Tags.ToProto(), req.GetTags().GetEntries()); err != nil {
			return nil, api.Error(err, typeDisk, req.GetId())
		}
	}
	return &storagev1.UpdateDiskResponse{Id: req.GetId(), State: toProtoDiskState(found.Status)}, nil
}

// DeleteDisk removes a disk: one call, and with delete_snapshots one that lists
// them and one each. Manual snapshots outlive it otherwise.
func (d *Disks) DeleteDisk(ctx context.Context, req *storagev1.DeleteDiskRequest) (*storagev1.DeleteDiskResponse, error) {
	s, err := d.open(ctx)
	if err != nil {
		return nil, err
	}
	if req.GetDeleteSnapshots() {
		if err := deleteSnapshotsOf(ctx, s, req.GetId()); err != nil {
			return nil, err
		}
	}
	err = s.Call(ctx, api.ECS, "DeleteDisk", api.Params{}.Set("DiskId", req.GetId()), nil)
	if err != nil && !api.IsGone(err, typeDisk) {
		return nil, refusedDelete(ctx, s, err, req.GetId())
	}
	sdk.SetNextStep(ctx, "", pollAfter)
	return &storagev1.DeleteDiskResponse{Id: req.GetId(), State: storagev1.DiskState_DISK_STATE_DELETING}, nil
}

// refusedDelete tells why a disk cannot be removed: the cloud has several words for
// one that is attached.
func refusedDelete(ctx context.Context, s *session.Session, refusal error, id string) error {
	if !api.IsWrongState(refusal) && api.Reason(refusal) != apiv1.Reason_REASON_IN_USE {
		return api.Error(refusal, typeDisk, id)
	}
	found, err := disks().Get(ctx, s, id)
	if err != nil {
		return err
	}
	blockers := kind.Blockers{}
	for _, a := range found.attachedTo() {
		blockers.Add(typeVM, a.InstanceID)
	}
	switch {
	case len(blockers) > 0:
		return sdk.InUse(typeDisk, id, refusal, blockers.List()...)
	case api.IsWrongState(refusal):
		return api.WrongState(refusal, typeDisk, id, changing(found))
	}
	return api.Error(refusal, typeDisk, id)
}

// changing tells whether a disk is on the way to another state.
func changing(v *disk) bool {
	return !slices.Contains([]string{diskAvailable, diskInUse}, v.Status)
}
