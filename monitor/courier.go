package monitor

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"google.golang.org/protobuf/encoding/protojson"

	"github.com/yunqiao/yunqiao/monitor/notify"
	monitorv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/monitor/v1"
)

const (
	// reportedAtOnce bounds the changes in one message to a third party.
	reportedAtOnce = 200
	// channelsPause is between two looks for channels that another replica has changed, or
	// does not report to any more.
	channelsPause = 5 * time.Second
	// newsPause is how long a change of another replica may go unnoticed.
	newsPause = 2 * time.Second
	// duePause is the exactness of group waits and of the ends of silences.
	duePause = 500 * time.Millisecond
)

// deliver keeps one courier for each channel that is enabled and that no other replica
// reports to.
func (m *Module) deliver(ctx context.Context) {
	type running struct {
		revision int64
		stop     context.CancelFunc
		done     chan struct{}
	}
	active := map[string]running{}
	var work sync.WaitGroup
	defer work.Wait()
	tick := time.NewTicker(channelsPause)
	defer tick.Stop()
	for {
		var rows []channelRow
		if err := m.store.Read.WithContext(ctx).Where("enabled = ?", true).Find(&rows).Error; err != nil {
			m.warn(ctx, "read channels", err)
		} else {
			wanted := map[string]int64{}
			for _, row := range rows {
				wanted[row.ID] = row.Revision
			}
			for id, r := range active {
				revision, ok := wanted[id]
				select {
				case <-r.done:
				default:
					if ok && revision == r.revision {
						continue
					}
				}
				r.stop()
				<-r.done
				delete(active, id)
			}
			for _, row := range rows {
				if _, ok := active[row.ID]; ok {
					continue
				}
				held, release, ok, err := m.leases.Take(ctx, channelLease(row.ID))
				if err != nil || !ok {
					m.warn(ctx, "take a channel over", err)
					continue
				}
				held, stop := context.WithCancel(held)
				done := make(chan struct{})
				active[row.ID] = running{row.Revision, stop, done}
				work.Go(func() {
					defer close(done)
					defer release()
					defer stop()
					m.serve(held, row)
				})
			}
		}
		select {
		case <-m.restart:
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

func channelLease(id string) string { return "channel/" + id }

// warn logs a failure that will be tried again; nil and the end of the process are none.
func (m *Module) warn(ctx context.Context, work string, err error) {
	if err != nil && ctx.Err() == nil {
		m.log.LogAttrs(ctx, slog.LevelWarn, "alarms: background work failed", slog.String("work", work), slog.String("error", err.Error()))
	}
}

// courier reports to one channel.
type courier struct {
	*Module
	channel  channelRow
	spec     *monitorv1.Channel
	matchers []matcher
	sender   notify.Sender
	held     map[string]heldRow // by alarm, as in the store
}

// serve reports to a channel until the context ends.
func (m *Module) serve(ctx context.Context, channel channelRow) {
	c, err := m.newCourier(ctx, channel)
	if err != nil {
		m.note(ctx, channel.ID, err)
		again := time.NewTimer(m.opts.MaxBackoff)
		defer again.Stop()
		select {
		case <-again.C:
		case <-ctx.Done():
		}
		return
	}
	defer c.sender.Close()
	backoff := m.opts.MinBackoff
	for ctx.Err() == nil {
		news := m.waiting()
		more, err := c.pass(ctx)
		if ctx.Err() != nil {
			return
		}
		m.note(ctx, channel.ID, err)
		pause := newsPause
		switch {
		case err != nil:
			news, pause, backoff = nil, backoff, min(2*backoff, m.opts.MaxBackoff)
		case more:
			backoff = m.opts.MinBackoff
			continue
		default:
			backoff = m.opts.MinBackoff
			if c.spec.GetGrouping() != nil || len(c.held) > 0 {
				pause = duePause
			}
		}
		timer := time.NewTimer(pause)
		select {
		case <-news:
		case <-timer.C:
		case <-ctx.Done():
		}
		timer.Stop()
	}
}

func (m *Module) newCourier(ctx context.Context, channel channelRow) (*courier, error) {
	c := &courier{Module: m, channel: channel, held: map[string]heldRow{}}
	var err error
	if c.spec, err = specOf(&channel); err != nil {
		return nil, err
	}
	c.matchers, _ = compile(c.spec.GetMatchers()) // they were compiled when they were stored
	target := notify.Target{
		ID: channel.ID, Kind: monitorv1.ChannelKind(channel.Kind), Address: channel.Address, Snmp: c.spec.GetSnmp(), Mail: c.spec.GetMail(),
		CACertificate: channel.CACertificate,
	}
	if len(channel.Secret) > 0 {
		plain, err := m.box.Open(channel.Secret, channelLabel(channel.ID))
		if err != nil {
			return nil, fmt.Errorf("the secret cannot be read: %w", err)
		}
		target.Secret = string(plain)
	}
	if len(channel.Privacy) > 0 {
		plain, err := m.box.Open(channel.Privacy, privacyLabel(channel.ID))
		if err != nil {
			return nil, fmt.Errorf("the password of encryption cannot be read: %w", err)
		}
		target.Snmp.PrivacyPassword = string(plain)
	}
	if c.sender, err = notify.Open(m.log, target, m.opts.notify()); err != nil {
		return nil, err
	}
	var rows []heldRow
	if err := m.store.Read.WithContext(ctx).Where("channel_id = ?", channel.ID).Find(&rows).Error; err != nil {
		c.sender.Close()
		return nil, fmt.Errorf("read what is held back: %w", err)
	}
	for _, r := range rows {
		c.held[r.AlarmID] = r
	}
	return c, nil
}

func specOf(channel *channelRow) (*monitorv1.Channel, error) {
	spec := &monitorv1.Channel{}
	if err := (protojson.UnmarshalOptions{DiscardUnknown: true}).Unmarshal([]byte(channel.Spec), spec); err != nil {
		return nil, fmt.Errorf("read channel %s: %w", channel.ID, err)
	}
	return spec, nil
}

// pass does what can be done now. more tells that there is more to be done at once.
func (c *courier) pass(ctx context.Context) (more bool, err error) {
	now := c.opts.Now().UTC()
	all, err := c.silences(ctx, now)
	if err != nil {
		return false, err
	}
	acting := c.silencing(all, c.channel.TenantID, now)
	if more, err = c.route(ctx, acting, now); err != nil {
		return false, err
	}
	if err := c.release(ctx, acting, now); err != nil {
		return false, err
	}
	if c.spec.GetGrouping() != nil {
		err = c.flushGroups(ctx, now)
	}
	return more, err
}

// wants tells whether a change is for the channel.
func (c *courier) wants(r *changeRow, tenants []string) bool {
	return r.Peak >= c.channel.MinSeverity && (tenants == nil || slices.Contains(tenants, r.TenantID))
}

// note keeps how reporting to a channel does, where that has changed.
func (m *Module) note(ctx context.Context, id string, err error) {
	m.mu.Lock()
	s := m.status[id]
	if s == nil {
		s = &status{}
		m.status[id] = s
	}
	before := *s
	if err == nil {
		s.failures = 0
	} else {
		s.failures++
		s.err = err.Error()
	}
	after := *s
	m.mu.Unlock()
	if before == after {
		return
	}
	stored := m.store.Write.WithContext(ctx).Model(&channelRow{}).Where("id = ?", id).
		UpdateColumns(map[string]any{"failures": after.failures, "last_error": cutText(after.err, 1000)}).Error
	m.warn(ctx, "store the state of a channel", stored)
}

// status is how reporting to a channel does.
type status struct {
	failures int
	err      string
}
