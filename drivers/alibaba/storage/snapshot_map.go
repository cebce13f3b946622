package storage

import (
	"strconv"
	"strings"

	storagev1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/storage/v1"

	"github.com/yunqiao/yunqiao/drivers/alibaba/api"
	"github.com/yunqiao/yunqiao/drivers/alibaba/ecs"
	"github.com/yunqiao/yunqiao/drivers/alibaba/kind"
	"github.com/yunqiao/yunqiao/drivers/alibaba/tags"
)

// snapshot is an item of DescribeSnapshots, as far as the driver reads it.
type snapshot struct {
	SnapshotID       string `json:"SnapshotId"`
	SnapshotName     string
	Description      string
	Status           string
	Available        bool
	Progress         string // "40%"
	CreationTime     string
	LastModifiedTime string
	SourceDiskID     string     `json:"SourceDiskId"`
	SourceDiskSize   api.Number // GiB, text in answers
	SourceDiskType   string
	SnapshotType     string
	RetentionDays    int32
	Encrypted        bool
	ResourceGroupID  string `json:"ResourceGroupId"`
	Tags             tags.List
}

func snapshots() kind.Kind[snapshot] {
	return kind.Kind[snapshot]{
		Type: typeSnapshot, Product: api.ECS, Action: "DescribeSnapshots", Items: "Snapshots.Snapshot", IDs: "SnapshotIds",
		Style: kind.JSONIDs, MaxIDs: 100, Paging: kind.Tokens, MaxPage: 100, MinPage: minTokenedPage,
		ID: func(v *snapshot) string { return v.SnapshotID }, Group: func(v *snapshot) string { return v.ResourceGroupID },
	}
}

// Statuses of snapshots. Source: DescribeSnapshots, Status.
const (
	snapshotProgressing  = "progressing"
	snapshotAccomplished = "accomplished"
	snapshotFailed       = "failed"
)

// beingMade tells whether a snapshot is not complete.
func beingMade(v *snapshot) bool { return v.Status == snapshotProgressing }

// toProtoSnapshot maps a snapshot of the account's region.
func toProtoSnapshot(v *snapshot, region string) *storagev1.Snapshot {
	return &storagev1.Snapshot{
		Id:                 v.SnapshotID,
		Name:               v.SnapshotName,
		Description:        v.Description,
		Tags:               v.Tags.ToProto(),
		State:              toProtoSnapshotState(v),
		ProviderState:      v.Status,
		CreatedAt:          kind.ToProtoTime(v.CreationTime),
		UpdatedAt:          kind.ToProtoTime(v.LastModifiedTime),
		RegionId:           region,
		DiskId:             v.SourceDiskID,
		SizeGib:            int32(v.SourceDiskSize),
		ProgressPercent:    toProtoPercent(v.Progress),
		DiskRole:           toProtoRole(strings.ToLower(v.SourceDiskType)),
		Kind:               toProtoKind(v),
		RetentionDays:      v.RetentionDays,
		Encrypted:          v.Encrypted,
		ProviderAttributes: ecs.Attributes(map[string]string{ecs.AttributeGroup: v.ResourceGroupID}),
	}
}

// toProtoSnapshotState maps the status of a snapshot, which can be used before it
// is complete.
func toProtoSnapshotState(v *snapshot) storagev1.SnapshotState {
	switch {
	case v.Status == snapshotFailed:
		return storagev1.SnapshotState_SNAPSHOT_STATE_ERROR
	case v.Status == snapshotAccomplished, v.Available:
		return storagev1.SnapshotState_SNAPSHOT_STATE_AVAILABLE
	case v.Status == snapshotProgressing:
		return storagev1.SnapshotState_SNAPSHOT_STATE_CREATING
	}
	return storagev1.SnapshotState_SNAPSHOT_STATE_UNSPECIFIED
}

// toProtoKind tells snapshots that a schedule made from those that were asked for.
func toProtoKind(v *snapshot) storagev1.SnapshotKind {
	if v.SnapshotType == "auto" || v.SnapshotType == "timer" || v.SnapshotType == "" && strings.HasPrefix(v.SnapshotName, "auto") {
		return storagev1.SnapshotKind_SNAPSHOT_KIND_AUTO
	}
	return storagev1.SnapshotKind_SNAPSHOT_KIND_MANUAL
}

// toProtoPercent reads "40%"; absent where there is no number.
func toProtoPercent(text string) *int32 {
	n, err := strconv.ParseInt(strings.TrimSuffix(text, "%"), 10, 32)
	if err != nil {
		return nil
	}
	percent := int32(n)
	return &percent
}

// keepsSnapshot tells whether a snapshot fits the filters of a request.
func keepsSnapshot(req *storagev1.ListSnapshotsRequest, v *storagev1.Snapshot) bool {
	return (req.GetName() == "" || req.GetName() == v.GetName()) &&
		tags.Match(v.GetTags(), req.GetTag()) &&
		(req.GetState() == 0 || req.GetState() == v.GetState()) &&
		(req.GetDiskId() == "" || req.GetDiskId() == v.GetDiskId())
}
