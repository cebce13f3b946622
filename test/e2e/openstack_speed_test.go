package e2e

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/servers"

	"github.com/yunqiao/yunqiao/test/e2e/harness"
)

// Sizes of the measurements. Without them only the number of calls is checked, on few
// VMs: on a machine that does other work times say nothing.
const (
	envListedVMs = "YUNQIAO_OPENSTACK_LISTED_VMS" // 1000: docs/benchmarks.md
	envMadeVMs   = "YUNQIAO_OPENSTACK_MADE_VMS"   // 50
)

func sizeOf(t *testing.T, env string, few int) (n int, measured bool) {
	t.Helper()
	text := os.Getenv(env)
	if text == "" {
		return few, false
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	return n, true
}

// bare makes VMs without NICs past the gateway, and waits until they run.
func (d *badDay) bare(n int) {
	d.Helper()
	client := *d.own.compute
	client.Microversion = "2.37" // networks: none
	_, flavor, _ := cutID(d.smallFlavor)
	_, image, _ := cutID(d.image)
	for made := 0; made < n; {
		batch := min(n-made, 100)
		_, err := client.Post(d.Context(), client.ServiceURL("servers"), map[string]any{"server": map[string]any{
			"name": d.prefix + "bare", "imageRef": image, "flavorRef": flavor, "networks": "none", "min_count": batch, "max_count": batch,
		}}, nil, &gophercloud.RequestOpts{OkCodes: []int{202}})
		if err != nil {
			d.Fatal(err)
		}
		made += batch
	}
	d.Cleanup(d.removeBare)
	d.untilListed(servers.ListOpts{Name: d.prefix, Status: "ACTIVE"}, n)
}

// untilListed waits for n VMs, and asks the less often the more of them are not there
// yet or not gone: the cloud needs its processors.
func (d *badDay) untilListed(opts servers.ListOpts, n int) {
	d.Helper()
	harness.Eventually(d, 40*time.Minute, fmt.Sprint(n, " VMs are listed"), func() bool {
		missing := n - len(d.mine(opts))
		pause(context.WithoutCancel(d.Context()), time.Duration(max(missing, -missing))*20*time.Millisecond)
		return missing == 0
	})
}

func (d *badDay) mine(opts servers.ListOpts) []servers.Server {
	d.Helper()
	var list []servers.Server
	each(d.T, servers.List(d.own.compute, opts), servers.ExtractServers, func(s servers.Server) { list = append(list, s) })
	return list
}

func (d *badDay) removeBare() {
	ctx := context.WithoutCancel(d.Context())
	var work sync.WaitGroup
	slots := make(chan struct{}, 8)
	for _, s := range d.mine(servers.ListOpts{Name: d.prefix}) {
		slots <- struct{}{}
		work.Go(func() {
			defer func() { <-slots }()
			_ = servers.Delete(ctx, d.own.compute, s.ID).ExtractErr()
		})
	}
	work.Wait()
	d.untilListed(servers.ListOpts{Name: d.prefix}, 0)
}

func cutID(id string) (account, native string, ok bool) {
	for i := range id {
		if id[i] == '.' {
			return id[:i], id[i+1:], true
		}
	}
	return "", id, false
}

// TestOpenStackListCost lists VMs through the gateway and with gophercloud alone, both
// through the proxy that counts.
func TestOpenStackListCost(t *testing.T) {
	n, measured := sizeOf(t, envListedVMs, 60)
	d := newBadDay(t, nil)
	d.chooseParts()
	d.bare(n)
	const page = 500
	alone := proxied(t, d.proxy)
	var direct, through []time.Duration
	var directCalls, throughCalls int
	for round := range 7 {
		began := time.Now()
		directCalls = d.proxy.count(func() {
			listed := 0
			pager := servers.List(alone, servers.ListOpts{Limit: page})
			each(t, pager, servers.ExtractServers, func(servers.Server) { listed++ })
			if listed < n {
				t.Fatalf("gophercloud lists %d of %d VMs", listed, n)
			}
		})
		between := time.Now()
		throughCalls = d.proxy.count(func() {
			if listed := d.list("compute/vm/list", "vms", object{"page_size": page}); len(listed) < n {
				t.Fatalf("the gateway lists %d of %d VMs", len(listed), n)
			}
		})
		if round > 0 { // the first fills caches
			direct, through = append(direct, between.Sub(began)), append(through, time.Since(between))
		}
	}
	ratio := float64(median(through)) / float64(median(direct))
	t.Logf("%d VMs: gophercloud %s with %d calls, gateway %s with %d calls: ratio %.2f",
		n, median(direct).Round(time.Millisecond), directCalls, median(through).Round(time.Millisecond), throughCalls, ratio)
	if most := directCalls + n/page*4 + 4; throughCalls > most {
		t.Errorf("%d calls, want at most %d: a page of servers, and their ports by 150", throughCalls, most)
	}
	if measured && ratio > 1.15 {
		t.Errorf("the ratio is %.2f, the goal 1.15", ratio)
	}
}

// proxied is gophercloud's own client through the proxy.
func proxied(t *testing.T, p *cloudProxy) *gophercloud.ServiceClient {
	t.Helper()
	client := *openOpenStack(t, os.Getenv(envCloudsFile), os.Getenv(envCloud)).compute
	client.Endpoint = p.URL + portPrefix + portCompute + "/v2.1/"
	client.Microversion = "2.90"
	return &client
}

func median(times []time.Duration) time.Duration {
	slices.SortFunc(times, cmp.Compare)
	return times[len(times)/2]
}

// TestOpenStackParallelCreates makes VMs at the same time, with gophercloud alone and
// through the gateway, until all run.
func TestOpenStackParallelCreates(t *testing.T) {
	n, measured := sizeOf(t, envMadeVMs, 6)
	d := newBadDay(t, nil)
	d.site()
	alone := proxied(t, d.proxy)
	_, network, _ := cutID(d.network)
	_, flavor, _ := cutID(d.smallFlavor)
	_, image, _ := cutID(d.image)
	parallel := func(make func(i int)) time.Duration {
		began := time.Now()
		var work sync.WaitGroup
		for i := range n {
			work.Go(func() { make(i) })
		}
		work.Wait()
		return time.Since(began)
	}
	direct := func() time.Duration {
		return parallel(func(i int) {
			s, err := servers.Create(t.Context(), alone, servers.CreateOpts{
				Name: fmt.Sprint(d.prefix, "direct-", i), ImageRef: image, FlavorRef: flavor, Networks: []servers.Network{{UUID: network}},
			}, nil).Extract()
			for err == nil && s.Status != "ACTIVE" {
				pause(t.Context(), time.Second)
				s, err = servers.Get(t.Context(), alone, s.ID).Extract()
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
	through := func() time.Duration {
		return parallel(func(i int) { d.done("compute/vm/create", d.vmBody(fmt.Sprint("through-", i))) })
	}
	rounds := 1
	if measured {
		rounds = 3
	}
	var directs, throughs []time.Duration
	for range rounds {
		directs = append(directs, direct())
		d.removeBare()
		throughs = append(throughs, through())
		d.removeBare()
	}
	added := float64(median(throughs))/float64(median(directs)) - 1
	t.Logf("%d VMs at the same time until all run: gophercloud %s, gateway %s: %+.0f %%",
		n, median(directs).Round(10*time.Millisecond), median(throughs).Round(10*time.Millisecond), 100*added)
	if measured && added > 0.05 {
		t.Errorf("the gateway adds %.0f %%, the goal is below 5 %%", 100*added)
	}
}
