package policy

import (
	"testing"
	"time"
)

func TestAllowance(t *testing.T) {
	for name, tc := range map[string]struct {
		answers []time.Duration
		want    time.Duration
	}{
		"unknown":             {nil, leastAllowance},
		"slow at first":       {[]time.Duration{time.Second, time.Millisecond, time.Millisecond}, leastAllowance},
		"quick":               {[]time.Duration{time.Millisecond, 5 * time.Millisecond}, leastAllowance},
		"slow":                {[]time.Duration{900 * time.Millisecond, time.Second}, 3600 * time.Millisecond},
		"slow once long ago":  {append([]time.Duration{time.Minute}, repeat(time.Second, remembered)...), 4 * time.Second},
		"slow once of twenty": {append(repeat(100*time.Millisecond, 31), time.Minute), 400 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			var p pace
			key := paceKey{accountID: "acc"}
			for _, a := range tc.answers {
				p.observe(key, a)
			}
			if got := p.allowance(key); got != tc.want {
				t.Errorf("got %s, want %s", got, tc.want)
			}
		})
	}
}

func repeat(d time.Duration, n int) []time.Duration {
	out := make([]time.Duration, n)
	for i := range out {
		out[i] = d
	}
	return out
}

func TestOneLateCallOfAKind(t *testing.T) {
	var p pace
	key := paceKey{accountID: "acc"}
	ended := 0
	call := func() *asked { return &asked{cancel: func() { ended++ }} }
	first, second := call(), call()
	if !p.outlive(key, first) || p.outlive(key, second) {
		t.Fatal("want the first to go on and the second not")
	}
	p.arrived(key, first)
	if p.outlive(key, first) {
		t.Error("a call that has returned cannot go on")
	}
	if !p.outlive(key, second) {
		t.Error("after the first has returned another may go on")
	}
	p.close()
	if ended != 1 {
		t.Errorf("%d calls were ended", ended)
	}
	if p.outlive(key, call()) {
		t.Error("a late call went on after the end")
	}
}
