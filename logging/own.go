package logging

import (
	"context"
	"log/slog"
	"slices"
	"sync/atomic"
	"time"

	"github.com/yunqiao/yunqiao/logging/entry"
)

// ownQueue is how many lines of our own may wait to be stored.
const ownQueue = 8192

// Own takes this process's own log, and with it that of drivers, beside where it
// goes anyway. It never makes the process wait: what has no room is counted, and told
// in the next entry.
type Own struct {
	queue chan entry.Record
	lost  atomic.Int64
}

// NewOwn makes an Own; what it takes waits until a Module stores it.
func NewOwn() *Own { return &Own{queue: make(chan entry.Record, ownQueue)} }

// Handler passes records to next, and takes a copy of those that next is enabled for.
func (o *Own) Handler(next slog.Handler) slog.Handler { return &ownHandler{own: o, next: next} }

type ownHandler struct {
	own   *Own
	next  slog.Handler
	attrs []slog.Attr
	group string
}

func (h *ownHandler) Enabled(ctx context.Context, level slog.Level) bool {
	return h.next.Enabled(ctx, level)
}

func (h *ownHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	named := make([]slog.Attr, len(attrs))
	for i, a := range attrs {
		named[i] = slog.Attr{Key: h.group + a.Key, Value: a.Value}
	}
	return &ownHandler{own: h.own, next: h.next.WithAttrs(attrs), attrs: slices.Concat(h.attrs, named), group: h.group}
}

func (h *ownHandler) WithGroup(name string) slog.Handler {
	return &ownHandler{own: h.own, next: h.next.WithGroup(name), attrs: h.attrs, group: h.group + name + "."}
}

func (h *ownHandler) Handle(ctx context.Context, r slog.Record) error {
	out := entry.Record{At: r.Time.UTC(), Level: levelOf(r.Level), Message: r.Message, ProcessName: "yunqiao", Source: "gateway", Attributes: map[string]string{}}
	take := func(a slog.Attr) bool {
		value := a.Value.Resolve().String()
		switch a.Key {
		case "request_id":
			out.RequestID = value
		case "driver":
			out.Source = "driver:" + value
		case "resource_id":
			out.ResourceID = value
		default:
			out.Attributes[a.Key] = value
		}
		return len(out.Attributes) < 64
	}
	for _, a := range h.attrs {
		take(a)
	}
	r.Attrs(func(a slog.Attr) bool { return take(slog.Attr{Key: h.group + a.Key, Value: a.Value}) })
	select {
	case h.own.queue <- out:
	default:
		h.own.lost.Add(1)
	}
	return h.next.Handle(ctx, r)
}

func levelOf(level slog.Level) entry.Level {
	switch {
	case level < slog.LevelDebug:
		return entry.Trace
	case level < slog.LevelInfo:
		return entry.Debug
	case level < slog.LevelWarn:
		return entry.Info
	case level < slog.LevelError:
		return entry.Warn
	default:
		return entry.Error
	}
}

// ownPause gathers lines to one commit.
const ownPause = 500 * time.Millisecond

// storeOwn stores what an Own has taken, for an organization, until the context ends.
func (m *Module) storeOwn(ctx context.Context, own *Own, tenant string) {
	tick := time.NewTicker(ownPause)
	defer tick.Stop()
	for {
		m.storeTaken(context.WithoutCancel(ctx), own, tenant)
		select {
		case <-tick.C:
		case <-ctx.Done():
			m.storeTaken(context.WithoutCancel(ctx), own, tenant)
			return
		}
	}
}

func (m *Module) storeTaken(ctx context.Context, own *Own, tenant string) {
	for {
		var records []entry.Record
		if lost := own.lost.Swap(0); lost > 0 {
			records = append(records, entry.Record{
				TenantID: tenant, Level: entry.Warn, ProcessName: "yunqiao", Source: "gateway", Message: "log entries of the gateway had no room",
				Attributes: map[string]string{"lost": slog.Int64Value(lost).String()},
			})
		}
	gather:
		for len(records) < 2000 {
			select {
			case r := <-own.queue:
				r.TenantID = tenant
				records = append(records, r)
			default:
				break gather
			}
		}
		if len(records) == 0 {
			return
		}
		if _, err := m.entries.Append(ctx, records, nil); err != nil {
			own.lost.Add(int64(len(records)))
			m.log.LogAttrs(ctx, slog.LevelWarn, "the gateway's own log entries not stored", slog.String("error", err.Error()))
			return
		}
	}
}
