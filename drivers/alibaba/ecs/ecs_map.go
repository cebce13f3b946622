package ecs

import (
	"cmp"
	"strings"

	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	computev1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/compute/v1"

	"github.com/yunqiao/yunqiao/drivers/alibaba/kind"
)

// Ways to pay. Source: DescribeInstances, InstanceChargeType and SpotStrategy.
const (
	ChargePrepaid  = "PrePaid"
	ChargePostpaid = "PostPaid"
	SpotAtAnyPrice = "SpotAsPriceGo"
	spotNone       = "NoSpot"
)

// AttributeGroup is the key of provider_attributes that tells the resource group.
const AttributeGroup = "resource_group_id"

// ToProtoCharge maps how something is paid for. Pay-as-you-go shows a date far in
// the future, which is no expiry.
func ToProtoCharge(chargeType, spotStrategy, expires string) *apiv1.Charge {
	switch {
	case chargeType == ChargePrepaid:
		return &apiv1.Charge{Mode: apiv1.ChargeMode_CHARGE_MODE_PREPAID, ExpiresAt: kind.ToProtoTime(expires)}
	case cmp.Or(spotStrategy, spotNone) != spotNone:
		return &apiv1.Charge{Mode: apiv1.ChargeMode_CHARGE_MODE_SPOT}
	}
	return &apiv1.Charge{Mode: apiv1.ChargeMode_CHARGE_MODE_POSTPAID}
}

// ToProtoLock maps why something is locked. Source: DescribeInstances, OperationLocks.
func ToProtoLock(reason string) apiv1.LockReason {
	switch strings.ToLower(reason) {
	case "financial", "dedicatedhostfinancial":
		return apiv1.LockReason_LOCK_REASON_ARREARS
	case "security":
		return apiv1.LockReason_LOCK_REASON_SECURITY
	case "recycling":
		return apiv1.LockReason_LOCK_REASON_RECYCLING
	}
	return apiv1.LockReason_LOCK_REASON_OTHER
}

// ToProtoOSType maps the family of an operating system.
func ToProtoOSType(osType string) computev1.OsType {
	switch strings.ToLower(osType) {
	case "linux":
		return computev1.OsType_OS_TYPE_LINUX
	case "windows":
		return computev1.OsType_OS_TYPE_WINDOWS
	case "":
		return computev1.OsType_OS_TYPE_UNSPECIFIED
	}
	return computev1.OsType_OS_TYPE_OTHER
}

// Attributes makes provider_attributes of what is not empty.
func Attributes(all map[string]string) map[string]string {
	for key, value := range all {
		if value == "" {
			delete(all, key)
		}
	}
	return all
}
