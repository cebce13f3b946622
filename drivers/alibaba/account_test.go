package main

import (
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	computev1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/compute/v1"
	driverv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/driver/v1"
	monitorv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/monitor/v1"
	networkv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/network/v1"
	storagev1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/storage/v1"

	"github.com/yunqiao/yunqiao/drivers/alibaba/sim"
	"github.com/yunqiao/yunqiao/drivers/sdk"
)

func (r *rig) driver() driverv1.DriverServiceClient {
	return driverv1.NewDriverServiceClient(r.process.Conn())
}

// calls are the calls of the cloud that do takes, by action.
func (r *rig) calls(do func() error) map[string]int {
	r.Helper()
	before := r.cloud.Stats().Calls
	r.must(do())
	made := map[string]int{}
	for action, n := range r.cloud.Stats().Calls {
		if n > before[action] {
			made[action] = n - before[action]
		}
	}
	return made
}

// TestListsTakeOneCall shows that no list asks item by item.
func TestListsTakeOneCall(t *testing.T) {
	t.Parallel()
	r := newRig(t, sim.Options{})
	r.mustOpen()
	for _, err := range r.create(r.site(), 12, 1, time.Minute) {
		r.must(err)
	}
	conn, ctx := r.process.Conn(), r.as("list", 1)
	for action, list := range map[string]func() error{
		"Ecs.DescribeInstances": func() error { _, err := r.vms().ListVms(ctx, &computev1.ListVmsRequest{}); return err },
		"Ecs.DescribeDisks": func() error {
			_, err := storagev1.NewDiskServiceClient(conn).ListDisks(ctx, &storagev1.ListDisksRequest{})
			return err
		},
		"Ecs.DescribeSnapshots": func() error {
			_, err := storagev1.NewSnapshotServiceClient(conn).ListSnapshots(ctx, &storagev1.ListSnapshotsRequest{})
			return err
		},
		"Ecs.DescribeImages": func() error {
			_, err := storagev1.NewImageServiceClient(conn).ListImages(ctx, &storagev1.ListImagesRequest{})
			return err
		},
		"Ecs.DescribeKeyPairs": func() error {
			_, err := computev1.NewKeyPairServiceClient(conn).ListKeyPairs(ctx, &computev1.ListKeyPairsRequest{})
			return err
		},
		"Eci.DescribeContainerGroups": func() error {
			_, err := computev1.NewContainerServiceClient(conn).ListContainers(ctx, &computev1.ListContainersRequest{})
			return err
		},
		"Ecs.DescribeNetworkInterfaces": func() error {
			_, err := networkv1.NewNicServiceClient(conn).ListNics(ctx, &networkv1.ListNicsRequest{})
			return err
		},
		"Vpc.DescribeVpcs": func() error {
			_, err := networkv1.NewNetworkServiceClient(conn).ListNetworks(ctx, &networkv1.ListNetworksRequest{})
			return err
		},
	} {
		if diff := cmp.Diff(map[string]int{action: 1}, r.calls(list)); diff != "" {
			t.Errorf("calls (-want +got):\n%s", diff)
		}
	}
	flavors := func() error {
		_, err := computev1.NewFlavorServiceClient(conn).ListFlavors(ctx, &computev1.ListFlavorsRequest{})
		return err
	}
	if made := r.calls(flavors); len(made) > 0 {
		t.Errorf("flavors that are held took %v", made)
	}
}

