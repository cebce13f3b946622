package pricing_test

import (
	"testing"
	"time"

	"github.com/yunqiao/yunqiao/billing/pricing"
)

func day(d int) time.Time { return time.Date(2026, 11, d, 0, 0, 0, 0, shanghai) }

func TestTheVersionInForce(t *testing.T) {
	version := func(id string, v int32, from int, ended bool) pricing.Price {
		return pricing.Price{ID: id, Version: v, ResourceType: "compute.vm", Meter: "vcpus", Charge: pricing.Postpaid, Effective: day(from), Ended: ended}
	}
	for name, tc := range map[string]struct {
		versions []pricing.Price
		want     map[int]int32 // version in force by day; 0: none
	}{
		"one":                       {[]pricing.Price{version("a", 1, 5, false)}, map[int]int32{4: 0, 5: 1, 20: 1}},
		"change in mid month":       {[]pricing.Price{version("a", 1, 1, false), version("a", 2, 16, false)}, map[int]int32{15: 1, 16: 2}},
		"end leaves a gap":          {[]pricing.Price{version("a", 1, 1, false), version("a", 2, 10, true), version("a", 3, 20, false)}, map[int]int32{9: 1, 10: 0, 19: 0, 20: 3}},
		"newer from an earlier day": {[]pricing.Price{version("a", 1, 1, false), version("a", 2, 20, false), version("a", 3, 10, false)}, map[int]int32{9: 1, 10: 3, 25: 3}},
		"same day":                  {[]pricing.Price{version("a", 1, 1, false), version("a", 2, 1, false)}, map[int]int32{1: 2}},
	} {
		t.Run(name, func(t *testing.T) {
			c := pricing.NewCatalogue(tc.versions, nil)
			for at, want := range tc.want {
				got := int32(0)
				for _, p := range c.For(nil, &pricing.Usage{ResourceType: "compute.vm"}, pricing.Postpaid, day(at)) {
					got = p.Version
				}
				if got != want {
					t.Errorf("day %d: got version %d, want %d", at, got, want)
				}
			}
		})
	}
}

func TestWhatSaysMostWins(t *testing.T) {
	base := pricing.Price{Version: 1, ResourceType: "compute.vm", Meter: "instance", Charge: pricing.Postpaid, Effective: day(1)}
	with := func(id string, edit func(p *pricing.Price)) pricing.Price {
		p := base
		p.ID = id
		edit(&p)
		return p
	}
	prices := []pricing.Price{
		with("general", func(*pricing.Price) {}),
		with("flavor", func(p *pricing.Price) { p.Match = map[string]string{"flavor_id": "m1"} }),
		with("running", func(p *pricing.Price) { p.States = []string{"RUNNING"} }),
		with("region", func(p *pricing.Price) { p.Region = "bj" }),
		with("contract", func(p *pricing.Price) { p.OrganizationID = "cctv" }),
	}
	c := pricing.NewCatalogue(prices, nil)
	for want, u := range map[string]pricing.Usage{
		"general":  {State: "STOPPED"},
		"flavor":   {State: "STOPPED", Spec: map[string]string{"flavor_id": "m1"}},
		"running":  {State: "RUNNING", Spec: map[string]string{"flavor_id": "m1"}},
		"region":   {State: "RUNNING", Region: "bj"},
		"contract": {State: "RUNNING", Region: "bj", OrganizationID: "cctv"},
	} {
		u.ResourceType = "compute.vm"
		got := c.For(nil, &u, pricing.Postpaid, day(2))
		if len(got) != 1 || got[0].ID != want {
			t.Errorf("%+v: got %v, want %s", u, got, want)
		}
	}
}
