package memcloud

import (
	"context"

	"google.golang.org/protobuf/proto"

	"github.com/yunqiao/yunqiao/drivers/sdk"
	securityv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/security/v1"
)

type firewallService struct {
	securityv1.UnimplementedFirewallServiceServer
	c *Cloud
}

var _ securityv1.FirewallServiceServer = (*firewallService)(nil)

// CreateFirewall makes a firewall and binds it.
func (s *firewallService) CreateFirewall(ctx context.Context, req *securityv1.CreateFirewallRequest) (*securityv1.CreateFirewallResponse, error) {
	return write(s.c, ctx, func(v *view) (*securityv1.CreateFirewallResponse, error) {
		if err := v.within(use{"security.firewall.count", 1}); err != nil {
			return nil, err
		}
		firewall := &securityv1.Firewall{Enabled: true}
		fill(firewall, req)
		if firewall.Scope == securityv1.FirewallScope_FIREWALL_SCOPE_UNSPECIFIED {
			firewall.Scope = securityv1.FirewallScope_FIREWALL_SCOPE_ROUTER
		}
		firewall.Stateful = proto.Bool(firewall.GetScope() != securityv1.FirewallScope_FIREWALL_SCOPE_SUBNET)
		if err := firewallFits(v, firewall); err != nil {
			return nil, err
		}
		setState(firewall, securityv1.FirewallState_FIREWALL_STATE_CREATING)
		r, firewall := firewalls.add(v, firewall)
		v.after(r, firewallDelay)
		refreshPolicies(v, policiesOf(firewall)...)
		return &securityv1.CreateFirewallResponse{Id: r.id, State: firewall.GetState()}, nil
	})
}

// UpdateFirewall changes words, bindings, policies and whether it filters.
func (s *firewallService) UpdateFirewall(ctx context.Context, req *securityv1.UpdateFirewallRequest) (*securityv1.UpdateFirewallResponse, error) {
	return write(s.c, ctx, func(v *view) (*securityv1.UpdateFirewallResponse, error) {
		r, old, err := firewalls.get(v, req.GetId())
		if err == nil {
			err = inState(r, old.GetState(), securityv1.FirewallState_FIREWALL_STATE_ACTIVE, securityv1.FirewallState_FIREWALL_STATE_INACTIVE)
		}
		if err != nil {
			return nil, err
		}
		r, firewall := firewalls.edit(v, r)
		fill(firewall, req)
		if err := firewallFits(v, firewall); err != nil {
			return nil, err
		}
		setState(firewall, securityv1.FirewallState_FIREWALL_STATE_UPDATING)
		v.after(r, firewallDelay)
		refreshPolicies(v, append(policiesOf(old), policiesOf(firewall)...)...)
		return &securityv1.UpdateFirewallResponse{Id: r.id, State: firewall.GetState()}, nil
	})
}

// DeleteFirewall unbinds and removes a firewall; its policies stay.
func (s *firewallService) DeleteFirewall(ctx context.Context, req *securityv1.DeleteFirewallRequest) (*securityv1.DeleteFirewallResponse, error) {
	return write(s.c, ctx, func(v *view) (*securityv1.DeleteFirewallResponse, error) {
		if used := ipsSettings.blockers(v, func(ips *securityv1.Ips) bool { return ips.GetFirewallId() == req.GetId() }); len(used) > 0 {
			return nil, sdk.InUse(string(firewalls.kind), req.GetId(), nil, used...)
		}
		state, err := remove(v, firewalls, req.GetId(), securityv1.FirewallState_FIREWALL_STATE_DELETED, change[securityv1.FirewallState]{
			from:  []securityv1.FirewallState{securityv1.FirewallState_FIREWALL_STATE_ACTIVE, securityv1.FirewallState_FIREWALL_STATE_INACTIVE, securityv1.FirewallState_FIREWALL_STATE_ERROR},
			via:   securityv1.FirewallState_FIREWALL_STATE_DELETING,
			delay: firewallDelay,
		})
		return &securityv1.DeleteFirewallResponse{Id: req.GetId(), State: state}, err
	})
}

// GetFirewall reads one firewall with the rules in force.
func (s *firewallService) GetFirewall(ctx context.Context, req *securityv1.GetFirewallRequest) (*securityv1.GetFirewallResponse, error) {
	return read(s.c, ctx, func(v *view) (*securityv1.GetFirewallResponse, error) {
		_, firewall, err := firewalls.get(v, req.GetId())
		if err != nil {
			return nil, err
		}
		shown := proto.CloneOf(firewall)
		shown.EffectiveIngressRules = effectiveRules(v, firewall.GetIngressPolicyId())
		shown.EffectiveEgressRules = effectiveRules(v, firewall.GetEgressPolicyId())
		return &securityv1.GetFirewallResponse{Firewall: shown}, nil
	})
}

// ListFirewalls reads a page of firewalls; lists carry no effective rules.
func (s *firewallService) ListFirewalls(ctx context.Context, req *securityv1.ListFirewallsRequest) (*securityv1.ListFirewallsResponse, error) {
	p, err := list(s.c, ctx, firewalls, req, nil)
	return &securityv1.ListFirewallsResponse{Firewalls: p.items, NextPageToken: p.next, MissingIds: p.missing}, err
}
