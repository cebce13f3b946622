package database_test

import (
	"context"
	"slices"
	"testing"

	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/extensions/layer3/routers"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/networks"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/subnets"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	databasev1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/database/v1"
	"google.golang.org/protobuf/proto"

	"github.com/yunqiao/yunqiao/drivers/openstack/database"
	"github.com/yunqiao/yunqiao/drivers/openstack/livetest"
	"github.com/yunqiao/yunqiao/drivers/sdk"
)

const (
	prefix  = "h-db-"
	nowhere = "00000000-0000-0000-0000-00000000dead"

	mysql = databasev1.EngineType_ENGINE_TYPE_MYSQL
)

// cloud is the services under test, with a subnet for them.
type cloud struct {
	*livetest.Cloud
	db     databasev1.InstanceServiceClient
	subnet string
	engine *databasev1.Engine
}

func open(t *testing.T) cloud {
	t.Helper()
	c := livetest.Open(t, database.Register)
	c.Needs(t, "database")
	client := c.Session.Network
	ctx := context.WithoutCancel(t.Context())
	n, err := networks.Create(t.Context(), client, networks.CreateOpts{Name: prefix + t.Name()}).Extract()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		livetest.Await(t, "network removed", func() bool { return networks.Delete(ctx, client, n.ID).ExtractErr() == nil })
	})
	s, err := subnets.Create(t.Context(), client, subnets.CreateOpts{NetworkID: n.ID, Name: prefix + t.Name(), CIDR: "10.92.0.0/24", IPVersion: 4}).Extract()
	if err != nil {
		t.Fatal(err)
	}
	engines := livetest.Must(t, c, "engines", databasev1.NewEngineServiceClient(c.Conn).ListEngines, &databasev1.ListEnginesRequest{Engine: mysql}).GetEngines()
	at := slices.IndexFunc(engines, (*databasev1.Engine).GetIsDefault)
	if at < 0 {
		t.Fatalf("no default among %v", engines)
	}
	return cloud{Cloud: c, db: databasev1.NewInstanceServiceClient(c.Conn), subnet: s.ID, engine: engines[at]}
}

// route gives the subnet a router, which Trove wants to see.
func (c cloud) route(t *testing.T) {
	t.Helper()
	client, ctx := c.Session.Network, context.WithoutCancel(t.Context())
	r, err := routers.Create(t.Context(), client, routers.CreateOpts{Name: prefix + t.Name()}).Extract()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = routers.Delete(ctx, client, r.ID).ExtractErr() })
	if _, err := routers.AddInterface(t.Context(), client, r.ID, routers.AddInterfaceOpts{SubnetID: c.subnet}).Extract(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_, _ = routers.RemoveInterface(ctx, client, r.ID, routers.RemoveInterfaceOpts{SubnetID: c.subnet}).Extract()
	})
}

func (c cloud) request(name string) *databasev1.CreateInstanceRequest {
	return &databasev1.CreateInstanceRequest{
		Name: name, Engine: mysql, EngineVersion: c.engine.GetVersion(), MemoryMib: 600, StorageGib: 5, SubnetId: c.subnet,
	}
}

func (c cloud) get(t *testing.T, id string) *databasev1.Instance {
	t.Helper()
	return livetest.Must(t, c.Cloud, "get", c.db.GetInstance, &databasev1.GetInstanceRequest{Id: id}).GetInstance()
}

func (c cloud) until(t *testing.T, id string, want databasev1.InstanceState) *databasev1.Instance {
	t.Helper()
	var v *databasev1.Instance
	livetest.Eventually(t, want.String(), func() bool {
		v = c.get(t, id)
		return v.GetState() == want
	})
	return v
}

// gone tells whether an instance is no more, as one whose deletion ended.
func (c cloud) gone(ctx context.Context, id string) bool {
	_, err := livetest.Call(ctx, c.Cloud, "gone", 1, c.db.GetInstance, &databasev1.GetInstanceRequest{Id: id})
	return sdk.ReasonOf(err) == apiv1.Reason_REASON_NOT_FOUND
}

