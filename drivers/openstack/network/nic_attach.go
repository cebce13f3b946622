package network

import (
	"bytes"
	"context"
	"encoding/json"
	"time"

	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/attachinterfaces"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	networkv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/network/v1"

	"github.com/yunqiao/yunqiao/drivers/openstack/session"
	"github.com/yunqiao/yunqiao/drivers/openstack/vmaction"
	"github.com/yunqiao/yunqiao/drivers/sdk"
)

const (
	// stepDetaching says that Nova has accepted the detaching.
	stepDetaching = "detaching"
	detachPoll    = 2 * time.Second
)

// AttachNic joins a port to a VM.
func (n *nicServer) AttachNic(ctx context.Context, req *networkv1.AttachNicRequest) (*networkv1.AttachNicResponse, error) {
	s, client, err := n.open(ctx)
	if err != nil {
		return nil, err
	}
	p, err := nics.Get(ctx, client, req.GetId())
	if err != nil {
		return nil, err
	}
	switch {
	case p.DeviceID == req.GetVmId():
		return &networkv1.AttachNicResponse{Id: p.ID, State: toProtoNICState(p.Status, p.DeviceID)}, nil
	case p.DeviceID != "" || p.DeviceOwner != "":
		return nil, sdk.InUse(nics.Type, p.ID, nil, deviceBlocker(p)...)
	}
	if err := requireVM(s, req.GetVmId()); err != nil {
		return nil, err
	}
	_, err = attachinterfaces.Create(ctx, s.Compute, req.GetVmId(), attachinterfaces.CreateOpts{PortID: p.ID}).Extract()
	if err != nil {
		return nil, vmaction.Refusal(ctx, s, err, req.GetVmId(), "vm_id")
	}
	return &networkv1.AttachNicResponse{Id: p.ID, State: networkv1.NicState_NIC_STATE_ATTACHING}, nil
}

// DetachNic takes a port off its VM. Neutron shows no detaching, so the call is
// repeated until the port has no device.
func (n *nicServer) DetachNic(ctx context.Context, req *networkv1.DetachNicRequest) (*networkv1.DetachNicResponse, error) {
	s, client, err := n.open(ctx)
	if err != nil {
		return nil, err
	}
	p, err := nics.Get(ctx, client, req.GetId())
	if err != nil {
		return nil, err
	}
	if p.DeviceID == "" {
		return &networkv1.DetachNicResponse{Id: p.ID, State: toProtoNICState(p.Status, "")}, nil
	}
	if sdk.CallFrom(ctx).NextStep != stepDetaching {
		if err := detach(ctx, s, p, req.GetVmId()); err != nil {
			return nil, err
		}
	}
	sdk.SetNextStep(ctx, stepDetaching, detachPoll)
	return &networkv1.DetachNicResponse{Id: p.ID, State: networkv1.NicState_NIC_STATE_DETACHING}, nil
}

// detach refuses a port that Nova would remove with the detaching.
func detach(ctx context.Context, s *session.Session, p *port, vmID string) error {
	switch {
	case vmID != "" && vmID != p.DeviceID:
		return sdk.NewError(apiv1.Reason_REASON_REFERENCE_MISMATCH, sdk.Resource(vmaction.ResourceType, vmID), sdk.Field("vm_id"))
	case !isVM(p), madeByNova(p):
		return sdk.InvalidState(nics.Type, p.ID, nil)
	}
	if err := requireVM(s, p.DeviceID); err != nil {
		return err
	}
	err := attachinterfaces.Delete(ctx, s.Compute, p.DeviceID, p.ID).ExtractErr()
	if session.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return vmaction.Refusal(ctx, s, err, p.DeviceID, "vm_id")
	}
	return nil
}

func requireVM(s *session.Session, id string) error {
	if err := session.Require(s.Compute); err != nil {
		return err
	}
	return session.ReferenceUUID(vmaction.ResourceType, id, "vm_id")
}

// firstMAC is the MAC address of a VM's first NIC. Nova lists the addresses of a
// VM in the order of its NICs; empty: the VM has none, or is gone.
func firstMAC(ctx context.Context, s *session.Session, vmID string) (string, error) {
	if s.Compute == nil || !session.IsUUID(vmID) {
		return "", nil
	}
	var body struct {
		Server struct {
			Addresses orderedAddresses `json:"addresses"`
		} `json:"server"`
	}
	_, err := s.Compute.Get(ctx, s.Compute.ServiceURL("servers", vmID), &body, nil)
	if session.IsNotFound(err) {
		return "", nil
	}
	return body.Server.Addresses.first, session.Error(err, vmaction.ResourceType, vmID)
}

// orderedAddresses reads only the first address out of the object of networks,
// whose order a map would lose.
type orderedAddresses struct{ first string }

// UnmarshalJSON implements json.Unmarshaler.
func (a *orderedAddresses) UnmarshalJSON(raw []byte) error {
	decoder := json.NewDecoder(bytes.NewReader(raw))
	if _, err := decoder.Token(); err != nil {
		return err
	}
	for decoder.More() {
		if _, err := decoder.Token(); err != nil {
			return err
		}
		var addresses []struct {
			MAC string `json:"OS-EXT-IPS-MAC:mac_addr"`
		}
		if err := decoder.Decode(&addresses); err != nil {
			return err
		}
		if len(addresses) > 0 {
			a.first = addresses[0].MAC
			return nil
		}
	}
	return nil
}
