package sim_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/yunqiao/yunqiao/drivers/alibaba/sim"
)

// BenchmarkDescribeInstances lists 100 of 1,000 instances, which is one page.
func BenchmarkDescribeInstances(b *testing.B) {
	t := &testing.T{}
	c := &client{t: t, clock: &atomic.Int64{}, key: sim.DefaultAccount().AccessKeyID, sec: sim.DefaultAccount().AccessKeySecret}
	c.clock.Store(time.Now().UnixMilli())
	cloud, err := sim.New(sim.Options{Now: c.now})
	if err != nil {
		b.Fatal(err)
	}
	serve := func(product, action string, in values) *httptest.ResponseRecorder {
		form := url.Values{}
		for name, v := range c.sign(http.MethodPost, product, action, in) {
			form.Set(name, v)
		}
		r := httptest.NewRequestWithContext(b.Context(), http.MethodPost, "/", strings.NewReader(form.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		w := httptest.NewRecorder()
		cloud.ServeHTTP(w, r)
		return w
	}
	made := func(product, action, member string, in values) string {
		w := serve(product, action, in)
		_, rest, _ := strings.Cut(w.Body.String(), `"`+member+`":"`)
		id, _, _ := strings.Cut(rest, `"`)
		if w.Code != http.StatusOK || id == "" {
			b.Fatalf("%s: %s", action, w.Body)
		}
		return id
	}
	wait := func(product, action string, in values) {
		for !strings.Contains(serve(product, action, in).Body.String(), `"Status":"Available"`) {
			c.wait(time.Second)
		}
	}
	vpc := made("vpc", "CreateVpc", "VpcId", values{"CidrBlock": "10.0.0.0/8"})
	wait("vpc", "DescribeVpcs", values{"VpcId": vpc})
	vswitch := made("vpc", "CreateVSwitch", "VSwitchId", values{"VpcId": vpc, "CidrBlock": "10.0.0.0/16", "ZoneId": "cn-hangzhou-h"})
	wait("vpc", "DescribeVSwitches", values{"VSwitchId": vswitch})
	group := made("ecs", "CreateSecurityGroup", "SecurityGroupId", values{"VpcId": vpc})
	for range 10 {
		serve("ecs", "RunInstances", values{"ImageId": image, "InstanceType": "ecs.g7.large", "VSwitchId": vswitch, "SecurityGroupId": group, "Amount": 100})
	}
	b.ResetTimer()
	for b.Loop() {
		if w := serve("ecs", "DescribeInstances", values{"MaxResults": 100}); w.Code != http.StatusOK {
			b.Fatal(w.Body)
		}
	}
}