// removeAtEnd deletes an instance as soon as Trove takes its deletion.
func (c cloud) removeAtEnd(t *testing.T, id string) {
	t.Helper()
	ctx := context.WithoutCancel(t.Context())
	t.Cleanup(func() {
		livetest.Await(t, "instance removed", func() bool {
			_, _ = livetest.Call(ctx, c.Cloud, "cleanup", 1, c.db.DeleteInstance, &databasev1.DeleteInstanceRequest{Id: id})
			return c.gone(ctx, id)
		})
	})
}

func TestInstancesOfARealCloud(t *testing.T) {
	c := open(t)
	c.route(t)
	req := c.request("稿件库")
	id := livetest.Must(t, c.Cloud, "one", c.db.CreateInstance, req).GetId()
	c.removeAtEnd(t, id)
	livetest.Refused(t, c.Cloud, apiv1.Reason_REASON_RESOURCE_BUSY, "", c.db.DeleteInstance, &databasev1.DeleteInstanceRequest{Id: id})
	livetest.Refused(t, c.Cloud, apiv1.Reason_REASON_RESOURCE_BUSY, "", c.db.UpdateInstance,
		&databasev1.UpdateInstanceRequest{Id: id, AllowedCidrs: &apiv1.StringList{Values: []string{"10.0.0.0/8"}}})
	req.Password = "Geheim-1234"
	if again := livetest.Repeat(t, c.Cloud, "one", c.db.CreateInstance, req).GetId(); again != id {
		t.Fatalf("a repeat made %s beside %s", again, id)
	}
	got := c.get(t, id)
	switch {
	case got.GetName() != "稿件库", got.GetState() != databasev1.InstanceState_INSTANCE_STATE_RUNNING, got.GetUsername() != "root":
		t.Errorf("name, state and administrator: %v", got)
	case got.GetEngine() != mysql, got.GetEngineVersion() != c.engine.GetVersion(), got.GetMemoryMib() < 600, got.GetVcpus() == 0, got.GetDbFlavorId() == "", got.GetStorageGib() != 5:
		t.Errorf("engine and size: %v", got)
	case got.GetSubnetId() != c.subnet, len(got.GetEndpoints()) != 1, got.GetEndpoints()[0].GetPort() != 3306, !slices.Equal(got.GetAllowedCidrs(), []string{"10.92.0.0/24"}):
		t.Errorf("network: %v", got)
	case got.GetHealth() != databasev1.InstanceHealth_INSTANCE_HEALTH_HEALTHY, got.GetCreatedAt() == nil:
		t.Errorf("health and times: %v", got)
	}
	list := livetest.Must(t, c.Cloud, "list", c.db.ListInstances, &databasev1.ListInstancesRequest{SubnetId: c.subnet}).GetInstances()
	if len(list) != 1 || list[0].GetId() != id || list[0].GetEngineVersion() != c.engine.GetVersion() || list[0].GetStorageGib() != 5 {
		t.Errorf("list: %v", list)
	}
	byID := livetest.Must(t, c.Cloud, "list", c.db.ListInstances, &databasev1.ListInstancesRequest{Ids: []string{nowhere, id}})
	if len(byID.GetInstances()) != 1 || !slices.Equal(byID.GetMissingIds(), []string{nowhere}) {
		t.Errorf("by id: %v", byID)
	}

	livetest.Must(t, c.Cloud, "restart", c.db.RestartInstance, &databasev1.RestartInstanceRequest{Id: id})
	c.until(t, id, databasev1.InstanceState_INSTANCE_STATE_RUNNING)
	livetest.Must(t, c.Cloud, "update", c.db.UpdateInstance, &databasev1.UpdateInstanceRequest{
		Id: id, Name: proto.String("媒资库"), AllowedCidrs: &apiv1.StringList{Values: []string{"10.0.0.0/8", "192.168.0.0/16"}},
	})
	if v := c.until(t, id, databasev1.InstanceState_INSTANCE_STATE_RUNNING); v.GetName() != "媒资库" || !slices.Equal(v.GetAllowedCidrs(), []string{"10.0.0.0/8", "192.168.0.0/16"}) {
		t.Errorf("updated: %v", v)
	}
	livetest.Must(t, c.Cloud, "reset", c.db.ResetInstancePassword, &databasev1.ResetInstancePasswordRequest{Id: id, Password: "Anders-1234"})

	livetest.Must(t, c.Cloud, "delete", c.db.DeleteInstance, &databasev1.DeleteInstanceRequest{Id: id})
	if v := c.get(t, id); v.GetState() != databasev1.InstanceState_INSTANCE_STATE_DELETING {
		t.Errorf("being deleted: %v", v)
	}
	livetest.Eventually(t, "gone", func() bool { return c.gone(t.Context(), id) })
	livetest.Must(t, c.Cloud, "delete again", c.db.DeleteInstance, &databasev1.DeleteInstanceRequest{Id: id})
}