// TestChangesOutOfTheTrail names what was made, stopped and removed since a cursor.
func TestChangesOutOfTheTrail(t *testing.T) {
	t.Parallel()
	r := newRig(t, sim.Options{})
	r.mustOpen()
	base := r.site()
	begin, err := r.driver().ListChanges(t.Context(), &driverv1.ListChangesRequest{AccountId: accountID, ResourceType: "compute.vm"})
	r.must(err)
	if len(begin.GetChanges()) > 0 || begin.GetNextCursor() == "" {
		t.Fatalf("the beginning is %v", begin)
	}
	for _, err := range r.create(base, 3, 1, time.Minute) {
		r.must(err)
	}
	page, err := r.vms().ListVms(r.as("list", 1), &computev1.ListVmsRequest{})
	r.must(err)
	want := map[string]bool{}
	for _, vm := range page.GetVms() {
		want[vm.GetId()] = true
	}
	removed := page.GetVms()[0].GetId()
	r.eventually(func() bool {
		_, err := r.vms().DeleteVm(r.as("delete", 1), &computev1.DeleteVmRequest{Id: removed})
		got, listErr := r.vms().ListVms(r.as("list", 1), &computev1.ListVmsRequest{})
		return err == nil && listErr == nil && len(got.GetVms()) == 2
	})
	changes, err := r.driver().ListChanges(t.Context(), &driverv1.ListChangesRequest{
		AccountId: accountID, ResourceType: "compute.vm", Cursor: begin.GetNextCursor(),
	})
	r.must(err)
	got := map[string]bool{}
	for _, change := range changes.GetChanges() {
		got[change.GetId()] = true
	}
	if diff := cmp.Diff(slices.Sorted(maps.Keys(want)), slices.Sorted(maps.Keys(got))); diff != "" || changes.GetTotal() != 2 {
		t.Errorf("%d in all; changes (-want +got):\n%s", changes.GetTotal(), diff)
	}
	_, err = r.driver().ListChanges(t.Context(), &driverv1.ListChangesRequest{AccountId: accountID, ResourceType: "compute.vm", Cursor: "x"})
	if reason := sdk.ReasonOf(err); reason != apiv1.Reason_REASON_PARAMETER_REJECTED {
		t.Errorf("another's cursor: %v", err)
	}
}

// TestFiguresAndMoney reads metrics, prices and the bill of the simulated cloud.
func TestFiguresAndMoney(t *testing.T) {
	t.Parallel()
	r := newRig(t, sim.Options{})
	r.mustOpen()
	base := r.site()
	for _, err := range r.create(base, 2, 1, time.Minute) {
		r.must(err)
	}
	metrics, err := monitorv1.NewMetricServiceClient(r.process.Conn()).ListMetrics(r.as("metrics", 1), &monitorv1.ListMetricsRequest{})
	r.must(err)
	if len(metrics.GetVms()) != 2 || len(metrics.GetVms()[0].GetSamples()) != 9 {
		t.Errorf("metrics: %v", metrics)
	}
	price, err := r.driver().QuotePrice(t.Context(), &driverv1.QuotePriceRequest{
		AccountId: accountID, ResourceType: "compute.vm", Spec: map[string]string{"flavor_id": base.GetFlavorId()},
	})
	r.must(err)
	if price.GetListPrice() == "" || price.GetCurrency() != "CNY" || price.GetUnit() != "hour" {
		t.Errorf("price: %v", price)
	}
	for field, spec := range map[string]map[string]string{
		"spec.flavor_id": {"flavor_id": "ecs.no.large"}, "spec.disk_type_id": {"disk_type_id": "cloud_no", "size_gib": "40"},
	} {
		resource := "compute.vm"
		if spec["flavor_id"] == "" {
			resource = "storage.disk"
		}
		_, err := r.driver().QuotePrice(t.Context(), &driverv1.QuotePriceRequest{AccountId: accountID, ResourceType: resource, Spec: spec})
		if sdk.ReasonOf(err) != apiv1.Reason_REASON_PARAMETER_REJECTED || sdk.InfoOf(err)["field"] != field {
			t.Errorf("price of %v: %v of %q, want PARAMETER_REJECTED of %s", spec, err, sdk.InfoOf(err)["field"], field)
		}
	}
	bill, err := r.driver().ListBillLines(t.Context(), &driverv1.ListBillLinesRequest{AccountId: accountID, Period: time.Now().UTC().Add(8 * time.Hour).Format("2006-01")})
	r.must(err)
	ofVMs := map[string]bool{}
	for _, line := range bill.GetLines() {
		if line.GetResourceType() == "compute.vm" && line.GetCost() != "" {
			ofVMs[line.GetResourceId()] = true
		}
	}
	if len(ofVMs) != 2 || bill.GetFinal() {
		t.Errorf("final %v, bill: %v", bill.GetFinal(), bill.GetLines())
	}
	r.cloud.CheckClean(t)
}
