package e2e

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

const (
	envSoak = "YUNQIAO_SOAK"
	envSeed = "YUNQIAO_SEED"
)

// slowly makes calls last long enough to be interrupted before and after they
// take effect.
var slowly = object{
	"state_delay_scale": 0.2,
	"latency":           []object{{"method": "*/Create*", "before_ms": 150, "after_ms": 150}, {"method": "*/Delete*", "before_ms": 20, "after_ms": 20}},
}

// TestKillDriver kills the driver with 20 creates in flight.
func TestKillDriver(t *testing.T) {
	t.Parallel()
	for _, mode := range memoryModes {
		t.Run(mode.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, mode, slowly)
			place := newSite(t, r.gateway, r.account)
			l := &ledger{t: t, client: r.gateway.Client, account: r.account}
			var clients sync.WaitGroup
			for i := range 20 {
				clients.Go(func() {
					name := fmt.Sprintf("vm-%d", i)
					l.do("compute/vm/create", name, place.vm(r.account, name))
				})
			}
			time.Sleep(200 * time.Millisecond) // some have taken effect by now, some not, none is answered
			r.gateway.KillDriver(t, "memory")
			clients.Wait()
			if len(l.writes) != 20 {
				t.Fatalf("%d of 20 creates were answered", len(l.writes))
			}
			r.finish(t, l)
		})
	}
	if os.Getenv(envSoak) != "" {
		t.Run("openstack", killOpenStackDriver)
	}
}

// TestKillGateway kills the gateway at random moments while clients write.
func TestKillGateway(t *testing.T) {
	t.Parallel()
	kills := 2
	if os.Getenv(envSoak) != "" {
		kills = 20
	}
	seed := seedOf(t)
	for i, mode := range memoryModes {
		t.Run(mode.name, func(t *testing.T) {
			t.Parallel()
			random := rand.New(rand.NewPCG(seed, uint64(i)))
			r := newRig(t, mode, slowly)
			l := &ledger{t: t, client: r.gateway.Client, account: r.account}
			place := newSite(t, r.gateway, r.account)
			var stop atomic.Bool
			var clients sync.WaitGroup
			for c := range 6 {
				own := rand.New(rand.NewPCG(seed, uint64(100*i+c+1)))
				clients.Go(func() {
					for n := 0; !stop.Load() && !t.Failed(); n++ {
						writeSomething(l, place, own, fmt.Sprintf("c%d-%d", c, n))
					}
				})
			}
			for range kills {
				moment := time.Duration(random.Int64N(int64(2 * time.Second)))
				time.Sleep(moment)
				r.gateway.Kill()
				r.gateway.ExpectNoDrivers(t)
				r.gateway.Launch(t)
				t.Logf("killed after %s", moment.Round(time.Millisecond))
			}
			// Once more in order: nothing may be lost then either.
			r.gateway.Stop(t)
			r.gateway.ExpectNoDrivers(t)
			r.gateway.Launch(t)
			stop.Store(true)
			clients.Wait()
			r.finish(t, l)
		})
	}
}

// seedOf is the seed of another run, or a fresh one; printed to be repeated.
func seedOf(t *testing.T) uint64 {
	seed := uint64(time.Now().UnixNano())
	if text := os.Getenv(envSeed); text != "" {
		var err error
		if seed, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatalf("%s: %v", envSeed, err)
		}
	}
	t.Logf("%s=%d repeats the moments of this run", envSeed, seed)
	return seed
}

// writeSomething makes one resource of a random kind, and deletes some again.
func writeSomething(l *ledger, place site, random *rand.Rand, name string) {
	var w *write
	switch random.IntN(5) {
	case 0:
		w = l.do("compute/vm/create", name, place.vm(l.account, name))
		if w != nil && random.IntN(2) == 0 {
			l.resize(w, l.account+".m1.small")
		}
	case 1:
		w = l.do("storage/disk/create", name, object{"account_id": l.account, "name": name + "-disk", "size_gib": 1})
	case 2: // a chain that the gateway runs
		l.do("network/network/create", name, object{
			"account_id": l.account, "name": name + "-net",
			"subnets": []object{{"name": name + "-a", "cidr": "10.1.0.0/24"}, {"name": name + "-b", "cidr": "10.2.0.0/24"}},
		})
	case 3:
		l.do("network/security-group/create", name, object{
			"account_id": l.account, "name": name + "-group",
			"rules": []object{
				{"direction": "DIRECTION_INGRESS", "protocol": "SECURITY_GROUP_PROTOCOL_TCP", "ports": object{"first": 22, "last": 22}, "remote_cidr": "10.0.0.0/8"},
				{"direction": "DIRECTION_INGRESS", "protocol": "SECURITY_GROUP_PROTOCOL_ICMP", "remote_cidr": "10.0.0.0/8"},
			},
		})
	default:
		w = l.do("network/public-ip/create", name, object{"account_id": l.account, "name": name + "-ip"})
	}
	if w != nil && random.IntN(3) == 0 {
		l.remove(w)
	}
}
