package memcloud

import (
	"context"
	"time"

	"github.com/yunqiao/yunqiao/drivers/sdk/nativeid"
	securityv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/security/v1"
)

const ipsDelay = time.Second // of each move, at scale 1

type ipsService struct {
	securityv1.UnimplementedIpsServiceServer
	c *Cloud
}

var _ securityv1.IpsServiceServer = (*ipsService)(nil)

// CreateIps switches intrusion prevention on at a firewall; its id is made of
// the firewall's.
func (s *ipsService) CreateIps(ctx context.Context, req *securityv1.CreateIpsRequest) (*securityv1.CreateIpsResponse, error) {
	return write(s.c, ctx, func(v *view) (*securityv1.CreateIpsResponse, error) {
		fr, firewall, err := firewalls.ref(v, "firewall_id", req.GetFirewallId())
		if err == nil {
			err = inState(fr, firewall.GetState(), securityv1.FirewallState_FIREWALL_STATE_ACTIVE, securityv1.FirewallState_FIREWALL_STATE_INACTIVE)
		}
		if err != nil {
			return nil, err
		}
		id := nativeid.Join(fr.id, "ips")
		if r, ips, ok := ipsSettings.find(v, id); ok {
			return nil, taken(r, ips.GetState() == securityv1.IpsState_IPS_STATE_DELETING)
		}
		ips := &securityv1.Ips{
			Mode:       securityv1.IpsMode_IPS_MODE_MONITOR,
			Level:      securityv1.IpsLevel_IPS_LEVEL_MEDIUM,
			BasicRules: true,
		}
		fill(ips, req)
		setState(ips, securityv1.IpsState_IPS_STATE_CREATING)
		r, ips := ipsSettings.addAs(v, id, ips)
		v.after(r, ipsDelay)
		return &securityv1.CreateIpsResponse{Id: r.id, State: ips.GetState()}, nil
	})
}

// DeleteIps switches intrusion prevention off.
func (s *ipsService) DeleteIps(ctx context.Context, req *securityv1.DeleteIpsRequest) (*securityv1.DeleteIpsResponse, error) {
	return write(s.c, ctx, func(v *view) (*securityv1.DeleteIpsResponse, error) {
		state, err := remove(v, ipsSettings, req.GetId(), securityv1.IpsState_IPS_STATE_DELETED, change[securityv1.IpsState]{
			from:  []securityv1.IpsState{securityv1.IpsState_IPS_STATE_ACTIVE, securityv1.IpsState_IPS_STATE_INACTIVE, securityv1.IpsState_IPS_STATE_ERROR},
			via:   securityv1.IpsState_IPS_STATE_DELETING,
			delay: ipsDelay,
		})
		return &securityv1.DeleteIpsResponse{Id: req.GetId(), State: state}, err
	})
}

// GetIps reads the intrusion prevention of one firewall.
func (s *ipsService) GetIps(ctx context.Context, req *securityv1.GetIpsRequest) (*securityv1.GetIpsResponse, error) {
	return read(s.c, ctx, func(v *view) (*securityv1.GetIpsResponse, error) {
		_, ips, err := ipsSettings.get(v, req.GetId())
		return &securityv1.GetIpsResponse{Ips: ips}, err
	})
}

// ListIpsSettings reads a page of intrusion preventions.
func (s *ipsService) ListIpsSettings(ctx context.Context, req *securityv1.ListIpsSettingsRequest) (*securityv1.ListIpsSettingsResponse, error) {
	p, err := list(s.c, ctx, ipsSettings, req, nil)
	return &securityv1.ListIpsSettingsResponse{IpsSettings: p.items, NextPageToken: p.next, MissingIds: p.missing}, err
}

// settleIps ends an intrusion prevention's move.
func settleIps(v *view, r *record) {
	_, ips := ipsSettings.edit(v, r)
	switch ips.GetState() {
	case securityv1.IpsState_IPS_STATE_CREATING:
		_, firewall, _ := firewalls.find(v, ips.GetFirewallId())
		settleTo(r, ipsRest(firewall), securityv1.IpsState_IPS_STATE_ERROR)
	case securityv1.IpsState_IPS_STATE_DELETING:
		v.remove(r.key)
	}
}

// ipsRest is the state of an intrusion prevention that nothing happens to: it
// works as long as its firewall does.
func ipsRest(firewall *securityv1.Firewall) securityv1.IpsState {
	if firewall.GetState() == securityv1.FirewallState_FIREWALL_STATE_ACTIVE {
		return securityv1.IpsState_IPS_STATE_ACTIVE
	}
	return securityv1.IpsState_IPS_STATE_INACTIVE
}

// refreshIps lets the intrusion prevention of a firewall follow it.
func refreshIps(v *view, firewall *securityv1.Firewall) {
	r, old, ok := ipsSettings.find(v, nativeid.Join(firewall.GetId(), "ips"))
	if !ok || old.GetState() == ipsRest(firewall) {
		return
	}
	switch old.GetState() {
	case securityv1.IpsState_IPS_STATE_ACTIVE, securityv1.IpsState_IPS_STATE_INACTIVE:
		_, ips := ipsSettings.edit(v, r)
		setState(ips, ipsRest(firewall))
	}
}
