package memcloud

import (
	"slices"
	"testing"

	"google.golang.org/protobuf/proto"

	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	databasev1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/database/v1"
	networkv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/network/v1"
)

func instanceRequest(subnet string) *databasev1.CreateInstanceRequest {
	return &databasev1.CreateInstanceRequest{
		Name: "稿件库", Engine: databasev1.EngineType_ENGINE_TYPE_MYSQL, EngineVersion: "8.0",
		MemoryMib: 2000, StorageGib: 21, SubnetId: subnet, Password: "Aa1-Aa1-Aa1",
	}
}

func TestDatabase(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	ctx := t.Context()
	db := databasev1.NewInstanceServiceClient(r.conn)
	_, subnet := r.newSubnet("10.0.0.0/24")
	id := must[*databasev1.CreateInstanceResponse](t)(db.CreateInstance(ctx, instanceRequest(subnet))).GetId()
	get := func() *databasev1.Instance {
		return must[*databasev1.GetInstanceResponse](t)(db.GetInstance(ctx, &databasev1.GetInstanceRequest{Id: id})).GetInstance()
	}
	refused[*databasev1.DeleteInstanceResponse](r, apiv1.Reason_REASON_RESOURCE_BUSY)(db.DeleteInstance(ctx, &databasev1.DeleteInstanceRequest{Id: id}))
	r.settle()
	got := get()
	if got.GetState() != databasev1.InstanceState_INSTANCE_STATE_RUNNING || got.GetDbFlavorId() != "db1.medium" || got.GetVcpus() != 2 ||
		got.GetMemoryMib() != 4096 || got.GetStorageGib() != 25 || got.GetUsername() != "yqadmin" ||
		!slices.Equal(got.GetAllowedCidrs(), []string{"10.0.0.0/24"}) || got.GetEndpoints()[0].GetPort() != 3306 {
		t.Errorf("instance is %v", got)
	}

	must[*databasev1.RestartInstanceResponse](t)(db.RestartInstance(ctx, &databasev1.RestartInstanceRequest{Id: id}))
	refused[*databasev1.ResetInstancePasswordResponse](r, apiv1.Reason_REASON_RESOURCE_BUSY)(
		db.ResetInstancePassword(ctx, &databasev1.ResetInstancePasswordRequest{Id: id, Password: "Bb2-Bb2-Bb2"}))
	r.settle()
	must[*databasev1.ResetInstancePasswordResponse](t)(db.ResetInstancePassword(ctx, &databasev1.ResetInstancePasswordRequest{Id: id, Password: "Bb2-Bb2-Bb2"}))
	must[*databasev1.UpdateInstanceResponse](t)(db.UpdateInstance(ctx, &databasev1.UpdateInstanceRequest{Id: id, Name: proto.String("媒资库"),
		AllowedCidrs: &apiv1.StringList{Values: []string{"10.0.0.0/28"}}}))
	r.settle()
	if got = get(); got.GetName() != "媒资库" || !slices.Equal(got.GetAllowedCidrs(), []string{"10.0.0.0/28"}) || got.GetState() != databasev1.InstanceState_INSTANCE_STATE_RUNNING {
		t.Errorf("instance is %v", got)
	}

	refused[*networkv1.DeleteSubnetResponse](r, apiv1.Reason_REASON_IN_USE)(r.subnet.DeleteSubnet(ctx, &networkv1.DeleteSubnetRequest{Id: subnet}))
	for range 2 {
		must[*databasev1.DeleteInstanceResponse](t)(db.DeleteInstance(ctx, &databasev1.DeleteInstanceRequest{Id: id}))
		r.settle()
	}
	must[*networkv1.DeleteSubnetResponse](t)(r.subnet.DeleteSubnet(ctx, &networkv1.DeleteSubnetRequest{Id: subnet}))
}

func TestDatabaseRefusals(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	db := databasev1.NewInstanceServiceClient(r.conn)
	_, subnet := r.newSubnet("10.0.0.0/24")
	knobs := DefaultKnobs()
	knobs.Quotas = map[string]int32{"database.instance.storage": 100}
	if err := r.cloud.SetKnobs(knobs); err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		change func(*databasev1.CreateInstanceRequest)
		want   apiv1.Reason
	}{
		"unknown version": {func(q *databasev1.CreateInstanceRequest) { q.EngineVersion = "4.1" }, apiv1.Reason_REASON_PARAMETER_REJECTED},
		"too big":         {func(q *databasev1.CreateInstanceRequest) { q.MemoryMib = 1 << 20 }, apiv1.Reason_REASON_PARAMETER_REJECTED},
		"sold out":        {func(q *databasev1.CreateInstanceRequest) { q.MemoryMib, q.DbFlavorId = 0, "db0.retired" }, apiv1.Reason_REASON_OUT_OF_STOCK},
		"no such size":    {func(q *databasev1.CreateInstanceRequest) { q.MemoryMib, q.DbFlavorId = 0, "db9" }, apiv1.Reason_REASON_REFERENCE_NOT_FOUND},
		"no such storage": {func(q *databasev1.CreateInstanceRequest) { q.StorageType = "tape" }, apiv1.Reason_REASON_PARAMETER_REJECTED},
		"no such subnet":  {func(q *databasev1.CreateInstanceRequest) { q.SubnetId = "sub-no" }, apiv1.Reason_REASON_REFERENCE_NOT_FOUND},
		"quota":           {func(q *databasev1.CreateInstanceRequest) { q.StorageGib = 101 }, apiv1.Reason_REASON_QUOTA_EXCEEDED},
	} {
		req := instanceRequest(subnet)
		tc.change(req)
		t.Run(name, func(t *testing.T) {
			refused[*databasev1.CreateInstanceResponse](r, tc.want)(db.CreateInstance(t.Context(), req))
		})
	}
}

func TestDatabaseCatalog(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	engines := must[*databasev1.ListEnginesResponse](t)(databasev1.NewEngineServiceClient(r.conn).ListEngines(t.Context(),
		&databasev1.ListEnginesRequest{Engine: databasev1.EngineType_ENGINE_TYPE_MYSQL})).GetEngines()
	if len(engines) != 2 || !engines[1].GetIsDefault() {
		t.Errorf("engines are %v", engines)
	}
	sizes := must[*databasev1.ListDbFlavorsResponse](t)(databasev1.NewDbFlavorServiceClient(r.conn).ListDbFlavors(t.Context(),
		&databasev1.ListDbFlavorsRequest{ZoneId: secondZone})).GetDbFlavors()
	if len(sizes) != 5 {
		t.Errorf("sizes are %v", sizes)
	}
}
