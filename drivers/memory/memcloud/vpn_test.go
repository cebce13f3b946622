package memcloud

import (
	"bytes"
	"encoding/json"
	"slices"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/yunqiao/yunqiao/drivers/sdk"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	networkv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/network/v1"
	securityv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/security/v1"
)

// site is the rig with a router that leads a subnet out, and VPN clients.
type site struct {
	*rig
	service    securityv1.VpnServiceServiceClient
	ike        securityv1.IkePolicyServiceClient
	ipsec      securityv1.IpsecPolicyServiceClient
	connection securityv1.IpsecConnectionServiceClient

	networkID, subnetID, routerID string
}

func newSite(t *testing.T) *site {
	t.Helper()
	r := newRig(t)
	s := &site{rig: r, service: securityv1.NewVpnServiceServiceClient(r.conn), ike: securityv1.NewIkePolicyServiceClient(r.conn),
		ipsec: securityv1.NewIpsecPolicyServiceClient(r.conn), connection: securityv1.NewIpsecConnectionServiceClient(r.conn)}
	s.networkID, s.subnetID = r.newSubnet("10.0.0.0/24")
	s.routerID = must[*networkv1.CreateRouterResponse](t)(r.router.CreateRouter(t.Context(), &networkv1.CreateRouterRequest{
		Name: "rt", ExternalGateway: &networkv1.ExternalGatewaySpec{NetworkId: externalNetworkID}})).GetId()
	r.settle()
	must[*networkv1.AddRouterInterfaceResponse](t)(r.router.AddRouterInterface(t.Context(), &networkv1.AddRouterInterfaceRequest{Id: s.routerID, SubnetId: s.subnetID}))
	return s
}

func (s *site) newService() string {
	s.Helper()
	id := must[*securityv1.CreateVpnServiceResponse](s.T)(s.service.CreateVpnService(s.Context(), &securityv1.CreateVpnServiceRequest{Name: "vpn", RouterId: s.routerID})).GetId()
	s.settle()
	return id
}

// request is a connection to a peer, with policies of its own.
func (s *site) request(serviceID string) *securityv1.CreateIpsecConnectionRequest {
	s.Helper()
	return &securityv1.CreateIpsecConnectionRequest{
		Name: "conn", VpnServiceId: serviceID, PeerAddress: "198.51.100.7", PeerCidrs: []string{"192.168.10.0/24"},
		LocalSubnetIds: []string{s.subnetID}, Psk: "Top-Secret-Key",
		IkePolicyId:   must[*securityv1.CreateIkePolicyResponse](s.T)(s.ike.CreateIkePolicy(s.Context(), &securityv1.CreateIkePolicyRequest{Name: "ike"})).GetId(),
		IpsecPolicyId: must[*securityv1.CreateIpsecPolicyResponse](s.T)(s.ipsec.CreateIpsecPolicy(s.Context(), &securityv1.CreateIpsecPolicyRequest{Name: "ipsec"})).GetId(),
	}
}

func (s *site) get(id string) *securityv1.IpsecConnection {
	s.Helper()
	return must[*securityv1.GetIpsecConnectionResponse](s.T)(s.connection.GetIpsecConnection(s.Context(), &securityv1.GetIpsecConnectionRequest{Id: id})).GetIpsecConnection()
}

