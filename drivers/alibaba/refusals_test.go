package main

import (
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	computev1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/compute/v1"

	"github.com/yunqiao/yunqiao/drivers/alibaba/sim"
	"github.com/yunqiao/yunqiao/drivers/sdk"
)

// TestRefusalsAreTyped makes the cloud refuse a VM in every way that a caller must be
// able to tell apart.
func TestRefusalsAreTyped(t *testing.T) {
	t.Parallel()
	r := newRig(t, sim.Options{})
	r.mustOpen()
	base := r.site()
	base.Name = "vm"
	for name, tc := range map[string]struct {
		faults sim.Faults
		change func(*computev1.CreateVmRequest)
		reason apiv1.Reason
		field  string
	}{
		"sold out":     {faults: sim.Faults{SoldOut: []string{base.GetFlavorId()}}, reason: apiv1.Reason_REASON_OUT_OF_STOCK},
		"arrears":      {faults: sim.Faults{Arrears: []string{r.cloud.Account.UID}}, reason: apiv1.Reason_REASON_PAYMENT_REQUIRED},
		"quota":        {faults: sim.Faults{Quotas: map[string]int{"instance": 0}}, reason: apiv1.Reason_REASON_QUOTA_EXCEEDED},
		"no subnet":    {change: func(v *computev1.CreateVmRequest) { v.Nics[0].SubnetId = "vsw-none" }, reason: apiv1.Reason_REASON_REFERENCE_NOT_FOUND, field: "subnet_id"},
		"no image":     {change: func(v *computev1.CreateVmRequest) { v.ImageId = "m-none" }, reason: apiv1.Reason_REASON_REFERENCE_NOT_FOUND, field: "image_id"},
		"no key pair":  {change: func(v *computev1.CreateVmRequest) { v.KeyPairId = "none" }, reason: apiv1.Reason_REASON_REFERENCE_NOT_FOUND, field: "key_pair_id"},
		"another zone": {change: func(v *computev1.CreateVmRequest) { v.ZoneId = "cn-hangzhou-none" }, reason: apiv1.Reason_REASON_PARAMETER_REJECTED},
	} {
		req := proto.CloneOf(base)
		if tc.change != nil {
			tc.change(req)
		}
		r.faults(tc.faults)
		_, err := r.vms().CreateVm(r.as(name, 1), req)
		if got := sdk.ReasonOf(err); got != tc.reason || sdk.InfoOf(err)["field"] != tc.field || sdk.InfoOf(err)["provider_request_id"] == "" {
			t.Errorf("%s: %v of %q: %v, %s", name, got, sdk.InfoOf(err)["field"], sdk.InfoOf(err), sdk.FaultText(err))
		}
	}
	r.faults(sim.Faults{})
	if page, err := r.vms().ListVms(r.as("list", 1), &computev1.ListVmsRequest{}); err != nil || len(page.GetVms()) > 0 {
		t.Errorf("made %v, %v", page, err)
	}
}

// TestPaidBeforehandAndProtected are not removed before their time.
func TestPaidBeforehandAndProtected(t *testing.T) {
	t.Parallel()
	r := newRig(t, sim.Options{})
	r.mustOpen()
	base := r.site()
	for name, tc := range map[string]struct {
		change func(*computev1.CreateVmRequest)
		mode   apiv1.ChargeMode
		reason apiv1.Reason
	}{
		"prepaid": {
			func(v *computev1.CreateVmRequest) {
				v.Charge = &apiv1.Charge{Mode: apiv1.ChargeMode_CHARGE_MODE_PREPAID, PeriodMonths: 3}
			},
			apiv1.ChargeMode_CHARGE_MODE_PREPAID, apiv1.Reason_REASON_INVALID_STATE,
		},
		"protected": {
			func(v *computev1.CreateVmRequest) { v.DeletionProtected = true },
			apiv1.ChargeMode_CHARGE_MODE_POSTPAID, apiv1.Reason_REASON_DELETION_PROTECTED,
		},
	} {
		req := proto.CloneOf(base)
		req.Name = name
		tc.change(req)
		made, err := r.vms().CreateVm(r.as(name, 1), req)
		r.must(err)
		r.eventually(func() bool {
			got, err := r.vms().GetVm(r.as("get", 1), &computev1.GetVmRequest{Id: made.GetId()})
			return err == nil && got.GetVm().GetState() == computev1.VmState_VM_STATE_RUNNING
		})
		got, err := r.vms().GetVm(r.as("get", 1), &computev1.GetVmRequest{Id: made.GetId()})
		r.must(err)
		charge := got.GetVm().GetCharge()
		if expires := charge.GetExpiresAt(); charge.GetMode() != tc.mode || (expires != nil) != (tc.mode == apiv1.ChargeMode_CHARGE_MODE_PREPAID) ||
			expires != nil && time.Until(expires.AsTime()) < 80*24*time.Hour {
			t.Errorf("%s: charge is %v", name, charge)
		}
		_, err = r.vms().DeleteVm(r.as("delete-"+name, 1), &computev1.DeleteVmRequest{Id: made.GetId()})
		if got := sdk.ReasonOf(err); got != tc.reason {
			t.Errorf("%s: deleting: %v", name, err)
		}
	}
}
