package loadbalancer_test

import (
	"fmt"
	"slices"
	"testing"

	networkv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/network/v1"

	"github.com/yunqiao/yunqiao/drivers/alibaba/calltest"
	"github.com/yunqiao/yunqiao/drivers/alibaba/loadbalancer"
)

// TestPagesGoThroughAllProducts: a list shows the VIPs of all products once each,
// whatever its pages, and ids are asked of their own products only.
func TestPagesGoThroughAllProducts(t *testing.T) {
	t.Parallel()
	zonal := `{"LoadBalancers":[{"LoadBalancerId":"alb-1"},{"LoadBalancerId":"alb-2"}],"NextToken":"more"}`
	answers := params{
		"DescribeLoadBalancers":            `{"TotalCount":2,"LoadBalancers":{"LoadBalancer":[{"LoadBalancerId":"lb-1"},{"LoadBalancerId":"lb-2"}]}}`,
		"ListLoadBalancers":                zonal,
		"ListLoadBalancers NextToken=more": `{"LoadBalancers":[{"LoadBalancerId":"alb-3"}]}`,
	}
	want := []string{"lb-1", "lb-2", "alb-1", "alb-2", "alb-3", "alb-1", "alb-2", "alb-3"} // the test's NLB answers as ALB does
	for _, size := range []int32{1, 2, 3, 5, 500} {
		cloud := calltest.Open(t, loadbalancer.Register, answers)
		var got []string
		token := ""
		for range 20 {
			page, err := client(cloud.Conn).ListVips(calltest.Context(t), &networkv1.ListVipsRequest{PageSize: size, PageToken: token})
			if err != nil {
				t.Fatal(err)
			}
			for _, v := range page.GetVips() {
				got = append(got, v.GetId())
			}
			if token = page.GetNextPageToken(); token == "" {
				break
			}
		}
		if !slices.Equal(got, want) || token != "" {
			t.Errorf("pages of %d: %v, token %q", size, got, token)
		}
	}
	cloud := calltest.Open(t, loadbalancer.Register, params{"ListLoadBalancers": `{"LoadBalancers":[{"LoadBalancerId":"nlb-1"}]}`})
	page, err := client(cloud.Conn).ListVips(calltest.Context(t), &networkv1.ListVipsRequest{Ids: []string{"nlb-2", "nlb-1"}})
	if err != nil || fmt.Sprint(cloud.Actions(), page.GetMissingIds(), page.GetVips()[0].GetId()) != "[ListLoadBalancers] [nlb-2]nlb-1" {
		t.Errorf("by ids: %v, %v, missing %v, %v", err, cloud.Actions(), page.GetMissingIds(), page.GetVips())
	}
	if _, err := client(cloud.Conn).ListVips(calltest.Context(t), &networkv1.ListVipsRequest{PageToken: "7:x"}); err == nil {
		t.Error("a token of no product is taken")
	}
}
