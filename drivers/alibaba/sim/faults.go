package sim

import (
	"path"
	"time"
)

// Faults is how the cloud misbehaves on purpose, and how fast it is. It is read and
// replaced at /sim/faults.
type Faults struct {
	DelayMS   int            `json:"delay_ms"`    // how long a state change takes; default 20
	Rates     map[string]int `json:"rates"`       // calls a second and account by action pattern; none by default
	Quotas    map[string]int `json:"quotas"`      // resources an account and region by kind; see doc.go
	SoldOut   []string       `json:"sold_out"`    // instance types, disk categories or zones without stock
	TakenBack []string       `json:"taken_back"`  // instance types that are accepted, and released again because they cannot be made
	Arrears   []string       `json:"arrears"`     // UIDs of accounts that owe money
	Tokens    int            `json:"sts_seconds"` // length of sessions whatever is asked for; 0: as asked
	Unsold    []string       `json:"unsold"`      // services that nobody has bought: waf, cloudfw
	Rules     []Rule         `json:"rules"`       // the first that applies wins
}

// Rule is one fault. Counting starts when it is set.
type Rule struct {
	Action string `json:"action"` // pattern of path.Match over Product.Action: Ecs.RunInstances, Vpc.*, *
	Skip   int    `json:"skip"`   // calls to let through first
	Times  int    `json:"times"`  // calls to hit then; 0: all
	Every  int    `json:"every"`  // hit only each n-th call; 0 and 1: each
	Effect string `json:"effect"` // one of the Effect constants
	Code   string `json:"code"`   // of EffectError
	Status int    `json:"status"` // of EffectError; default: the published one, else 400
	WaitMS int    `json:"wait_ms"`

	seen int
}

// Effects of rules. A wait of any rule comes first.
const (
	EffectError = "error"       // refuse with the code, nothing is done
	EffectDrop  = "drop"        // cut the connection, nothing is done
	EffectLose  = "lose_answer" // do it, then cut the connection
	EffectWait  = "wait"        // only wait
)

const defaultDelayMS = 20

func (f Faults) withDefaults() Faults {
	if f.DelayMS == 0 {
		f.DelayMS = defaultDelayMS
	}
	return f
}

func (f *Faults) delay() time.Duration { return time.Duration(f.DelayMS) * time.Millisecond }

// check says what is wrong with the rules, empty if nothing.
func (f *Faults) check() string {
	for _, r := range f.Rules {
		if _, err := path.Match(r.Action, ""); err != nil {
			return "bad pattern " + r.Action
		}
		switch r.Effect {
		case EffectError, EffectDrop, EffectLose, EffectWait:
		default:
			return "unknown effect " + r.Effect
		}
		if r.Effect == EffectError && r.Code == "" {
			return "an error needs a code"
		}
	}
	return ""
}

// hit finds the rule that applies to a call, nil if none, and counts.
func (f *Faults) hit(action string) *Rule {
	for i := range f.Rules {
		r := &f.Rules[i]
		if ok, _ := path.Match(r.Action, action); !ok {
			continue
		}
		r.seen++
		n := r.seen - r.Skip
		if n < 1 || r.Every > 1 && n%r.Every != 0 {
			continue
		}
		if r.Times > 0 && (n+max(r.Every, 1)-1)/max(r.Every, 1) > r.Times {
			continue
		}
		return r
	}
	return nil
}
