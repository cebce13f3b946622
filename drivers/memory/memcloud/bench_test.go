package memcloud

import (
	"testing"

	"google.golang.org/protobuf/proto"

	computev1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/compute/v1"
	networkv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/network/v1"
)

// benchCloud has one subnet with 200 running VMs in project p.
func benchCloud(b *testing.B) (*Cloud, string) {
	b.Helper()
	clock := newClock()
	cloud, err := Open(Options{Now: clock.now})
	if err != nil {
		b.Fatal(err)
	}
	call := func(method string, req proto.Message) proto.Message {
		answer, err := cloud.Call(b.Context(), Caller{Project: "p"}, method, req)
		if err != nil {
			b.Fatal(err)
		}
		clock.pass(networkDelay)
		return answer
	}
	network := call(networkv1.NetworkService_CreateNetwork_FullMethodName, &networkv1.CreateNetworkRequest{Name: "n"}).(*networkv1.CreateNetworkResponse)
	subnet := call(networkv1.SubnetService_CreateSubnet_FullMethodName, &networkv1.CreateSubnetRequest{Name: "s", NetworkId: network.GetId(), Cidr: "10.0.0.0/16"}).(*networkv1.CreateSubnetResponse)
	id := ""
	for range 200 {
		id = call(computev1.VmService_CreateVm_FullMethodName, vmRequest(subnet.GetId())).(*computev1.CreateVmResponse).GetId()
	}
	clock.pass(vmCreateDelay)
	return cloud, id
}

func BenchmarkGetVm(b *testing.B) {
	cloud, id := benchCloud(b)
	req := &computev1.GetVmRequest{Id: id}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := cloud.Call(b.Context(), Caller{Project: "p"}, computev1.VmService_GetVm_FullMethodName, req); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkListVms100(b *testing.B) {
	cloud, _ := benchCloud(b)
	req := &computev1.ListVmsRequest{PageSize: 100}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := cloud.Call(b.Context(), Caller{Project: "p"}, computev1.VmService_ListVms_FullMethodName, req); err != nil {
			b.Fatal(err)
		}
	}
}
