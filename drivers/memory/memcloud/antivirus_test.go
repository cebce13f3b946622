package memcloud

import (
	"testing"

	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	computev1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/compute/v1"
	securityv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/security/v1"
)

func TestAntivirusFollowsItsVM(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	ctx := t.Context()
	client := securityv1.NewAntivirusServiceClient(r.conn)
	_, subnet := r.newSubnet("10.0.0.0/24")
	vm := r.newVM(vmRequest(subnet)).GetId()
	create := func(vmID string) (*securityv1.CreateAntivirusResponse, error) {
		return client.CreateAntivirus(ctx, &securityv1.CreateAntivirusRequest{Name: "av", VmId: vmID, ScanNow: true})
	}
	id := must[*securityv1.CreateAntivirusResponse](t)(create(vm)).GetId()
	is := func(state securityv1.AntivirusState, status securityv1.AntivirusClientStatus) *securityv1.Antivirus {
		t.Helper()
		got := must[*securityv1.GetAntivirusResponse](t)(client.GetAntivirus(ctx, &securityv1.GetAntivirusRequest{Id: id})).GetAntivirus()
		if got.GetState() != state || got.GetClientStatus() != status {
			t.Errorf("protection is %v, want %v, %v", got, state, status)
		}
		return got
	}
	is(securityv1.AntivirusState_ANTIVIRUS_STATE_CREATING, 0)
	r.settle()
	got := is(securityv1.AntivirusState_ANTIVIRUS_STATE_ACTIVE, securityv1.AntivirusClientStatus_ANTIVIRUS_CLIENT_STATUS_ONLINE)
	if got.GetLastScanAt() == nil || got.ThreatsCount == nil || got.GetEdition() != securityv1.AntivirusEdition_ANTIVIRUS_EDITION_ANTIVIRUS {
		t.Errorf("protection is %v", got)
	}
	refused[*securityv1.CreateAntivirusResponse](r, apiv1.Reason_REASON_ALREADY_EXISTS)(create(vm))
	refused[*securityv1.CreateAntivirusResponse](r, apiv1.Reason_REASON_REFERENCE_NOT_FOUND)(create("vm-no"))
	must[*computev1.StopVmResponse](t)(r.vm.StopVm(ctx, &computev1.StopVmRequest{Id: vm}))
	r.settle()
	is(securityv1.AntivirusState_ANTIVIRUS_STATE_INACTIVE, securityv1.AntivirusClientStatus_ANTIVIRUS_CLIENT_STATUS_OFFLINE)
	must[*computev1.StartVmResponse](t)(r.vm.StartVm(ctx, &computev1.StartVmRequest{Id: vm}))
	r.settle()
	is(securityv1.AntivirusState_ANTIVIRUS_STATE_ACTIVE, securityv1.AntivirusClientStatus_ANTIVIRUS_CLIENT_STATUS_ONLINE)
	must[*computev1.DeleteVmResponse](t)(r.vm.DeleteVm(ctx, &computev1.DeleteVmRequest{Id: vm}))
	r.settle()
	refused[*securityv1.GetAntivirusResponse](r, apiv1.Reason_REASON_NOT_FOUND)(client.GetAntivirus(ctx, &securityv1.GetAntivirusRequest{Id: id}))
}
