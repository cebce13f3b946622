package vpn_test

import (
	"context"
	"strings"
	"testing"

	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/extensions/layer3/routers"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/extensions/vpnaas/endpointgroups"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/networks"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/subnets"
	"google.golang.org/protobuf/encoding/protojson"

	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	securityv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/security/v1"

	"github.com/yunqiao/yunqiao/drivers/openstack/livetest"
	"github.com/yunqiao/yunqiao/drivers/openstack/vpn"
	"github.com/yunqiao/yunqiao/drivers/sdk"
)

const (
	prefix  = "h-lb-"
	nowhere = "00000000-0000-0000-0000-00000000dead"
	noID    = "../vpnservices"
	psk     = "Very-Secret-Key-42"
)

// cloud is the services under test.
type cloud struct {
	*livetest.Cloud
	services    securityv1.VpnServiceServiceClient
	ike         securityv1.IkePolicyServiceClient
	ipsec       securityv1.IpsecPolicyServiceClient
	connections securityv1.IpsecConnectionServiceClient
}

func open(t *testing.T) cloud {
	t.Helper()
	c := livetest.Open(t, vpn.Register)
	c.Needs(t, "vpnaas")
	return cloud{
		Cloud:       c,
		services:    securityv1.NewVpnServiceServiceClient(c.Conn),
		ike:         securityv1.NewIkePolicyServiceClient(c.Conn),
		ipsec:       securityv1.NewIpsecPolicyServiceClient(c.Conn),
		connections: securityv1.NewIpsecConnectionServiceClient(c.Conn),
	}
}

// place is a network whose subnets a router joins; outside, with a gateway.
type place struct{ network, router, first, second string }

func (c cloud) place(t *testing.T, outside bool) place {
	t.Helper()
	ctx, client := context.WithoutCancel(t.Context()), c.Session.Network
	opts := routers.CreateOpts{Name: prefix + t.Name()}
	if outside {
		opts.GatewayInfo = &routers.GatewayInfo{NetworkID: c.external(t)}
	}
	r, err := routers.Create(t.Context(), client, opts).Extract()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = routers.Delete(ctx, client, r.ID).ExtractErr() })
	n, err := networks.Create(t.Context(), client, networks.CreateOpts{Name: prefix + t.Name()}).Extract()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = networks.Delete(ctx, client, n.ID).ExtractErr() })
	join := func(cidr string) string {
		s, err := subnets.Create(t.Context(), client, subnets.CreateOpts{NetworkID: n.ID, Name: prefix + t.Name(), CIDR: cidr, IPVersion: 4}).Extract()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := routers.AddInterface(t.Context(), client, r.ID, routers.AddInterfaceOpts{SubnetID: s.ID}).Extract(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			_, _ = routers.RemoveInterface(ctx, client, r.ID, routers.RemoveInterfaceOpts{SubnetID: s.ID}).Extract()
		})
		return s.ID
	}
	return place{network: n.ID, router: r.ID, first: join("10.95.1.0/24"), second: join("10.95.2.0/24")}
}

// externalNetworks filters a list of networks.
type externalNetworks struct{}

// ToNetworkListQuery implements networks.ListOptsBuilder.
func (externalNetworks) ToNetworkListQuery() (string, error) { return "?router:external=true", nil }

