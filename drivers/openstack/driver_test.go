package main

import (
	"slices"
	"strings"
	"testing"

	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	driverv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/driver/v1"

	"github.com/gophercloud/gophercloud/v2"

	"github.com/yunqiao/yunqiao/drivers/openstack/session"
	"github.com/yunqiao/yunqiao/drivers/sdk"
)

func TestGetInfo(t *testing.T) {
	t.Parallel()
	info, err := newDriver().GetInfo(t.Context(), &driverv1.GetInfoRequest{})
	if err != nil {
		t.Fatal(err)
	}
	for _, method := range []string{
		"cloud.compute.v1.VmService/CreateVm",
		"cloud.compute.v1.KeyPairService/CreateKeyPair",
		"cloud.network.v1.SecurityGroupService/AddSecurityGroupMember",
		"cloud.storage.v1.SnapshotService/CreateSnapshot",
		"cloud.network.v1.LoadBalancerService/CreateListener",
		"cloud.security.v1.IpsecConnectionService/CreateIpsecConnection",
	} {
		if !slices.Contains(info.GetMethods(), method) {
			t.Errorf("%s is missing in %v", method, info.GetMethods())
		}
	}
	seen := make(map[string]bool)
	for _, f := range info.GetFeatures() {
		if seen[f.GetName()] {
			t.Errorf("feature %s is told twice", f.GetName())
		}
		seen[f.GetName()] = true
	}
}

func TestAbsentMethods(t *testing.T) {
	t.Parallel()
	client := &gophercloud.ServiceClient{}
	all := &session.Session{
		Compute: client, Network: client, Volume: client, Image: client, LoadBalancer: client, Container: client, Database: client, Metric: client,
		Extensions: map[string]bool{"router": true, "security-group": true, "vpnaas": true, "vpn-endpoint-groups": true, "fwaas_v2": true},
	}
	d := newDriver()
	tenants := func(method string) bool { return strings.HasPrefix(method, "cloud.driver.v1.TenantService/") } // by the token's roles
	if absent := slices.DeleteFunc(d.capabilities(all).GetAbsentMethods(), tenants); len(absent) != 0 {
		t.Errorf("of a cloud with everything: %v", absent)
	}
	for name, tc := range map[string]struct {
		cloud           *session.Session
		absent, present string
	}{
		"no volumes":        {&session.Session{Compute: client, Image: client}, "cloud.storage.v1.DiskService/CreateDisk", "cloud.storage.v1.ImageService/GetImage"},
		"no images":         {&session.Session{Compute: client, Volume: client}, "cloud.storage.v1.ImageService/GetImage", "cloud.storage.v1.DiskService/CreateDisk"},
		"no compute":        {&session.Session{Network: client}, "cloud.compute.v1.VmService/CreateVm", "cloud.compute.v1.RegionService/ListRegions"},
		"no load balancers": {&session.Session{Network: client}, "cloud.network.v1.LoadBalancerService/CreateVip", "cloud.network.v1.NicService/CreateNic"},
		"no VPN":            {&session.Session{Network: client, LoadBalancer: client}, "cloud.security.v1.VpnServiceService/CreateVpnService", "cloud.network.v1.LoadBalancerService/CreateVip"},
		"no firewalls":      {&session.Session{Network: client}, "cloud.security.v1.FirewallService/CreateFirewall", "cloud.network.v1.NicService/CreateNic"},
		"no containers":     {&session.Session{Compute: client}, "cloud.compute.v1.ContainerService/CreateContainer", "cloud.compute.v1.VmService/CreateVm"},
		"no databases":      {&session.Session{Network: client}, "cloud.database.v1.InstanceService/CreateInstance", "cloud.network.v1.NicService/CreateNic"},
		"no metrics":        {&session.Session{Compute: client}, "cloud.monitor.v1.MetricService/ListMetrics", "cloud.compute.v1.VmService/CreateVm"},
		"flat networks":     {&session.Session{Network: client}, "cloud.network.v1.RouterService/CreateRouter", "cloud.network.v1.NetworkService/CreateNetwork"},
	} {
		absent := d.capabilities(tc.cloud).GetAbsentMethods()
		if !slices.Contains(absent, tc.absent) || slices.Contains(absent, tc.present) {
			t.Errorf("%s: %v", name, absent)
		}
	}
}

func TestAccounts(t *testing.T) {
	t.Parallel()
	d := newDriver()
	if _, err := d.Probe(t.Context(), &driverv1.ProbeRequest{AccountId: "x"}); sdk.ReasonOf(err) != apiv1.Reason_REASON_ACCOUNT_NOT_FOUND {
		t.Errorf("probe of an unknown account: %v", err)
	}
	if _, err := d.CloseAccount(t.Context(), &driverv1.CloseAccountRequest{AccountId: "x"}); err != nil {
		t.Errorf("close of an unknown account: %v", err)
	}
	if _, err := d.OpenAccount(t.Context(), &driverv1.OpenAccountRequest{AccountId: "x"}); sdk.ReasonOf(err) != apiv1.Reason_REASON_PARAMETER_REJECTED {
		t.Errorf("open without settings: %v", err)
	}
	schema, err := d.GetAccountSchema(t.Context(), &driverv1.GetAccountSchemaRequest{})
	if err != nil || len(schema.GetFields()) == 0 {
		t.Errorf("schema: %v, %v", schema, err)
	}
	secret := 0
	for _, f := range schema.GetFields() {
		if f.GetSecret() {
			secret++
		}
	}
	if secret != 2 {
		t.Errorf("%d secret fields, want the password and the application credential's secret", secret)
	}
}
