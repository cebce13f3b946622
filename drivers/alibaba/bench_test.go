package main

import (
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	classic "github.com/aliyun/alibaba-cloud-sdk-go/sdk"
	"github.com/aliyun/alibaba-cloud-sdk-go/sdk/auth/credentials"
	"github.com/aliyun/alibaba-cloud-sdk-go/sdk/requests"
	"github.com/aliyun/alibaba-cloud-sdk-go/services/ecs"

	computev1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/compute/v1"
	driverv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/driver/v1"

	"github.com/yunqiao/yunqiao/drivers/alibaba/api"
	"github.com/yunqiao/yunqiao/drivers/alibaba/session"
	"github.com/yunqiao/yunqiao/drivers/alibaba/sim"
	"github.com/yunqiao/yunqiao/drivers/alibaba/sim/simtest"
	"github.com/yunqiao/yunqiao/drivers/sdk"
	"github.com/yunqiao/yunqiao/drivers/sdk/sdktest"
)

const thousand = 1000

// BenchmarkList1000 lists a thousand instances in ten pages, in turn with the classic
// SDK's typed client and through the driver over gRPC, on one simulated cloud. The
// figure is what the driver adds: the median of driver/sdk of each turn.
func BenchmarkList1000(b *testing.B) {
	cloud := simtest.Start(b, sim.Options{})
	options, secrets := settings(cloud)
	s, err := session.Open(b.Context(), options, secrets, session.Options{})
	if err != nil {
		b.Fatal(err)
	}
	fill(b, s)
	typed := typedClient(b, cloud)
	vms := driverClient(b, options, secrets)
	var alone, through, ratio []float64
	took := func(list func()) float64 {
		begin := time.Now()
		list()
		return float64(time.Since(begin).Microseconds())
	}
	for turn := 0; b.Loop(); turn++ {
		byDriver := 0.0
		if turn%2 == 1 { // they take turns to be first
			byDriver = took(func() { listDriver(b, vms) })
		}
		bySDK := took(func() { listTyped(b, typed) })
		if turn%2 == 0 {
			byDriver = took(func() { listDriver(b, vms) })
		}
		alone, through, ratio = append(alone, bySDK), append(through, byDriver), append(ratio, byDriver/bySDK)
	}
	b.ReportMetric(median(ratio), "driver/sdk")
	b.ReportMetric(median(alone), "sdk-µs")
	b.ReportMetric(median(through), "driver-µs")
}

func median(of []float64) float64 {
	slices.Sort(of)
	return of[len(of)/2]
}

// fill makes a thousand instances.
func fill(b *testing.B, s *session.Session) {
	b.Helper()
	must := func(action string, product api.Product, params api.Params, out any) {
		b.Helper()
		if err := s.Call(b.Context(), product, action, params, out); err != nil {
			b.Fatal(err)
		}
	}
	var vpc struct{ VpcId string }
	must("CreateVpc", api.VPC, api.Params{}.Set("CidrBlock", "10.0.0.0/8"), &vpc)
	pause(b)
	var zones struct {
		Zones struct{ Zone []struct{ ZoneId string } }
	}
	must("DescribeZones", api.ECS, api.Params{}, &zones)
	var subnet struct{ VSwitchId string }
	must("CreateVSwitch", api.VPC, api.Params{}.Set("VpcId", vpc.VpcId).Set("CidrBlock", "10.0.0.0/16").Set("ZoneId", zones.Zones.Zone[0].ZoneId), &subnet)
	pause(b)
	var group struct{ SecurityGroupId string }
	must("CreateSecurityGroup", api.ECS, api.Params{}.Set("VpcId", vpc.VpcId), &group)
	var images struct {
		Images struct{ Image []struct{ ImageId string } }
	}
	must("DescribeImages", api.ECS, api.Params{}, &images)
	for i := range thousand / 100 {
		must("RunInstances", api.ECS, api.Params{}.Int("Amount", 100).Set("InstanceType", "ecs.g7.large").Set("VSwitchId", subnet.VSwitchId).
			Set("SecurityGroupId", group.SecurityGroupId).Set("ImageId", images.Images.Image[0].ImageId).Set("ClientToken", fmt.Sprint("fill-", i)), nil)
	}
	pause(b)
}

// pause is longer than the simulated cloud takes to change a state.
func pause(b *testing.B) {
	b.Helper()
	select {
	case <-time.After(200 * time.Millisecond):
	case <-b.Context().Done():
		b.Fatal(b.Context().Err())
	}
}

func typedClient(b *testing.B, cloud *simtest.Cloud) *ecs.Client {
	b.Helper()
	client, err := ecs.NewClientWithOptions(cloud.Region, classic.NewConfig().WithScheme("http"), &credentials.AccessKeyCredential{
		AccessKeyId: cloud.Account.AccessKeyID, AccessKeySecret: cloud.Account.AccessKeySecret,
	})
	if err != nil {
		b.Fatal(err)
	}
	client.Domain = strings.TrimPrefix(cloud.URL, "http://")
	return client
}

func listTyped(b *testing.B, client *ecs.Client) {
	b.Helper()
	found := 0
	for token, first := "", true; first || token != ""; first = false {
		req := ecs.CreateDescribeInstancesRequest()
		req.MaxResults, req.NextToken = requests.Integer(strconv.Itoa(100)), token
		resp, err := client.DescribeInstances(req)
		if err != nil {
			b.Fatal(err)
		}
		found += len(resp.Instances.Instance)
		token = resp.NextToken
	}
	if found != thousand {
		b.Fatalf("%d instances", found)
	}
}

func driverClient(b *testing.B, options, secrets map[string]string) computev1.VmServiceClient {
	b.Helper()
	d := newDriver(slog.New(slog.DiscardHandler))
	if _, err := d.OpenAccount(b.Context(), &driverv1.OpenAccountRequest{AccountId: accountID, Settings: options, Credentials: secrets}); err != nil {
		b.Fatal(err)
	}
	return computev1.NewVmServiceClient(sdktest.Serve(b, d))
}

func listDriver(b *testing.B, vms computev1.VmServiceClient) {
	b.Helper()
	ctx := sdk.WithCall(b.Context(), sdk.Call{RequestID: "bench", AccountID: accountID})
	found := 0
	for token, first := "", true; first || token != ""; first = false {
		resp, err := vms.ListVms(ctx, &computev1.ListVmsRequest{PageSize: 100, PageToken: token})
		if err != nil {
			b.Fatal(err)
		}
		found += len(resp.GetVms())
		token = resp.GetNextPageToken()
	}
	if found != thousand {
		b.Fatalf("%d VMs", found)
	}
}
