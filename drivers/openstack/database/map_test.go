package database

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/flavors"
	databasev1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/database/v1"
)

func TestInstance(t *testing.T) {
	t.Parallel()
	var v instance
	if err := json.Unmarshal([]byte(`{"id":"i1","name":"稿件库 [yq:aaaaaaaaaaaaaaaaaaaaaaaaaa]","status":"ACTIVE","operating_status":"HEALTHY",
		"flavor":{"id":"2"},"datastore":{"type":"MySQL","version":"mysql-8.0","version_number":"8.0.29"},"region":"RegionOne",
		"volume":{"size":20,"used":1.5},"access":{"is_public":true,"allowed_cidrs":["10.0.0.0/8"]},
		"addresses":[{"address":"10.0.0.7","type":"private","network":"n1"},{"address":"203.0.113.7","type":"public"}],
		"created":"2026-11-20T19:25:46","updated":"2026-11-20T19:25:47","fault":{"message":"an old one"}}`), &v); err != nil {
		t.Fatal(err)
	}
	got := toProtoInstance(&v, known{region: "r", flavors: []flavors.Flavor{{ID: "2", VCPUs: 1, RAM: 2048}}, subnetID: "s1"})
	endpoints := got.GetEndpoints()
	switch {
	case got.GetName() != "稿件库", got.GetState() != databasev1.InstanceState_INSTANCE_STATE_RUNNING, got.GetProviderState() != "ACTIVE",
		got.GetHealth() != databasev1.InstanceHealth_INSTANCE_HEALTH_HEALTHY, got.GetStateReason() != "":
		t.Errorf("name and state: %v", got)
	case got.GetEngine() != databasev1.EngineType_ENGINE_TYPE_MYSQL, got.GetEngineVersion() != "8.0.29", got.GetVcpus() != 1, got.GetMemoryMib() != 2048, got.GetStorageGib() != 20:
		t.Errorf("engine and size: %v", got)
	case len(endpoints) != 2, endpoints[0].GetPort() != 3306, endpoints[0].GetKind() != databasev1.EndpointKind_ENDPOINT_KIND_PRIVATE,
		endpoints[1].GetHost() != "203.0.113.7", endpoints[1].GetKind() != databasev1.EndpointKind_ENDPOINT_KIND_PUBLIC:
		t.Errorf("endpoints: %v", got)
	case got.GetSubnetId() != "s1", got.GetAllowedCidrs()[0] != "10.0.0.0/8", got.GetCreatedAt().AsTime().Hour() != 19:
		t.Errorf("network and times: %v", got)
	case got.GetProviderAttributes()[attributeFault] != "", got.GetProviderAttributes()[attributeDatastore] != "MySQL/mysql-8.0":
		t.Errorf("attributes: %v", got)
	}
	v.Status, v.Fault.Message = "ERROR", "Failed\n to create "+strings.Repeat("卷", 300)
	got = toProtoInstance(&v, known{})
	if fault := got.GetProviderAttributes()[attributeFault]; got.GetStateReason() != "RESOURCE_FAILED" || !strings.HasPrefix(fault, "Failed to create 卷") || len([]rune(fault)) != longestAttribute {
		t.Errorf("failed: %v", got)
	}
}