func (c cloud) external(t *testing.T) string {
	t.Helper()
	page, err := networks.List(c.Session.Network, externalNetworks{}).AllPages(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	list, err := networks.ExtractNetworks(page)
	if err != nil || len(list) == 0 {
		t.Skip("the cloud has no external network")
	}
	return list[0].ID
}

func (c cloud) service(t *testing.T, name string, req *securityv1.CreateVpnServiceRequest) string {
	t.Helper()
	req.Name = prefix + name
	id := livetest.Must(t, c.Cloud, name, c.services.CreateVpnService, req).GetId()
	livetest.Cleanup(t, c.Cloud, c.services.DeleteVpnService, &securityv1.DeleteVpnServiceRequest{Id: id})
	return id
}

func (c cloud) policies(t *testing.T) (ike, ipsec string) {
	t.Helper()
	ike = livetest.Must(t, c.Cloud, "ike", c.ike.CreateIkePolicy, &securityv1.CreateIkePolicyRequest{Name: prefix + "ike"}).GetId()
	livetest.Cleanup(t, c.Cloud, c.ike.DeleteIkePolicy, &securityv1.DeleteIkePolicyRequest{Id: ike})
	ipsec = livetest.Must(t, c.Cloud, "ipsec", c.ipsec.CreateIpsecPolicy, &securityv1.CreateIpsecPolicyRequest{Name: prefix + "ipsec"}).GetId()
	livetest.Cleanup(t, c.Cloud, c.ipsec.DeleteIpsecPolicy, &securityv1.DeleteIpsecPolicyRequest{Id: ipsec})
	return ike, ipsec
}

func (c cloud) connection(t *testing.T, id string) *securityv1.IpsecConnection {
	t.Helper()
	return livetest.Must(t, c.Cloud, "get", c.connections.GetIpsecConnection, &securityv1.GetIpsecConnectionRequest{Id: id}).GetIpsecConnection()
}

// groups counts the endpoint groups that this package's tests left.
func (c cloud) groups(t *testing.T) int {
	t.Helper()
	page, err := endpointgroups.List(c.Session.Network, nil).AllPages(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	list, err := endpointgroups.ExtractEndpointGroups(page)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, g := range list {
		if strings.HasPrefix(g.Name, prefix) {
			n++
		}
	}
	return n
}

func TestVPNServicesOfARealCloud(t *testing.T) {
	c := open(t)
	at := c.place(t, true)
	req := &securityv1.CreateVpnServiceRequest{RouterId: at.router, Description: "网关"}
	id := c.service(t, "one", req)
	if again := livetest.Repeat(t, c.Cloud, "one", c.services.CreateVpnService, req).GetId(); again != id {
		t.Errorf("a repeat made %s beside %s", again, id)
	}
	got := livetest.Must(t, c.Cloud, "get", c.services.GetVpnService, &securityv1.GetVpnServiceRequest{Id: id}).GetVpnService()
	if got.GetDescription() != "网关" || got.GetRouterId() != at.router || got.GetNetworkId() != at.network || !got.GetEnabled() ||
		len(got.GetPublicIpAddresses()) == 0 || got.GetState() == securityv1.VpnServiceState_VPN_SERVICE_STATE_UNSPECIFIED {
		t.Errorf("service %v", got)
	}
	off := false
	byNetwork := c.service(t, "two", &securityv1.CreateVpnServiceRequest{NetworkId: at.network, Enabled: &off})
	list := livetest.Must(t, c.Cloud, "list", c.services.ListVpnServices, &securityv1.ListVpnServicesRequest{NetworkId: at.network}).GetVpnServices()
	if len(list) != 2 {
		t.Errorf("list %v", list)
	}
	batch := livetest.Must(t, c.Cloud, "ids", c.services.ListVpnServices, &securityv1.ListVpnServicesRequest{Ids: []string{id, byNetwork, nowhere, noID}})
	if len(batch.GetVpnServices()) != 2 || len(batch.GetMissingIds()) != 2 {
		t.Errorf("by ids: %v", batch)
	}

	inside := c.place(t, false)
	for name, tc := range map[string]struct {
		req  *securityv1.CreateVpnServiceRequest
		want apiv1.Reason
	}{
		"no gateway":     {&securityv1.CreateVpnServiceRequest{RouterId: inside.router}, apiv1.Reason_REASON_REFERENCE_MISMATCH},
		"no way out":     {&securityv1.CreateVpnServiceRequest{NetworkId: inside.network}, apiv1.Reason_REASON_REFERENCE_MISMATCH},
		"not together":   {&securityv1.CreateVpnServiceRequest{NetworkId: inside.network, RouterId: at.router}, apiv1.Reason_REASON_REFERENCE_MISMATCH},
		"no router":      {&securityv1.CreateVpnServiceRequest{RouterId: nowhere}, apiv1.Reason_REASON_REFERENCE_NOT_FOUND},
		"with bandwidth": {&securityv1.CreateVpnServiceRequest{RouterId: at.router, BandwidthMbps: 10}, apiv1.Reason_REASON_UNSUPPORTED_FEATURE},
	} {
		t.Log(name)
		tc.req.Name = prefix + "x"
		livetest.Refused(t, c.Cloud, tc.want, "", c.services.CreateVpnService, tc.req)
	}
	for _, unknown := range []string{nowhere, noID} {
		livetest.Refused(t, c.Cloud, apiv1.Reason_REASON_NOT_FOUND, "", c.services.GetVpnService, &securityv1.GetVpnServiceRequest{Id: unknown})
		livetest.Must(t, c.Cloud, "absent", c.services.DeleteVpnService, &securityv1.DeleteVpnServiceRequest{Id: unknown})
	}
}

func TestPoliciesOfARealCloud(t *testing.T) {
	c := open(t)
	req := &securityv1.CreateIkePolicyRequest{Name: prefix + "ike", Description: "强"}
	id := livetest.Must(t, c.Cloud, "ike", c.ike.CreateIkePolicy, req).GetId()
	livetest.Cleanup(t, c.Cloud, c.ike.DeleteIkePolicy, &securityv1.DeleteIkePolicyRequest{Id: id})
	if again := livetest.Repeat(t, c.Cloud, "ike", c.ike.CreateIkePolicy, req).GetId(); again != id {
		t.Errorf("a repeat made %s beside %s", again, id)
	}
	got := livetest.Must(t, c.Cloud, "get", c.ike.GetIkePolicy, &securityv1.GetIkePolicyRequest{Id: id}).GetIkePolicy()
	if got.GetDescription() != "强" || got.GetIkeVersion() != securityv1.IkeVersion_IKE_VERSION_V2 || got.GetDhGroup() != securityv1.DhGroup_DH_GROUP_14 ||
		got.GetAuthAlgorithm() != securityv1.AuthAlgorithm_AUTH_ALGORITHM_SHA256 || got.GetLifetimeSeconds() != 86400 ||
		got.GetEncryptionAlgorithm() != securityv1.EncryptionAlgorithm_ENCRYPTION_ALGORITHM_AES_256 {
		t.Errorf("IKE policy %v", got)
	}
	if list := livetest.Must(t, c.Cloud, "list", c.ike.ListIkePolicies, &securityv1.ListIkePoliciesRequest{Name: req.GetName()}).GetIkePolicies(); len(list) != 1 {
		t.Errorf("list %v", list)
	}
	for feature, refused := range map[string]*securityv1.CreateIkePolicyRequest{
		"security.ike_policy.auth_algorithm.aes_cmac":  {AuthAlgorithm: securityv1.AuthAlgorithm_AUTH_ALGORITHM_AES_CMAC},
		"security.ike_policy.auth_algorithm.md5":       {AuthAlgorithm: securityv1.AuthAlgorithm_AUTH_ALGORITHM_MD5},
		"security.ike_policy.dh_group.g31":             {DhGroup: securityv1.DhGroup_DH_GROUP_31},
		"security.ike_policy.encryption_algorithm.des": {EncryptionAlgorithm: securityv1.EncryptionAlgorithm_ENCRYPTION_ALGORITHM_DES},
	} {
		refused.Name = prefix + "x"
		err := livetest.Refused(t, c.Cloud, apiv1.Reason_REASON_UNSUPPORTED_FEATURE, "", c.ike.CreateIkePolicy, refused)
		if got := sdk.InfoOf(err)["feature"]; got != feature {
			t.Errorf("feature %q, want %q", got, feature)
		}
	}
	ah := &securityv1.CreateIpsecPolicyRequest{
		Name: prefix + "ipsec", TransformProtocol: securityv1.TransformProtocol_TRANSFORM_PROTOCOL_AH,
		EncapsulationMode: securityv1.EncapsulationMode_ENCAPSULATION_MODE_TRANSPORT, PfsGroup: securityv1.DhGroup_DH_GROUP_5, LifetimeSeconds: 7200,
	}
	second := livetest.Must(t, c.Cloud, "ah", c.ipsec.CreateIpsecPolicy, ah).GetId()
	livetest.Cleanup(t, c.Cloud, c.ipsec.DeleteIpsecPolicy, &securityv1.DeleteIpsecPolicyRequest{Id: second})
	p := livetest.Must(t, c.Cloud, "get", c.ipsec.GetIpsecPolicy, &securityv1.GetIpsecPolicyRequest{Id: second}).GetIpsecPolicy()
	if p.GetTransformProtocol() != ah.GetTransformProtocol() || p.GetEncapsulationMode() != ah.GetEncapsulationMode() || p.GetPfsGroup() != ah.GetPfsGroup() || p.GetLifetimeSeconds() != 7200 {
		t.Errorf("IPsec policy %v", p)
	}
	ids := livetest.Must(t, c.Cloud, "list", c.ipsec.ListIpsecPolicies, &securityv1.ListIpsecPoliciesRequest{Ids: []string{second, nowhere}})
	if len(ids.GetIpsecPolicies()) != 1 || len(ids.GetMissingIds()) != 1 {
		t.Errorf("by ids: %v", ids)
	}
	livetest.Must(t, c.Cloud, "absent", c.ipsec.DeleteIpsecPolicy, &securityv1.DeleteIpsecPolicyRequest{Id: nowhere})
	livetest.Refused(t, c.Cloud, apiv1.Reason_REASON_NOT_FOUND, "", c.ipsec.GetIpsecPolicy, &securityv1.GetIpsecPolicyRequest{Id: nowhere})
}

func TestConnectionsOfARealCloud(t *testing.T) {
	c := open(t)
	before := c.groups(t)
	at := c.place(t, true)
	ike, ipsec := c.policies(t)
	service := c.service(t, "service", &securityv1.CreateVpnServiceRequest{RouterId: at.router})
	req := &securityv1.CreateIpsecConnectionRequest{
		Name: prefix + "connection", Description: "到总部", VpnServiceId: service, IkePolicyId: ike, IpsecPolicyId: ipsec,
		PeerAddress: "198.51.100.7", LocalSubnetIds: []string{at.first}, PeerCidrs: []string{"192.168.10.0/24"}, Psk: psk,
		Dpd: &securityv1.Dpd{Action: securityv1.DpdAction_DPD_ACTION_RESTART, IntervalSeconds: 20, TimeoutSeconds: 60}, Mtu: 1400,
	}
	id := livetest.Must(t, c.Cloud, "connection", c.connections.CreateIpsecConnection, req).GetId()
	livetest.Cleanup(t, c.Cloud, c.connections.DeleteIpsecConnection, &securityv1.DeleteIpsecConnectionRequest{Id: id})
	if again := livetest.Repeat(t, c.Cloud, "connection", c.connections.CreateIpsecConnection, req).GetId(); again != id {
		t.Errorf("a repeat made %s beside %s", again, id)
	}
	if n := c.groups(t) - before; n != 2 {
		t.Errorf("%d endpoint groups", n)
	}
	got := c.connection(t, id)
	if got.GetState() != securityv1.IpsecConnectionState_IPSEC_CONNECTION_STATE_ACTIVE || got.GetDescription() != "到总部" ||
		len(got.GetLocalSubnetIds()) != 1 || got.GetLocalSubnetIds()[0] != at.first || len(got.GetPeerCidrs()) != 1 || got.GetPeerId() != "198.51.100.7" ||
		got.GetMtu() != 1400 || got.GetDpd().GetTimeoutSeconds() != 60 || got.GetDpd().GetAction() != req.GetDpd().GetAction() ||
		got.GetIkeConfig().GetDhGroup() != securityv1.DhGroup_DH_GROUP_14 || got.GetIpsecConfig() == nil || got.GetTunnels()[0].GetLocalAddress() == "" {
		t.Errorf("connection %v", got)
	}
	list := livetest.Must(t, c.Cloud, "list", c.connections.ListIpsecConnections,
		&securityv1.ListIpsecConnectionsRequest{VpnServiceId: service, PeerAddress: "198.51.100.7"})
	if len(list.GetIpsecConnections()) != 1 || list.GetIpsecConnections()[0].GetPeerCidrs()[0] != "192.168.10.0/24" {
		t.Errorf("list %v", list)
	}
	if text := protojson.Format(list) + protojson.Format(got); strings.Contains(text, psk) {
		t.Errorf("the key is shown: %s", text)
	}

	blocker := "security.ipsec_connection/" + id
	livetest.Refused(t, c.Cloud, apiv1.Reason_REASON_IN_USE, blocker, c.services.DeleteVpnService, &securityv1.DeleteVpnServiceRequest{Id: service})
	livetest.Refused(t, c.Cloud, apiv1.Reason_REASON_IN_USE, blocker, c.ike.DeleteIkePolicy, &securityv1.DeleteIkePolicyRequest{Id: ike})
	livetest.Refused(t, c.Cloud, apiv1.Reason_REASON_IN_USE, blocker, c.ipsec.DeleteIpsecPolicy, &securityv1.DeleteIpsecPolicyRequest{Id: ipsec})

	address, key, off := "198.51.100.8", "Another-Key-43", false
	livetest.Must(t, c.Cloud, "update", c.connections.UpdateIpsecConnection, &securityv1.UpdateIpsecConnectionRequest{
		Id: id, PeerAddress: &address, Psk: &key, Enabled: &off,
		LocalSubnetIds: &apiv1.StringList{Values: []string{at.first, at.second}}, PeerCidrs: &apiv1.StringList{Values: []string{"192.168.20.0/24"}},
	})
	got = c.connection(t, id)
	if got.GetPeerAddress() != address || got.GetPeerId() != address || got.GetEnabled() || len(got.GetLocalSubnetIds()) != 2 ||
		got.GetPeerCidrs()[0] != "192.168.20.0/24" || got.GetDpd().GetTimeoutSeconds() != 60 || got.GetDescription() != "到总部" {
		t.Errorf("changed connection %v", got)
	}
	if n := c.groups(t) - before; n != 2 {
		t.Errorf("%d endpoint groups after the change", n)
	}
	remove := &securityv1.DeleteIpsecConnectionRequest{Id: id}
	lost := livetest.FirstCall(t.Context(), c.Cloud, "delete")
	if _, err := c.connections.DeleteIpsecConnection(lost, remove); err != nil { // an answer that nobody gets
		t.Fatal(err)
	}
	livetest.Repeat(t, c.Cloud, "delete", c.connections.DeleteIpsecConnection, remove)
	livetest.Must(t, c.Cloud, "absent", c.connections.DeleteIpsecConnection, &securityv1.DeleteIpsecConnectionRequest{Id: id})
	if n := c.groups(t) - before; n != 0 {
		t.Errorf("%d endpoint groups are left", n)
	}
}

func TestRefusedConnectionsLeaveNothing(t *testing.T) {
	c := open(t)
	before := c.groups(t)
	at, elsewhere := c.place(t, true), c.place(t, false)
	ike, ipsec := c.policies(t)
	service := c.service(t, "service", &securityv1.CreateVpnServiceRequest{RouterId: at.router})
	for name, tc := range map[string]struct {
		change func(*securityv1.CreateIpsecConnectionRequest)
		want   apiv1.Reason
		field  string
	}{
		"subnet of another router": {func(r *securityv1.CreateIpsecConnectionRequest) { r.LocalSubnetIds = []string{elsewhere.first} }, apiv1.Reason_REASON_REFERENCE_MISMATCH, "local_subnet_ids"},
		"no such subnet":           {func(r *securityv1.CreateIpsecConnectionRequest) { r.LocalSubnetIds = []string{nowhere} }, apiv1.Reason_REASON_REFERENCE_NOT_FOUND, "local_subnet_ids"},
		"overlap":                  {func(r *securityv1.CreateIpsecConnectionRequest) { r.PeerCidrs = []string{"10.95.0.0/16"} }, apiv1.Reason_REASON_PARAMETER_REJECTED, "peer_cidrs"},
		"other family":             {func(r *securityv1.CreateIpsecConnectionRequest) { r.PeerCidrs = []string{"fd00::/64"} }, apiv1.Reason_REASON_PARAMETER_REJECTED, "peer_cidrs"},
		"no such service":          {func(r *securityv1.CreateIpsecConnectionRequest) { r.VpnServiceId = nowhere }, apiv1.Reason_REASON_REFERENCE_NOT_FOUND, "vpn_service_id"},
		"no such IKE policy":       {func(r *securityv1.CreateIpsecConnectionRequest) { r.IkePolicyId = nowhere }, apiv1.Reason_REASON_REFERENCE_NOT_FOUND, "ike_policy_id"},
		"no such IPsec policy":     {func(r *securityv1.CreateIpsecConnectionRequest) { r.IpsecPolicyId = nowhere }, apiv1.Reason_REASON_REFERENCE_NOT_FOUND, "ipsec_policy_id"},
		"unknown name":             {func(r *securityv1.CreateIpsecConnectionRequest) { r.PeerAddress = "peer.invalid" }, apiv1.Reason_REASON_PARAMETER_REJECTED, "peer_address"},
		"ranges":                   {func(r *securityv1.CreateIpsecConnectionRequest) { r.LocalCidrs = []string{"10.0.0.0/8"} }, apiv1.Reason_REASON_UNSUPPORTED_FEATURE, ""},
	} {
		req := &securityv1.CreateIpsecConnectionRequest{
			Name: prefix + "x", VpnServiceId: service, IkePolicyId: ike, IpsecPolicyId: ipsec, PeerAddress: "198.51.100.9",
			LocalSubnetIds: []string{at.first}, PeerCidrs: []string{"192.168.30.0/24"}, Psk: psk,
		}
		tc.change(req)
		t.Log(name)
		err := livetest.Refused(t, c.Cloud, tc.want, "", c.connections.CreateIpsecConnection, req)
		if got := sdk.InfoOf(err)["field"]; got != tc.field {
			t.Errorf("%s: field %q, want %q", name, got, tc.field)
		}
		if err != nil && strings.Contains(err.Error(), psk) {
			t.Errorf("the key is in the error: %v", err)
		}
	}
	if n := c.groups(t) - before; n != 0 {
		t.Errorf("%d endpoint groups are left", n)
	}
}
