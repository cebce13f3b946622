package sim

import (
	"fmt"
	"sync"

	"github.com/yunqiao/yunqiao/drivers/alibaba/definitions"
)

// Sim is a simulated Alibaba Cloud. It is an http.Handler, safe for concurrent use.
type Sim struct {
	opts     Options
	defs     *definitions.Set
	handlers map[string]actions // by product

	mu     sync.Mutex
	w      *world
	faults Faults
}

// uidDigits is the length of an account's UID.
const uidDigits = 16

// New makes an empty cloud. It fails if a handler is for an action that the
// definitions do not have.
func New(opts Options) (*Sim, error) {
	for _, a := range opts.Accounts {
		if len(a.UID) != uidDigits {
			return nil, fmt.Errorf("account %s: a UID has %d digits", a.UID, uidDigits)
		}
	}
	defs, err := definitions.Load()
	if err != nil {
		return nil, err
	}
	opts = opts.withDefaults()
	if wrong := opts.Faults.check(); wrong != "" {
		return nil, fmt.Errorf("faults: %s", wrong)
	}
	s := &Sim{opts: opts, defs: defs, handlers: products(), faults: opts.Faults, w: newWorld(opts)}
	for _, p := range defs.Products() {
		for name := range s.handlers[p.Name] {
			if p.Actions[name] == nil {
				return nil, fmt.Errorf("no action %s.%s in the definitions", p.Name, name)
			}
		}
	}
	return s, nil
}

// Accounts are those that the cloud began with.
func (s *Sim) Accounts() []Account { return s.opts.Accounts }

// Regions are those of the cloud, the first being the default.
func (s *Sim) Regions() []string { return s.opts.Regions }

// Actions lists what is simulated, as Product.Action.
func (s *Sim) Actions() []string {
	var out []string
	for product, handlers := range s.handlers {
		for name := range handlers {
			out = append(out, product+"."+name)
		}
	}
	return out
}

// SetFaults replaces how the cloud misbehaves.
func (s *Sim) SetFaults(f Faults) error {
	if wrong := f.check(); wrong != "" {
		return fmt.Errorf("faults: %s", wrong)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = f.withDefaults()
	clear(s.w.buckets)
	return nil
}

// Reset empties the cloud and ends its faults.
func (s *Sim) Reset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.w = newWorld(s.opts)
	s.faults = s.opts.Faults
}

// Stats counts calls by action, and what was noticed: answers that did not fit their
// schema, error codes that the definitions do not publish for the action, parameters
// that they do not have, actions that are not simulated.
type Stats struct {
	Calls map[string]int `json:"calls"`
	Notes map[string]int `json:"notes"`
}

// Stats copies the counts.
func (s *Sim) Stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := Stats{map[string]int{}, map[string]int{}}
	for name, n := range s.w.counts {
		out.Calls[name] = n
	}
	for name, n := range s.w.notes {
		out.Notes[name] = n
	}
	return out
}

func (s *Sim) note(what, detail string) { s.w.notes[what+": "+detail]++ }

// products are all handlers.
func products() map[string]actions {
	return map[string]actions{
		"Actiontrail":     trailActions(),
		"Alb":             albActions(),
		"BssOpenApi":      bssActions(),
		"Cloudfw":         bought("cloudfw", "not buy user", join(cloudfwPolicies(), cloudfwBorders())),
		"Cms":             join(cmsMetrics(), cmsAlarms()),
		"Eci":             join(eciGroups(), tagActions("UntagResources")),
		"Ecs":             ecsActions(),
		"Location":        {"DescribeEndpoints": describeEndpoints},
		"Nlb":             nlbActions(),
		"Ram":             join(ramUsers(), ramPolicies()),
		"Rds":             join(rdsInstances(), rdsParts(), tagActions("UntagResources")),
		"ResourceManager": resourceGroups(),
		"Sas":             sasActions(),
		"Slb":             join(slbBalancers(), slbListeners(), slbServers(), tagActions("UntagResources")),
		"Sts":             stsActions(),
		"Tag":             tagProduct(),
		"Vpc":             vpcActions(),
		"waf-openapi":     join(wafDomains(), wafRules(), tagActions("UntagResources")),
	}
}

func ecsActions() actions {
	return join(ecsRegions(), ecsImages(), ecsInstances(), ecsInstanceOps(), ecsDisks(), ecsSnapshots(), ecsGroups(), ecsInterfaces(),
		ecsEvents(), ecsKeyPairs(), ecsPrices(), tagActions("UntagResources"))
}

func vpcActions() actions {
	return join(vpcNetworks(), vpcSwitches(), vpcRoutes(), vpcAddresses(), vpcNat(), vpcAcls(), vpnGateways(), vpnConnections(),
		tagActions("UnTagResources"))
}

func join(parts ...actions) actions {
	all := actions{}
	for _, part := range parts {
		for name, h := range part {
			all[name] = h
		}
	}
	return all
}