// TestFailedInstanceOfARealCloud: Trove takes a subnet without router, and then fails.
func TestFailedInstanceOfARealCloud(t *testing.T) {
	c := open(t)
	req := c.request(prefix + "failed")
	req.Password = "Geheim-1234"
	id := livetest.Must(t, c.Cloud, "failed", c.db.CreateInstance, req).GetId()
	c.removeAtEnd(t, id)
	got := c.until(t, id, databasev1.InstanceState_INSTANCE_STATE_ERROR)
	if got.GetStateReason() != "RESOURCE_FAILED" || got.GetProviderAttributes()["fault"] == "" || got.GetUsername() != "" {
		t.Errorf("failed: %v", got)
	}
	livetest.Refused(t, c.Cloud, apiv1.Reason_REASON_INVALID_STATE, "", c.db.RestartInstance, &databasev1.RestartInstanceRequest{Id: id})
	livetest.Refused(t, c.Cloud, apiv1.Reason_REASON_INVALID_STATE, "", c.db.ResetInstancePassword,
		&databasev1.ResetInstancePasswordRequest{Id: id, Password: "Anders-1234"})
	resp, err := livetest.Undo(t.Context(), c.Cloud, "failed", sdk.JoinStep("administrator", id), c.db.CreateInstance, req)
	if err != nil || resp.GetState() != databasev1.InstanceState_INSTANCE_STATE_DELETED || !c.gone(t.Context(), id) {
		t.Errorf("undo: %v, %v", resp, err)
	}
}

