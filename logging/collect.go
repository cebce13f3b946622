package logging

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"maps"
	"net"
	"net/netip"
	"strings"
	"time"

	"github.com/yunqiao/yunqiao/logging/collect"
	"github.com/yunqiao/yunqiao/logging/entry"
	loggingv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/logging/v1"
)

// errQuota tells that a submission's quota is used up.
var errQuota = errors.New("the quota of the submission is used up")

const (
	savePause  = 10 * time.Second // between two saves of counters
	retryPause = 5 * time.Second  // before a collector that ended is started again
)

// collect keeps one collector running for each enabled place, with the newest rules.
func (m *Module) collect(ctx context.Context) {
	running := map[string]*collector{}
	defer func() {
		for _, c := range running {
			c.end()
		}
		m.saveCounters(context.WithoutCancel(ctx))
	}()
	tick := time.NewTicker(savePause)
	defer tick.Stop()
	for {
		m.mu.RLock()
		wanted, submissions := maps.Clone(m.locations), maps.Clone(m.submissions)
		m.mu.RUnlock()
		for id, c := range running {
			sub := submissions[wantedSubmission(wanted[id])]
			c.mu.Lock()
			stale := wanted[id] != c || sub != c.runs || c.place.Load() != c.runsPublic
			c.mu.Unlock()
			if stale {
				c.end()
				delete(running, id)
			}
		}
		for id, c := range wanted {
			sub := submissions[c.place.Load().GetSubmissionId()]
			if running[id] != nil {
				continue
			}
			if sub == nil || !sub.public.GetEnabled() || !c.place.Load().GetEnabled() {
				c.mu.Lock()
				c.state = loggingv1.LocationState_LOCATION_STATE_STOPPED
				c.mu.Unlock()
				continue
			}
			m.begin(ctx, c, sub)
			running[id] = c
		}
		select {
		case <-m.changed:
		case <-tick.C:
			m.saveCounters(ctx)
			if m.store.Embedded {
				continue
			}
			if err := m.refresh(ctx); err != nil && ctx.Err() == nil {
				m.log.LogAttrs(ctx, slog.LevelWarn, "submissions and locations not read", slog.String("error", err.Error()))
			}
		case <-ctx.Done():
			return
		}
	}
}

func wantedSubmission(c *collector) string {
	if c == nil {
		return ""
	}
	return c.place.Load().GetSubmissionId()
}

// begin runs a collector until it is ended; one that fails is started again.
func (m *Module) begin(parent context.Context, c *collector, sub *submission) {
	ctx, stop := context.WithCancel(parent)
	done := make(chan struct{})
	c.mu.Lock()
	c.stop, c.done, c.runs, c.runsPublic = stop, done, sub, c.place.Load()
	place := c.place.Load()
	c.mu.Unlock()
	go func() {
		defer close(done)
		defer c.setHere(false)
		for ctx.Err() == nil {
			err := m.runAlone(ctx, c, place, sub)
			if ctx.Err() != nil {
				return
			}
			if err != nil {
				c.fail(m.opts.Now(), err)
				m.log.LogAttrs(ctx, slog.LevelWarn, "log collector stopped", slog.String("location_id", place.GetId()), slog.String("error", err.Error()))
			}
			again := time.NewTimer(retryPause)
			select {
			case <-again.C:
			case <-ctx.Done():
				again.Stop()
			}
		}
	}()
}

func (c *collector) end() {
	c.stop()
	<-c.done
}

// runAlone collects from a file or an address while no other replica does. Sockets are
// listened at by every replica: senders reach one of them.
func (m *Module) runAlone(ctx context.Context, c *collector, place *loggingv1.Location, sub *submission) error {
	switch sub.public.GetMethod() {
	case loggingv1.SubmissionMethod_SUBMISSION_METHOD_FILE, loggingv1.SubmissionMethod_SUBMISSION_METHOD_HTTP:
		held, release, ok, err := m.leases.Take(ctx, "location/"+place.GetId())
		c.setHere(ok)
		if err != nil || !ok {
			return err
		}
		defer release()
		ctx = held
	default:
		c.setHere(true)
	}
	return m.runOne(ctx, c, place, sub)
}

func (c *collector) setHere(here bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.here = here
}

func (m *Module) runOne(ctx context.Context, c *collector, place *loggingv1.Location, sub *submission) error {
	switch sub.public.GetMethod() {
	case loggingv1.SubmissionMethod_SUBMISSION_METHOD_FILE:
		return m.followFiles(ctx, c, place, sub)
	case loggingv1.SubmissionMethod_SUBMISSION_METHOD_HTTP:
		return m.pull(ctx, c, place, sub)
	default:
		return m.listen(ctx, c, place, sub)
	}
}