func TestStates(t *testing.T) {
	t.Parallel()
	for word, want := range map[string]databasev1.InstanceState{
		"BUILD": databasev1.InstanceState_INSTANCE_STATE_CREATING, "REBOOT": databasev1.InstanceState_INSTANCE_STATE_RESTARTING,
		"RESIZE": databasev1.InstanceState_INSTANCE_STATE_UPDATING, "BACKUP": databasev1.InstanceState_INSTANCE_STATE_MAINTAINING,
		"SHUTDOWN": databasev1.InstanceState_INSTANCE_STATE_DELETING, "FAILED": databasev1.InstanceState_INSTANCE_STATE_ERROR,
		"RESTART_REQUIRED": databasev1.InstanceState_INSTANCE_STATE_RUNNING, "ACTIVE": databasev1.InstanceState_INSTANCE_STATE_RUNNING,
		"UNKNOWN": databasev1.InstanceState_INSTANCE_STATE_UNSPECIFIED, "MIGRATING": databasev1.InstanceState_INSTANCE_STATE_UNSPECIFIED,
	} {
		v := &instance{Status: word}
		if got := toProtoState(v); got != want {
			t.Errorf("%s: %v, want %v", word, got, want)
		}
		if got := toProtoInstance(v, known{}).GetPendingRestart(); got != (word == "RESTART_REQUIRED") {
			t.Errorf("%s: pending restart %v", word, got)
		}
	}
	for word, want := range map[string]struct {
		state  databasev1.InstanceState
		health databasev1.InstanceHealth
	}{
		"":         {databasev1.InstanceState_INSTANCE_STATE_UPDATING, databasev1.InstanceHealth_INSTANCE_HEALTH_UNSPECIFIED},
		"HEALTHY":  {databasev1.InstanceState_INSTANCE_STATE_RUNNING, databasev1.InstanceHealth_INSTANCE_HEALTH_HEALTHY},
		"SHUTDOWN": {databasev1.InstanceState_INSTANCE_STATE_RUNNING, databasev1.InstanceHealth_INSTANCE_HEALTH_UNHEALTHY},
		"ERROR":    {databasev1.InstanceState_INSTANCE_STATE_RUNNING, databasev1.InstanceHealth_INSTANCE_HEALTH_UNHEALTHY},
		"REPLICAS": {databasev1.InstanceState_INSTANCE_STATE_RUNNING, databasev1.InstanceHealth_INSTANCE_HEALTH_UNSPECIFIED},
	} {
		v := &instance{Status: statusActive, OperatingStatus: &word}
		if got := toProtoInstance(v, known{}); got.GetState() != want.state || got.GetHealth() != want.health {
			t.Errorf("operating status %q: %v, %v", word, got.GetState(), got.GetHealth())
		}
	}
}

func TestOffers(t *testing.T) {
	t.Parallel()
	var stores []datastore
	if err := json.Unmarshal([]byte(`[
		{"id":"d1","name":"MySQL","default_version":"v3","versions":[
			{"id":"v1","name":"mysql-5.7"},{"id":"v2","name":"old","version":"8.0","active":1},{"id":"v3","name":"new","version":"8.0","active":true},
			{"id":"v4","name":"8.1","active":0},{"id":"v5","name":"latest"},{"id":"v8","name":"8.2","active":false}]},
		{"id":"d2","name":"redis","versions":[{"id":"v6","name":"6"}]},
		{"id":"d3","name":"postgresql","versions":[{"id":"v7","name":"12.4"}]}]`), &stores); err != nil {
		t.Fatal(err)
	}
	all := offersOf(stores)
	var ids []string
	for i := range all {
		ids = append(ids, all[i].version.ID)
	}
	if got := strings.Join(ids, " "); got != "v1 v2 v3 v7" {
		t.Errorf("offers %s", got)
	}
	mysql, postgres := databasev1.EngineType_ENGINE_TYPE_MYSQL, databasev1.EngineType_ENGINE_TYPE_POSTGRESQL
	for _, tc := range []struct {
		engine       databasev1.EngineType
		number, want string
	}{{mysql, "5.7", "v1"}, {mysql, "8.0", "v3"}, {mysql, "12.4", ""}, {postgres, "12.4", "v7"}} {
		got := ""
		if o := pickOffer(all, tc.engine, tc.number); o != nil {
			got = o.version.ID
		}
		if got != tc.want {
			t.Errorf("%v %s: %q, want %q", tc.engine, tc.number, got, tc.want)
		}
	}
	if v := toProtoOffer(&all[2], "r"); !v.GetIsDefault() || v.GetVersion() != "8.0" || v.GetName() != "MySQL new" {
		t.Errorf("engine %v", v)
	}
}
