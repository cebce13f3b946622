package compute

import (
	"context"
	"encoding/base64"
	"fmt"

	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	computev1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/compute/v1"

	"github.com/yunqiao/yunqiao/drivers/alibaba/api"
	"github.com/yunqiao/yunqiao/drivers/alibaba/disktype"
	"github.com/yunqiao/yunqiao/drivers/alibaba/ecs"
	"github.com/yunqiao/yunqiao/drivers/alibaba/session"
	"github.com/yunqiao/yunqiao/drivers/sdk"
)

// CreateVm makes an instance, which the cloud starts: one call.
func (v *VMs) CreateVm(ctx context.Context, req *computev1.CreateVmRequest) (*computev1.CreateVmResponse, error) {
	s, err := v.open(ctx)
	if err != nil {
		return nil, err
	}
	if err := refuseVM(req); err != nil {
		return nil, err
	}
	params, err := vmParams(s, req)
	if err != nil {
		return nil, err
	}
	var made struct {
		InstanceIDSets struct {
			InstanceIDSet []string `json:"InstanceIdSet"`
		} `json:"InstanceIdSets"`
	}
	if err := s.Call(ctx, api.ECS, "RunInstances", params.Once(ctx, ""), &made); err != nil {
		return nil, explainCreate(err)
	}
	if len(made.InstanceIDSets.InstanceIDSet) != 1 {
		return nil, sdk.NewError(apiv1.Reason_REASON_CLOUD_ERROR, sdk.Resource(typeVM, ""),
			sdk.Cause(fmt.Errorf("RunInstances answered %d ids", len(made.InstanceIDSets.InstanceIDSet))))
	}
	sdk.SetNextStep(ctx, "", pollAfter)
	return &computev1.CreateVmResponse{Id: made.InstanceIDSets.InstanceIDSet[0], State: computev1.VmState_VM_STATE_CREATING}, nil
}

func explainCreate(err error) error {
	if api.HasCode(err, "InvalidAutoReleaseTime*") {
		return api.As(apiv1.Reason_REASON_PARAMETER_REJECTED, err, typeVM, "", sdk.Field("release_at"))
	}
	return api.Error(err, typeVM, "")
}

// refuseVM refuses what ECS has no parameter for.
func refuseVM(req *computev1.CreateVmRequest) error {
	switch {
	case req.GetNics()[0].GetNicId() != "":
		return sdk.NewError(apiv1.Reason_REASON_UNSUPPORTED_FEATURE, sdk.Feature(featureNICByID), sdk.Field("nics[0].nic_id"))
	case len(req.GetSecurityGroupIds()) == 0:
		return sdk.NewError(apiv1.Reason_REASON_PARAMETER_REJECTED, sdk.Field("security_group_ids"),
			sdk.Violation("security_group_ids", "this cloud needs at least one"))
	case req.GetBootDisk() != nil && req.GetBootDisk().DeleteWithVm != nil && !req.GetBootDisk().GetDeleteWithVm():
		return sdk.NewError(apiv1.Reason_REASON_UNSUPPORTED_FEATURE, sdk.Feature(featureKeepBootDisk), sdk.Field("boot_disk.delete_with_vm"))
	}
	return nil
}

// vmParams are the parameters of RunInstances.
func vmParams(s *session.Session, req *computev1.CreateVmRequest) (api.Params, error) {
	keyPair, err := fromKeyPairID(req.GetKeyPairId())
	if err != nil {
		return nil, err
	}
	primary := req.GetNics()[0]
	params := api.Params{}.
		Int("Amount", 1).
		Set("InstanceName", req.GetName()).
		Set("Description", req.GetDescription()).
		Set("HostName", req.GetHostName()).
		Set("ImageId", req.GetImageId()).
		Set("InstanceType", req.GetFlavorId()).
		Set("ZoneId", req.GetZoneId()).
		Set("VSwitchId", primary.GetSubnetId()).
		Set("PrivateIpAddress", primary.GetPrivateIpAddress()).
		List("SecurityGroupIds", req.GetSecurityGroupIds()...).
		Set("KeyPairName", keyPair).
		Set("Password", req.GetPassword()).
		Set("UserData", base64.StdEncoding.EncodeToString(req.GetUserData())).
		Set("ResourceGroupId", s.ResourceGroup).
		Set("AutoReleaseTime", fromProtoRelease(req.GetReleaseAt())).
		Tags("Tag", req.GetTags())
	if req.GetDeletionProtected() {
		params.Bool("DeletionProtection", true)
	}
	if disk := req.GetBootDisk(); disk != nil {
		category, level := disktype.FromProto(disk.GetDiskTypeId())
		params.Int("SystemDisk.Size", disk.GetSizeGib()).Set("SystemDisk.Category", category).Set("SystemDisk.PerformanceLevel", level)
	}
	params.Objects("DataDisk", dataDisks(req.GetDataDisks())...)
	params.Objects("NetworkInterface", secondaryNICs(req.GetNics()[1:], req.GetSecurityGroupIds())...)
	return charged(params, req.GetCharge()), nil
}

func dataDisks(disks []*computev1.DataDisk) []api.Params {
	var all []api.Params
	for _, d := range disks {
		category, level := disktype.FromProto(d.GetDiskTypeId())
		all = append(all, api.Params{}.Int("Size", d.GetSizeGib()).Set("Category", category).Set("PerformanceLevel", level).
			Set("SnapshotId", d.GetSnapshotId()).Bool("DeleteWithInstance", d.GetDeleteWithVm()))
	}
	return all
}

// secondaryNICs are the NICs after the first. One that exists keeps its own groups
// and stays when the instance goes.
func secondaryNICs(nics []*computev1.NicSpec, groups []string) []api.Params {
	var all []api.Params
	for _, n := range nics {
		nic := api.Params{}.Set("InstanceType", "Secondary")
		if n.GetNicId() != "" {
			all = append(all, nic.Set("NetworkInterfaceId", n.GetNicId()).Bool("DeleteOnRelease", false))
			continue
		}
		all = append(all, nic.Set("VSwitchId", n.GetSubnetId()).Set("PrimaryIpAddress", n.GetPrivateIpAddress()).
			List("SecurityGroupIds", groups...).Bool("DeleteOnRelease", true))
	}
	return all
}

// charged adds how an instance is paid for. A subscription is paid at once, for an
// unpaid order makes nothing.
func charged(params api.Params, c *apiv1.Charge) api.Params {
	switch c.GetMode() {
	case apiv1.ChargeMode_CHARGE_MODE_PREPAID:
		params.Set("InstanceChargeType", ecs.ChargePrepaid).Int("Period", max(c.GetPeriodMonths(), 1)).Set("PeriodUnit", "Month").Bool("AutoPay", true)
		if c.GetAutoRenew() {
			params.Bool("AutoRenew", true).Int("AutoRenewPeriod", 1)
		}
		return params
	case apiv1.ChargeMode_CHARGE_MODE_SPOT:
		return params.Set("InstanceChargeType", ecs.ChargePostpaid).Set("SpotStrategy", ecs.SpotAtAnyPrice)
	}
	return params.Set("InstanceChargeType", ecs.ChargePostpaid)
}
