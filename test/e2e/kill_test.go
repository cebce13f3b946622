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

	"github.com/yunqiao/yunqiao/test/e2e/harness"
)

const (
	envSoak = "YUNQIAO_SOAK"
	envSeed = "YUNQIAO_SEED"
)

// slowly makes calls last long enough to be interrupted before and after they
// take effect, and VMs be made in several of them.
var slowly = object{
	"state_delay_scale": 0.2, "stepwise_vms": true,
	"latency": []object{{"method": "*/Create*", "before_ms": 80, "after_ms": 80}, {"method": "*/Delete*", "before_ms": 20, "after_ms": 20}},
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

// kills are those of one run of TestKills: with YUNQIAO_SOAK all that are asked for,
// else a tenth.
func kills() int {
	if os.Getenv(envSoak) != "" {
		return 1002
	}
	return 102
}

// TestKills kills the gateway or its driver at random moments while clients write, on
// every kind of memcloud and on both databases.
func TestKills(t *testing.T) {
	t.Parallel()
	seed := seedOf(t)
	stores := []string{"sqlite", "postgres"}
	for i, mode := range memoryModes {
		for j, store := range stores {
			t.Run(mode.name+" on "+store, func(t *testing.T) {
				t.Parallel()
				killAtRandom(t, mode, store, seed+uint64(10*i+j), kills()/len(memoryModes)/len(stores))
			})
		}
	}
}

// leaseTime is how long a replica that is silent keeps its operations.
const leaseTime = 16 * time.Second

func killAtRandom(t *testing.T, mode memoryMode, store string, seed uint64, kills int) {
	t.Helper()
	random := rand.New(rand.NewPCG(seed, 0))
	r := newRigOn(t, harness.Setup{Store: store, Config: object{"reconcile": object{"interval": "2s"}}}, mode, slowly)
	l := &ledger{t: t, client: r.gateway.Client, account: r.account}
	place := newSite(t, r.gateway, r.account)
	var stop atomic.Bool
	var clients sync.WaitGroup
	for c := range 4 {
		own := rand.New(rand.NewPCG(seed, uint64(c+1)))
		clients.Go(func() {
			for n := 0; !stop.Load() && !t.Failed(); n++ {
				writeSomething(l, place, own, fmt.Sprintf("c%d-%d", c, n))
			}
		})
	}
	var gateways, drivers int
	begin := time.Now()
	for n := range kills {
		moment := time.Duration(random.Int64N(int64(800 * time.Millisecond)))
		if store == "postgres" && n%10 == 9 {
			moment += leaseTime // now and then what a killed replica has left is taken up by the next
		}
		time.Sleep(moment)
		if random.IntN(2) == 0 && len(r.gateway.Drivers("memory")) > 0 {
			drivers++
			r.gateway.KillDriver(t, "memory")
			continue
		}
		gateways++
		r.gateway.Kill()
		r.gateway.ExpectNoDrivers(t)
		r.gateway.Launch(t)
	}
	t.Logf("killed %d gateways and %d drivers in %s", gateways, drivers, time.Since(begin).Round(time.Second))
	// Once more in order: nothing may be lost then either.
	r.gateway.Stop(t)
	r.gateway.ExpectNoDrivers(t)
	r.gateway.Launch(t)
	stop.Store(true)
	clients.Wait()
	r.finish(t, l)
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
		w = l.do("compute/vm/create", name, place.sevenStepVM(l.account, name))
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
		w = l.do("network/security-group/create", name, object{
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