func TestRefusedInstancesOfARealCloud(t *testing.T) {
	c := open(t)
	for name, tc := range map[string]struct {
		change func(*databasev1.CreateInstanceRequest)
		want   apiv1.Reason
		field  string
	}{
		"version":      {func(r *databasev1.CreateInstanceRequest) { r.EngineVersion = "3.23" }, apiv1.Reason_REASON_PARAMETER_REJECTED, "engine_version"},
		"engine":       {func(r *databasev1.CreateInstanceRequest) { r.Engine = databasev1.EngineType_ENGINE_TYPE_SQLSERVER }, apiv1.Reason_REASON_PARAMETER_REJECTED, "engine_version"},
		"memory":       {func(r *databasev1.CreateInstanceRequest) { r.MemoryMib = 1 << 21 }, apiv1.Reason_REASON_PARAMETER_REJECTED, "memory_mib"},
		"size":         {func(r *databasev1.CreateInstanceRequest) { r.MemoryMib, r.DbFlavorId = 0, "no-such" }, apiv1.Reason_REASON_REFERENCE_NOT_FOUND, "db_flavor_id"},
		"subnet":       {func(r *databasev1.CreateInstanceRequest) { r.SubnetId = nowhere }, apiv1.Reason_REASON_REFERENCE_NOT_FOUND, "subnet_id"},
		"storage type": {func(r *databasev1.CreateInstanceRequest) { r.StorageType = "punched-cards" }, apiv1.Reason_REASON_PARAMETER_REJECTED, "storage_type"},
		"storage":      {func(r *databasev1.CreateInstanceRequest) { r.StorageGib = 65536 }, apiv1.Reason_REASON_QUOTA_EXCEEDED, ""},
		"IPv6":         {func(r *databasev1.CreateInstanceRequest) { r.AllowedCidrs = []string{"2001:db8::/32"} }, apiv1.Reason_REASON_PARAMETER_REJECTED, "allowed_cidrs"},
		"user":         {func(r *databasev1.CreateInstanceRequest) { r.Username, r.Password = "editor", "Geheim-1234" }, apiv1.Reason_REASON_UNSUPPORTED_FEATURE, ""},
		"tags":         {func(r *databasev1.CreateInstanceRequest) { r.Tags = map[string]string{"k": "v"} }, apiv1.Reason_REASON_UNSUPPORTED_FEATURE, ""},
	} {
		t.Run(name, func(t *testing.T) {
			req := c.request(prefix + "refused")
			tc.change(req)
			err := livetest.Refused(t, c.Cloud, tc.want, "", c.db.CreateInstance, req)
			if got := sdk.InfoOf(err)["field"]; got != tc.field {
				t.Errorf("field %q, want %q", got, tc.field)
			}
		})
	}
	livetest.Refused(t, c.Cloud, apiv1.Reason_REASON_NOT_FOUND, "", c.db.RestartInstance, &databasev1.RestartInstanceRequest{Id: nowhere})
	livetest.Refused(t, c.Cloud, apiv1.Reason_REASON_NOT_FOUND, "", c.db.GetInstance, &databasev1.GetInstanceRequest{Id: "../flavors"})
	livetest.Refused(t, c.Cloud, apiv1.Reason_REASON_PAGE_TOKEN_INVALID, "", c.db.ListInstances, &databasev1.ListInstancesRequest{PageToken: "x"})
	left := livetest.Must(t, c.Cloud, "list", c.db.ListInstances, &databasev1.ListInstancesRequest{Name: prefix + "refused"}).GetInstances()
	if len(left) != 0 {
		t.Errorf("refused requests left %v", left)
	}
}

func TestOffersOfARealCloud(t *testing.T) {
	c := open(t)
	engines := databasev1.NewEngineServiceClient(c.Conn)
	all := livetest.Must(t, c.Cloud, "engines", engines.ListEngines, &databasev1.ListEnginesRequest{}).GetEngines()
	kinds := map[databasev1.EngineType]bool{}
	for _, e := range all {
		kinds[e.GetEngine()] = true
	}
	if !kinds[mysql] || len(kinds) < 2 || len(all) <= len(kinds) {
		t.Errorf("engines: %v", all)
	}
	page := livetest.Must(t, c.Cloud, "page", engines.ListEngines, &databasev1.ListEnginesRequest{PageSize: 1})
	if len(page.GetEngines()) != 1 || page.GetNextPageToken() == "" {
		t.Errorf("page: %v", page)
	}
	sizes := databasev1.NewDbFlavorServiceClient(c.Conn)
	everywhere := livetest.Must(t, c.Cloud, "sizes", sizes.ListDbFlavors, &databasev1.ListDbFlavorsRequest{}).GetDbFlavors()
	some := livetest.Must(t, c.Cloud, "sizes", sizes.ListDbFlavors, &databasev1.ListDbFlavorsRequest{Engine: mysql}).GetDbFlavors()
	if len(everywhere) == 0 || len(some) == 0 || len(some) > len(everywhere) || some[0].GetMemoryMib() == 0 {
		t.Errorf("sizes: %v, for MySQL %v", everywhere, some)
	}
	byID := livetest.Must(t, c.Cloud, "sizes", sizes.ListDbFlavors, &databasev1.ListDbFlavorsRequest{Ids: []string{"no-such", some[0].GetId()}})
	if len(byID.GetDbFlavors()) != 1 || !slices.Equal(byID.GetMissingIds(), []string{"no-such"}) {
		t.Errorf("by id: %v", byID)
	}
}
