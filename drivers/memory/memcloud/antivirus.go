package memcloud

import (
	"context"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/yunqiao/yunqiao/drivers/sdk/nativeid"
	computev1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/compute/v1"
	securityv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/security/v1"
)

const (
	antivirusDelay = time.Second // of each move, at scale 1

	auxScanNow = "scan_now" // a protection that scans as soon as it works
)

type antivirusService struct {
	securityv1.UnimplementedAntivirusServiceServer
	c *Cloud
}

var _ securityv1.AntivirusServiceServer = (*antivirusService)(nil)

// CreateAntivirus protects a VM; the id is made of the VM's.
func (s *antivirusService) CreateAntivirus(ctx context.Context, req *securityv1.CreateAntivirusRequest) (*securityv1.CreateAntivirusResponse, error) {
	return write(s.c, ctx, func(v *view) (*securityv1.CreateAntivirusResponse, error) {
		vr, vm, err := vms.ref(v, "vm_id", req.GetVmId())
		if err == nil && vm.GetState() == computev1.VmState_VM_STATE_DELETING {
			err = refInState("vm_id", vr, vm.GetState(), computev1.VmState_VM_STATE_RUNNING)
		}
		if err != nil {
			return nil, err
		}
		id := nativeid.Join(vr.id, "av")
		if r, antivirus, ok := antiviruses.find(v, id); ok {
			return nil, taken(r, antivirus.GetState() == securityv1.AntivirusState_ANTIVIRUS_STATE_DELETING)
		}
		if err := v.within(use{"security.antivirus.count", 1}); err != nil {
			return nil, err
		}
		antivirus := &securityv1.Antivirus{Edition: securityv1.AntivirusEdition_ANTIVIRUS_EDITION_ANTIVIRUS}
		fill(antivirus, req)
		antivirus.ThreatsCount = proto.Int32(0)
		setState(antivirus, securityv1.AntivirusState_ANTIVIRUS_STATE_CREATING)
		r, antivirus := antiviruses.addAs(v, id, antivirus)
		if req.GetScanNow() {
			r.aux[auxScanNow] = "1"
		}
		v.after(r, antivirusDelay)
		return &securityv1.CreateAntivirusResponse{Id: r.id, State: antivirus.GetState()}, nil
	})
}

// DeleteAntivirus ends the protection of a VM.
func (s *antivirusService) DeleteAntivirus(ctx context.Context, req *securityv1.DeleteAntivirusRequest) (*securityv1.DeleteAntivirusResponse, error) {
	return write(s.c, ctx, func(v *view) (*securityv1.DeleteAntivirusResponse, error) {
		state, err := remove(v, antiviruses, req.GetId(), securityv1.AntivirusState_ANTIVIRUS_STATE_DELETED, change[securityv1.AntivirusState]{
			from:  []securityv1.AntivirusState{securityv1.AntivirusState_ANTIVIRUS_STATE_ACTIVE, securityv1.AntivirusState_ANTIVIRUS_STATE_INACTIVE, securityv1.AntivirusState_ANTIVIRUS_STATE_ERROR},
			via:   securityv1.AntivirusState_ANTIVIRUS_STATE_DELETING,
			delay: antivirusDelay,
		})
		return &securityv1.DeleteAntivirusResponse{Id: req.GetId(), State: state}, err
	})
}

// GetAntivirus reads the protection of one VM.
func (s *antivirusService) GetAntivirus(ctx context.Context, req *securityv1.GetAntivirusRequest) (*securityv1.GetAntivirusResponse, error) {
	return read(s.c, ctx, func(v *view) (*securityv1.GetAntivirusResponse, error) {
		_, antivirus, err := antiviruses.get(v, req.GetId())
		return &securityv1.GetAntivirusResponse{Antivirus: antivirus}, err
	})
}

// ListAntiviruses reads a page of protections.
func (s *antivirusService) ListAntiviruses(ctx context.Context, req *securityv1.ListAntivirusesRequest) (*securityv1.ListAntivirusesResponse, error) {
	p, err := list(s.c, ctx, antiviruses, req, nil)
	return &securityv1.ListAntivirusesResponse{Antiviruses: p.items, NextPageToken: p.next, MissingIds: p.missing}, err
}

// settleAntivirus ends a protection's move.
func settleAntivirus(v *view, r *record) {
	_, antivirus := antiviruses.edit(v, r)
	switch antivirus.GetState() {
	case securityv1.AntivirusState_ANTIVIRUS_STATE_CREATING:
		settleTo(r, securityv1.AntivirusState_ANTIVIRUS_STATE_INACTIVE, securityv1.AntivirusState_ANTIVIRUS_STATE_ERROR)
		refreshAntivirus(v, antivirus.GetVmId())
	case securityv1.AntivirusState_ANTIVIRUS_STATE_DELETING:
		v.remove(r.key)
	}
}

// refreshAntivirus lets the protection of a VM follow it: the program in the VM
// works while the VM runs, and the protection goes with the VM.
func refreshAntivirus(v *view, vmID string) {
	r, old, ok := antiviruses.find(v, nativeid.Join(vmID, "av"))
	if !ok {
		return
	}
	_, vm, ok := vms.find(v, vmID)
	if !ok {
		v.remove(r.key)
		return
	}
	switch old.GetState() {
	case securityv1.AntivirusState_ANTIVIRUS_STATE_ACTIVE, securityv1.AntivirusState_ANTIVIRUS_STATE_INACTIVE:
	default:
		return
	}
	r, antivirus := antiviruses.edit(v, r)
	if vm.GetState() != computev1.VmState_VM_STATE_RUNNING {
		antivirus.ClientStatus = securityv1.AntivirusClientStatus_ANTIVIRUS_CLIENT_STATUS_OFFLINE
		setState(antivirus, securityv1.AntivirusState_ANTIVIRUS_STATE_INACTIVE)
		return
	}
	antivirus.ClientStatus = securityv1.AntivirusClientStatus_ANTIVIRUS_CLIENT_STATUS_ONLINE
	setState(antivirus, securityv1.AntivirusState_ANTIVIRUS_STATE_ACTIVE)
	if r.aux[auxScanNow] != "" {
		delete(r.aux, auxScanNow)
		antivirus.LastScanAt = timestamppb.New(v.now)
	}
}
