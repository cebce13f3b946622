package policy

import (
	"context"
	"fmt"
	"time"

	"github.com/yunqiao/yunqiao/drivers/sdk"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
)

// ask reads a share of the page from every account at the same time. Where some
// have answered and the others are late by their own measure, those are given up.
func (l *listing) ask(ctx context.Context, markers map[string]string) []part {
	g := &gathering{
		listing: l, markers: markers, parts: make([]part, len(l.accounts)), running: map[int]*asked{},
		answers: make(chan answered, len(l.accounts)), share: max(1, (l.size+len(l.accounts)-1)/max(1, len(l.accounts))),
	}
	if len(l.accounts) == 1 { // no goroutine for the common case
		began := time.Now()
		g.parts[0] = l.askOne(ctx, l.accounts[0], markers[l.accounts[0].ID], g.share)
		if g.parts[0].err == nil {
			l.runner.pace.observe(g.key(0), time.Since(began))
		}
		return g.parts
	}
	g.run(ctx)
	return g.parts
}

// gathering is one list over several accounts on its way.
type gathering struct {
	*listing
	markers map[string]string
	share   int
	parts   []part
	running map[int]*asked // by index of the account
	answers chan answered  // has room for all, so that a late one holds nobody up
	last    time.Time      // when an account last gave its part; zero: none has
}

// asked is a call that is waited for.
type asked struct {
	began     time.Time
	allowance time.Duration
	cancel    context.CancelFunc
	untie     func() bool // from the client's context
	returned  bool        // guarded by the pace's lock
}

type answered struct {
	index int
	part  part
}

func (g *gathering) key(i int) paceKey { return paceKey{g.accounts[i].ID, g.call.Method} }

func (g *gathering) run(ctx context.Context) {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for next := 0; next < len(g.parts) || len(g.running) > 0; {
		for next < len(g.parts) && len(g.running) < g.runner.opts.ListParallel {
			g.start(ctx, next)
			next++
		}
		timer.Reset(g.patience())
		select {
		case a := <-g.answers:
			g.take(a)
		case <-timer.C:
			g.giveUp()
		case <-ctx.Done():
			for i := range g.running {
				g.running[i].cancel()
				g.parts[i] = part{err: ctx.Err()}
			}
			for ; next < len(g.parts); next++ {
				g.parts[next] = part{err: ctx.Err()}
			}
			return
		}
	}
}

// start asks one account. The call outlives the client's if it is late, so that the
// account's pace is learnt.
func (g *gathering) start(ctx context.Context, i int) {
	a := g.accounts[i]
	calling, cancel := context.WithCancel(context.WithoutCancel(ctx))
	one := &asked{
		began: time.Now(), allowance: g.runner.pace.allowance(g.key(i)), cancel: cancel, untie: context.AfterFunc(ctx, cancel),
	}
	g.running[i] = one
	g.runner.pace.begin(func() {
		defer cancel()
		p := g.askOne(calling, a, g.markers[a.ID], g.share)
		if p.err == nil {
			g.runner.pace.observe(g.key(i), time.Since(one.began))
		}
		g.runner.pace.arrived(g.key(i), one)
		one.untie()
		g.answers <- answered{i, p}
	})
}

// take keeps a part that is still waited for.
func (g *gathering) take(a answered) {
	if g.running[a.index] == nil {
		return
	}
	delete(g.running, a.index)
	g.parts[a.index] = a.part
	if a.part.err == nil {
		g.last = time.Now()
	}
}

// patience is how long to wait for another answer: until all that are still running
// are late. While no account has given its part, none is late.
func (g *gathering) patience() time.Duration {
	if g.last.IsZero() {
		return time.Hour
	}
	until := g.last
	for _, r := range g.running {
		from := g.last
		if r.began.After(from) {
			from = r.began
		}
		if late := from.Add(r.allowance); late.After(until) {
			until = late
		}
	}
	return time.Until(until)
}

// giveUp names those that are late as unreachable.
func (g *gathering) giveUp() {
	for i, r := range g.running {
		delete(g.running, i)
		g.parts[i] = part{err: sdk.NewError(apiv1.Reason_REASON_CLOUD_TIMEOUT,
			sdk.Cause(fmt.Errorf("account %s has not answered after %s, while others have", g.accounts[i].ID, time.Since(r.began))))}
		r.untie()
		if !g.runner.pace.outlive(g.key(i), r) {
			r.cancel()
		}
	}
}
