package logging

import (
	"cmp"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"google.golang.org/protobuf/encoding/protojson"

	"github.com/yunqiao/yunqiao/internal/refuse"
	"github.com/yunqiao/yunqiao/logging/entry"
	loggingv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/logging/v1"
)

// request reads the filters of ListEntries out of a query.
func queryOf(r *http.Request) (*loggingv1.ListEntriesRequest, error) {
	q := r.URL.Query()
	out := &loggingv1.ListEntriesRequest{
		ResourceId: q.Get("resource_id"), ProcessName: q.Get("process_name"), ProcessId: q.Get("process_id"), Since: q.Get("since"), Until: q.Get("until"),
		Text: q.Get("text"), RequestIdEquals: q.Get("request_id_equals"), SubmissionId: q.Get("submission_id"), LocationId: q.Get("location_id"),
		TenantId: q.Get("tenant_id"),
	}
	if level := q.Get("min_level"); level != "" {
		n, ok := loggingv1.LogLevel_value[level]
		if !ok {
			n, ok = loggingv1.LogLevel_value["LOG_LEVEL_"+strings.ToUpper(level)]
		}
		if !ok {
			return nil, refuse.Invalid("min_level", "is none of ours")
		}
		out.MinLevel = loggingv1.LogLevel(n)
	}
	return out, nil
}

// shown is how entries look in streams: as in answers.
var shown = protojson.MarshalOptions{UseProtoNames: true, EmitUnpopulated: true}

// heartbeat keeps proxies from closing a stream in which nothing happens.
const heartbeat = 15 * time.Second

const (
	// resumeLate is how much older by its own time an entry may be that is stored while a
	// reader is away, and still be shown to it when it comes back.
	resumeLate = 10 * time.Minute
	maxResumed = 10000
)

// eventID names an entry and when it was stored, for a reader who comes back.
func eventID(r *entry.Record) string {
	return entry.ID(r.Key) + "-" + strconv.FormatInt(r.ReceivedAt.UnixMicro(), 16)
}

// missed are the entries that were stored since a reader had one, the oldest first.
// all tells whether there were not more than can be shown again.
func (m *Module) missed(ctx context.Context, filter entry.Filter, last string) (records []entry.Record, all bool, err error) {
	id, received, ok := strings.Cut(last, "-")
	key, err := entry.ParseID(id)
	us, err2 := strconv.ParseInt(received, 16, 64)
	if !ok || errors.Join(err, err2) != nil {
		return nil, false, fmt.Errorf("Last-Event-ID %.60q is none of ours", last)
	}
	if since := time.UnixMicro(us).Add(-resumeLate); filter.Since.Before(since) {
		filter.Since = since
	}
	for len(records) < maxResumed {
		found, next, err := m.entries.List(ctx, filter, 1000)
		if err != nil {
			return nil, false, err
		}
		for i := range found {
			if at := found[i].ReceivedAt.UnixMicro(); at > us || at == us && found[i].Key > key {
				records = append(records, found[i])
			}
		}
		if filter.Before = next; next == 0 {
			slices.SortStableFunc(records, func(a, b entry.Record) int {
				return cmp.Or(a.ReceivedAt.Compare(b.ReceivedAt), cmp.Compare(a.Key, b.Key))
			})
			return records, true, nil
		}
	}
	return nil, false, nil
}