func (m *Module) saveCounters(ctx context.Context) {
	m.mu.RLock()
	all := maps.Clone(m.locations)
	m.mu.RUnlock()
	for id, c := range all {
		if err := m.saveCollector(ctx, id, c); err != nil {
			m.log.LogAttrs(ctx, slog.LevelWarn, "counters of a location not stored", slog.String("location_id", id), slog.String("error", err.Error()))
		}
	}
}

// finish gives a record what its place and way of submitting say of all.
func finish(r *entry.Record, place *loggingv1.Location, sub *submission, source string) {
	r.TenantID, r.SubmissionID, r.LocationID, r.Source = sub.public.GetTenantId(), sub.public.GetId(), place.GetId(), source
	for _, d := range []struct {
		to     *string
		values [2]string
	}{
		{&r.ResourceID, [2]string{place.GetResourceId(), sub.public.GetResourceId()}},
		{&r.ProcessName, [2]string{place.GetProcessName(), sub.public.GetProcessName()}},
	} {
		for _, value := range d.values {
			if *d.to == "" {
				*d.to = value
			}
		}
	}
	if r.Message == "" && r.Original == nil {
		r.Original = []byte{}
	}
}

// listen receives SNMP notifications or syslog messages.
func (m *Module) listen(ctx context.Context, c *collector, place *loggingv1.Location, sub *submission) error {
	scheme, address, _ := strings.Cut(place.GetAddress(), "://")
	var counters collect.Counters
	if scheme == "tcp" {
		var config net.ListenConfig
		listener, err := config.Listen(ctx, "tcp", address)
		if err != nil {
			return err
		}
		c.well()
		return collect.ServeTCP(ctx, listener, &counters, sub.accepts, func(ctx context.Context, batch []collect.Datagram) error {
			records := m.readSyslog(place, sub, batch)
			if !sub.limit.take(m.opts.Now(), records) {
				return errQuota // the sender keeps what the connection did not take
			}
			return m.keep(ctx, c, records)
		})
	}
	u, err := collect.ListenUDP(ctx, address, &counters)
	if err != nil {
		return err
	}
	c.well()
	handle := m.datagrams(u, c, place, sub)
	var dropped int64
	return u.Run(ctx, func(ctx context.Context, batch []collect.Datagram) {
		handle(ctx, batch)
		if now := counters.Dropped.Load(); now != dropped {
			c.lost.Add(now - dropped)
			dropped = now
			c.note(m.opts.Now(), "the kernel dropped messages for lack of room")
		}
	})
}

// datagrams stores what comes over UDP. What cannot be stored is lost, and counted;
// an inform is then not answered, and its sender repeats it.
func (m *Module) datagrams(u *collect.UDP, c *collector, place *loggingv1.Location, sub *submission) func(context.Context, []collect.Datagram) {
	return func(ctx context.Context, batch []collect.Datagram) {
		accepted := make([]collect.Datagram, 0, len(batch))
		for _, d := range batch {
			if !sub.accepts(d.From.Addr()) {
				c.refused.Add(1)
				continue
			}
			accepted = append(accepted, d)
		}
		var records []entry.Record
		var replies []reply
		if sub.snmp != nil {
			records, replies = m.readSNMP(u, c, place, sub, accepted)
		} else {
			records = m.readSyslog(place, sub, accepted)
		}
		if len(records) == 0 {
			return
		}
		err := errQuota
		if sub.limit.take(m.opts.Now(), records) {
			err = m.keep(ctx, c, records)
		}
		if err != nil {
			c.lost.Add(int64(len(records) - len(replies)))
			c.fail(m.opts.Now(), err)
			return
		}
		c.well()
		for _, r := range replies {
			_ = u.Reply(r.bytes, r.to) // without it the sender repeats, which is stored once
		}
	}
}

type reply struct {
	bytes []byte
	to    netip.AddrPort
}

func (m *Module) readSyslog(place *loggingv1.Location, sub *submission, batch []collect.Datagram) []entry.Record {
	records := make([]entry.Record, 0, len(batch))
	for _, d := range batch {
		message := bytes.TrimRight(d.Bytes, "\r\n\x00") // many senders end a datagram like a line
		r := sub.rules.Read(message)
		if r.Original == nil && len(message) < len(d.Bytes) {
			r.Original = d.Bytes
		}
		finish(&r, place, sub, d.From.Addr().String())
		records = append(records, r)
	}
	return records
}

// keep stores records of a place.
func (m *Module) keep(ctx context.Context, c *collector, records []entry.Record) error {
	result, err := m.entries.Append(ctx, records, nil)
	if err != nil {
		return err
	}
	c.count(m.opts.Now(), result.Stored)
	return nil
}

func (c *collector) count(now time.Time, stored int) {
	c.stored.Add(int64(stored))
	c.mu.Lock()
	defer c.mu.Unlock()
	c.lastRecord = now
}