func TestVpnServiceNeedsAWayOut(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	otherNetwork, _ := s.newSubnet("10.9.0.0/24")
	closed := must[*networkv1.CreateRouterResponse](t)(s.router.CreateRouter(t.Context(), &networkv1.CreateRouterRequest{Name: "rt"})).GetId()
	s.settle()
	for name, tc := range map[string]struct {
		req   *securityv1.CreateVpnServiceRequest
		want  apiv1.Reason
		field string
	}{
		"router":             {&securityv1.CreateVpnServiceRequest{RouterId: s.routerID}, 0, ""},
		"network":            {&securityv1.CreateVpnServiceRequest{NetworkId: s.networkID}, 0, ""},
		"both":               {&securityv1.CreateVpnServiceRequest{NetworkId: s.networkID, RouterId: s.routerID}, 0, ""},
		"not external":       {&securityv1.CreateVpnServiceRequest{RouterId: closed}, apiv1.Reason_REASON_REFERENCE_MISMATCH, "router_id"},
		"network, no router": {&securityv1.CreateVpnServiceRequest{NetworkId: otherNetwork}, apiv1.Reason_REASON_REFERENCE_MISMATCH, "network_id"},
		"router elsewhere":   {&securityv1.CreateVpnServiceRequest{NetworkId: otherNetwork, RouterId: s.routerID}, apiv1.Reason_REASON_REFERENCE_MISMATCH, "network_id"},
		"absent":             {&securityv1.CreateVpnServiceRequest{RouterId: "rtr-no"}, apiv1.Reason_REASON_REFERENCE_NOT_FOUND, "router_id"},
	} {
		tc.req.Name = "vpn"
		made, err := s.service.CreateVpnService(t.Context(), tc.req)
		if tc.want != 0 {
			if sdk.ReasonOf(err) != tc.want || sdk.InfoOf(err)["field"] != tc.field {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		if err != nil || made.GetState() != securityv1.VpnServiceState_VPN_SERVICE_STATE_CREATING {
			t.Fatalf("%s: %v, %v", name, made, err)
		}
		s.settle()
		got := must[*securityv1.GetVpnServiceResponse](t)(s.service.GetVpnService(t.Context(), &securityv1.GetVpnServiceRequest{Id: made.GetId()})).GetVpnService()
		if got.GetState() != securityv1.VpnServiceState_VPN_SERVICE_STATE_ACTIVE || got.GetRouterId() != s.routerID || len(got.GetPublicIpAddresses()) != 1 {
			t.Errorf("%s: service is %v", name, got)
		}
	}
}

func TestVpnDependencies(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	ctx := t.Context()
	service := s.newService()
	req := s.request(service)
	made := must[*securityv1.CreateIpsecConnectionResponse](t)(s.connection.CreateIpsecConnection(ctx, req))
	s.settle()
	for name, tc := range map[string]struct {
		call    func() error
		blocker string
	}{
		"service": {func() error {
			_, err := s.service.DeleteVpnService(ctx, &securityv1.DeleteVpnServiceRequest{Id: service})
			return err
		}, ipsecConnections.blocker(made.GetId())},
		"IKE policy": {func() error {
			_, err := s.ike.DeleteIkePolicy(ctx, &securityv1.DeleteIkePolicyRequest{Id: req.GetIkePolicyId()})
			return err
		}, ipsecConnections.blocker(made.GetId())},
		"IPsec policy": {func() error {
			_, err := s.ipsec.DeleteIpsecPolicy(ctx, &securityv1.DeleteIpsecPolicyRequest{Id: req.GetIpsecPolicyId()})
			return err
		}, ipsecConnections.blocker(made.GetId())},
		"interface": {func() error {
			_, err := s.router.RemoveRouterInterface(ctx, &networkv1.RemoveRouterInterfaceRequest{Id: s.routerID, SubnetId: s.subnetID})
			return err
		}, ipsecConnections.blocker(made.GetId())},
		"gateway": {func() error {
			_, err := s.router.UpdateRouter(ctx, &networkv1.UpdateRouterRequest{Id: s.routerID, ExternalGateway: &networkv1.ExternalGatewaySpec{}})
			return err
		}, vpnServices.blocker(service)},
	} {
		if err := tc.call(); sdk.ReasonOf(err) != apiv1.Reason_REASON_IN_USE || sdk.InfoOf(err)["blockers"] != tc.blocker {
			t.Errorf("%s: %v", name, err)
		}
	}
	must[*securityv1.DeleteIpsecConnectionResponse](t)(s.connection.DeleteIpsecConnection(ctx, &securityv1.DeleteIpsecConnectionRequest{Id: made.GetId()}))
	s.settle()
	must[*networkv1.RemoveRouterInterfaceResponse](t)(s.router.RemoveRouterInterface(ctx, &networkv1.RemoveRouterInterfaceRequest{Id: s.routerID, SubnetId: s.subnetID}))
	refused[*networkv1.DeleteRouterResponse](s.rig, apiv1.Reason_REASON_IN_USE)(s.router.DeleteRouter(ctx, &networkv1.DeleteRouterRequest{Id: s.routerID}))
	must[*securityv1.DeleteIkePolicyResponse](t)(s.ike.DeleteIkePolicy(ctx, &securityv1.DeleteIkePolicyRequest{Id: req.GetIkePolicyId()}))
	must[*securityv1.DeleteIpsecPolicyResponse](t)(s.ipsec.DeleteIpsecPolicy(ctx, &securityv1.DeleteIpsecPolicyRequest{Id: req.GetIpsecPolicyId()}))
	must[*securityv1.DeleteVpnServiceResponse](t)(s.service.DeleteVpnService(ctx, &securityv1.DeleteVpnServiceRequest{Id: service}))
	s.settle()
	must[*networkv1.DeleteRouterResponse](t)(s.router.DeleteRouter(ctx, &networkv1.DeleteRouterRequest{Id: s.routerID}))
}

func TestIpsecConnection(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	ctx := t.Context()
	service := s.newService()
	req := s.request(service)
	req.StandbyPeerAddress = "198.51.100.8"
	made := must[*securityv1.CreateIpsecConnectionResponse](t)(s.connection.CreateIpsecConnection(ctx, req))
	if made.GetState() != securityv1.IpsecConnectionState_IPSEC_CONNECTION_STATE_CREATING {
		t.Errorf("state is %v", made.GetState())
	}
	s.settle()
	got := s.get(made.GetId())
	if got.GetState() != securityv1.IpsecConnectionState_IPSEC_CONNECTION_STATE_ACTIVE || got.GetTunnelStatus() != securityv1.TunnelStatus_TUNNEL_STATUS_UP ||
		len(got.GetTunnels()) != 2 || got.GetMtu() != 1500 || !got.GetEnabled() || !got.GetNatTraversal() {
		t.Errorf("connection is %v", got)
	}
	wantIKE := &securityv1.IkeConfig{IkeVersion: securityv1.IkeVersion_IKE_VERSION_V2, NegotiationMode: securityv1.IkeNegotiationMode_IKE_NEGOTIATION_MODE_MAIN,
		EncryptionAlgorithm: securityv1.EncryptionAlgorithm_ENCRYPTION_ALGORITHM_AES_256, AuthAlgorithm: securityv1.AuthAlgorithm_AUTH_ALGORITHM_SHA256,
		DhGroup: securityv1.DhGroup_DH_GROUP_14, LifetimeSeconds: 86400}
	wantDPD := &securityv1.Dpd{Action: securityv1.DpdAction_DPD_ACTION_HOLD, IntervalSeconds: 30, TimeoutSeconds: 120}
	if !proto.Equal(got.GetIkeConfig(), wantIKE) || !proto.Equal(got.GetDpd(), wantDPD) || got.GetIpsecConfig().GetLifetimeSeconds() != 3600 {
		t.Errorf("in force: %v, %v, %v", got.GetIkeConfig(), got.GetIpsecConfig(), got.GetDpd())
	}
	update := func(req *securityv1.UpdateIpsecConnectionRequest) *securityv1.IpsecConnection {
		t.Helper()
		req.Id = made.GetId()
		if state := must[*securityv1.UpdateIpsecConnectionResponse](t)(s.connection.UpdateIpsecConnection(ctx, req)).GetState(); state != securityv1.IpsecConnectionState_IPSEC_CONNECTION_STATE_UPDATING {
			t.Errorf("state is %v", state)
		}
		s.settle()
		return s.get(made.GetId())
	}
	if got := update(&securityv1.UpdateIpsecConnectionRequest{Enabled: proto.Bool(false), Psk: proto.String("Other-Secret-Key")}); got.GetTunnelStatus() != securityv1.TunnelStatus_TUNNEL_STATUS_DOWN {
		t.Errorf("disabled connection is %v", got)
	}
	got = update(&securityv1.UpdateIpsecConnectionRequest{LocalCidrs: &apiv1.StringList{Values: []string{"10.0.0.0/16"}}})
	if len(got.GetLocalSubnetIds()) != 0 || !slices.Equal(got.GetLocalCidrs(), []string{"10.0.0.0/16"}) {
		t.Errorf("connection is %v", got)
	}
	dump := must[[]byte](t)(json.Marshal(must[Dump](t)(s.cloud.Dump(ctx))))
	if bytes.Contains(dump, []byte("Secret-Key")) {
		t.Error("the cloud keeps a key")
	}
}

func TestIpsecConnectionRefused(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	_, loose := s.newSubnet("10.5.0.0/24")
	service := s.newService()
	must[*securityv1.CreateIpsecConnectionResponse](t)(s.connection.CreateIpsecConnection(t.Context(), s.request(service)))
	s.settle()
	for name, tc := range map[string]struct {
		spoil func(*securityv1.CreateIpsecConnectionRequest)
		want  apiv1.Reason
		field string
	}{
		"same traffic":       {func(*securityv1.CreateIpsecConnectionRequest) {}, apiv1.Reason_REASON_CONFLICTS_WITH_EXISTING, "peer_cidrs"},
		"subnet not joined":  {func(r *securityv1.CreateIpsecConnectionRequest) { r.LocalSubnetIds = []string{loose} }, apiv1.Reason_REASON_REFERENCE_MISMATCH, "local_subnet_ids[0]"},
		"no such subnet":     {func(r *securityv1.CreateIpsecConnectionRequest) { r.LocalSubnetIds = []string{"sub-no"} }, apiv1.Reason_REASON_REFERENCE_NOT_FOUND, "local_subnet_ids[0]"},
		"no such IKE policy": {func(r *securityv1.CreateIpsecConnectionRequest) { r.IkePolicyId = "ike-no" }, apiv1.Reason_REASON_REFERENCE_NOT_FOUND, "ike_policy_id"},
		"no such service":    {func(r *securityv1.CreateIpsecConnectionRequest) { r.VpnServiceId = "vpn-no" }, apiv1.Reason_REASON_REFERENCE_NOT_FOUND, "vpn_service_id"},
		"own addresses":      {func(r *securityv1.CreateIpsecConnectionRequest) { r.PeerCidrs = []string{"10.0.0.0/16"} }, apiv1.Reason_REASON_PARAMETER_REJECTED, "peer_cidrs"},
		"two families":       {func(r *securityv1.CreateIpsecConnectionRequest) { r.PeerCidrs = []string{"fd00::/64"} }, apiv1.Reason_REASON_PARAMETER_REJECTED, "peer_cidrs"},
		"impatient": {func(r *securityv1.CreateIpsecConnectionRequest) {
			r.Dpd = &securityv1.Dpd{IntervalSeconds: 300}
		}, apiv1.Reason_REASON_PARAMETER_REJECTED, "dpd.timeout_seconds"},
	} {
		req := s.request(service)
		tc.spoil(req)
		_, err := s.connection.CreateIpsecConnection(t.Context(), req)
		if sdk.ReasonOf(err) != tc.want || sdk.InfoOf(err)["field"] != tc.field {
			t.Errorf("%s: %v", name, err)
		}
	}
	young := must[*securityv1.CreateVpnServiceResponse](t)(s.service.CreateVpnService(t.Context(), &securityv1.CreateVpnServiceRequest{Name: "vpn", RouterId: s.routerID})).GetId()
	refused[*securityv1.CreateIpsecConnectionResponse](s.rig, apiv1.Reason_REASON_RESOURCE_BUSY)(s.connection.CreateIpsecConnection(t.Context(), s.request(young)))
}