// Tail streams what is stored from now on as server-sent events: "entry" with an
// Entry, and "behind" where the reader was too slow and some were left out. A reader who
// comes back with the header Last-Event-ID is first shown what was stored meanwhile. Its
// caller must be known by the context.
func (m *Module) Tail() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		filter, ok := m.streamFilter(w, r)
		if !ok {
			return
		}
		control := http.NewResponseController(w)
		if err := control.SetWriteDeadline(time.Time{}); err != nil {
			http.Error(w, "streams are not possible here", http.StatusNotImplemented)
			return
		}
		listener := m.entries.Listen(filter.Matches)
		defer listener.Close()
		var again []entry.Record
		all := true
		if last := r.Header.Get("Last-Event-ID"); last != "" {
			var err error
			if again, all, err = m.missed(r.Context(), filter, last); err != nil {
				http.Error(w, err.Error(), http.StatusBadRequest)
				return
			}
		}
		w.Header().Set("Content-Type", "text/event-stream")
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("X-Accel-Buffering", "no")
		_, _ = fmt.Fprint(w, ": begin\n\n") // the flush tells whether the client is there
		if !all {
			_, _ = fmt.Fprint(w, "event: behind\ndata: {}\n\n")
		}
		shownAgain := map[int64]bool{}
		for i := range again {
			shownAgain[again[i].Key] = true
			if !writeEvent(w, &again[i]) {
				return
			}
		}
		beat := time.NewTicker(heartbeat)
		defer beat.Stop()
		for {
			if err := control.Flush(); err != nil {
				return
			}
			select {
			case record := <-listener.Records():
				if !shownAgain[record.Key] && !writeEvent(w, &record) {
					return
				}
			case <-listener.Behind():
				_, _ = fmt.Fprint(w, "event: behind\ndata: {}\n\n")
			case <-beat.C:
				_, _ = fmt.Fprint(w, ": alive\n\n")
			case <-listener.Done():
				return
			case <-r.Context().Done():
				return
			}
		}
	})
}

// writeEvent writes an entry; a client that has gone is noticed at the next flush.
func writeEvent(w io.Writer, record *entry.Record) bool {
	text, err := shown.Marshal(toProtoEntry(record))
	if err == nil {
		_, _ = fmt.Fprintf(w, "event: entry\nid: %s\ndata: %s\n\n", eventID(record), text)
	}
	return err == nil
}

func (m *Module) streamFilter(w http.ResponseWriter, r *http.Request) (entry.Filter, bool) {
	request, err := queryOf(r)
	var filter entry.Filter
	if err == nil {
		filter, err = m.filter(r.Context(), request)
	}
	if err != nil {
		refuse.Answer(w, r, err)
		return filter, false
	}
	return filter, true
}

// Export streams all entries that match, newest first, as JSON lines or, with
// format=csv, as CSV.
func (m *Module) Export() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		filter, ok := m.streamFilter(w, r)
		if !ok {
			return
		}
		asCSV := r.URL.Query().Get("format") == "csv"
		control := http.NewResponseController(w)
		_ = control.SetWriteDeadline(time.Time{}) // without it a long export ends with the server's time
		w.Header().Set("Content-Type", map[bool]string{true: "text/csv; charset=utf-8", false: "application/x-ndjson"}[asCSV])
		table := csv.NewWriter(w)
		if asCSV {
			_ = table.Write([]string{"id", "at", "tenant_id", "resource_id", "process_name", "process_id", "level", "message", "request_id", "source"})
		}
		for {
			found, next, err := m.entries.List(r.Context(), filter, 1000)
			if err != nil { // the status has gone: the client sees a stream that ends early
				m.log.WarnContext(r.Context(), "export ended early", slog.String("error", err.Error()))
				panic(http.ErrAbortHandler)
			}
			for i := range found {
				e := toProtoEntry(&found[i])
				if asCSV {
					err = table.Write([]string{
						e.GetId(), found[i].At.Format(time.RFC3339Nano), e.GetTenantId(), cell(e.GetResourceId()), cell(e.GetProcessName()), cell(e.GetProcessId()),
						strings.TrimPrefix(e.GetLevel().String(), "LOG_LEVEL_"), cell(e.GetMessage()), e.GetRequestId(), cell(e.GetSource()),
					})
				} else {
					var text []byte
					if text, err = shown.Marshal(e); err == nil {
						_, err = w.Write(append(text, '\n'))
					}
				}
				if err != nil {
					return // the client has gone
				}
			}
			table.Flush()
			if filter.Before = next; next == 0 || table.Error() != nil {
				return
			}
		}
	})
}

// cell keeps spreadsheets from taking what a log says for a formula.
func cell(text string) string {
	if text != "" && strings.ContainsRune("=+-@\t\r", rune(text[0])) {
		return "'" + text
	}
	return text
}
