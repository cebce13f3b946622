package programs

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/yunqiao/yunqiao/internal/db"
	"github.com/yunqiao/yunqiao/internal/outbox"
	programv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/program/v1"
	"github.com/yunqiao/yunqiao/programs/gyt345"
)

// TestVersions reads the history of a series with its differences, a page at a time.
func TestVersions(t *testing.T) {
	each(t, Options{}, func(t *testing.T, r *rig) {
		r.send(t, gyt345.SeriesAdd, "a", 0, series("s", "online", `,"score":"8.5"`))
		r.send(t, gyt345.SeriesUpdate, "b", 0, series("s", "online", `,"score":"9.0"`))
		r.send(t, gyt345.SeriesOffline, "c", 0, `{"seriesIds":["s"]}`)
		server := &seriesServer{Module: r.Module}
		id := recordKey(KindSeries, r.group, "s")
		var got []*programv1.RecordVersion
		token := ""
		for {
			page, err := server.ListSeriesVersions(t.Context(), &programv1.ListSeriesVersionsRequest{Id: id, PageSize: 1, PageToken: token})
			if err != nil || len(page.GetVersions()) != 1 {
				t.Fatalf("got %v, %v", page, err)
			}
			got = append(got, page.GetVersions()...)
			if token = page.GetNextPageToken(); token == "" {
				break
			}
		}
		if len(got) != 3 || got[0].GetOnline() || got[0].GetMessageId() != "c" || len(got[0].GetChanges()) != 0 {
			t.Fatalf("got %v", got)
		}
		if changes := got[1].GetChanges(); len(changes) != 1 || changes[0].GetField() != "score" || changes[0].GetBefore() != `"8.5"` || changes[0].GetAfter() != `"9.0"` {
			t.Errorf("second version: got %v", changes)
		}
		if len(got[2].GetChanges()) < 8 {
			t.Errorf("first version: got %v", got[2].GetChanges())
		}
	})
}

// TestMessages: every message is kept as received, with its verdict.
func TestMessages(t *testing.T) {
	each(t, Options{}, func(t *testing.T, r *rig) {
		r.send(t, gyt345.SeriesAdd, "a", 0, series("s", "ONLINE", ""))
		r.send(t, gyt345.SeriesOffline, "b", 0, `{"seriesIds":["s"]}`)
		server := &messageServer{Module: r.Module}
		list, err := server.ListMessages(t.Context(), &programv1.ListMessagesRequest{GroupId: r.group})
		if err != nil || len(list.GetMessages()) != 2 {
			t.Fatalf("got %v, %v", list, err)
		}
		applied, refused := list.GetMessages()[0], list.GetMessages()[1]
		if applied.GetOutcome() != "APPLIED" || len(applied.GetNotes()) != 1 || applied.GetNotes()[0] != "N3" || len(applied.GetBody()) != 0 {
			t.Errorf("applied: got %v", applied)
		}
		if refused.GetOutcome() != "REFUSED" || refused.GetHttpStatus() != 400 || refused.GetCode() != "InvalidParameter" || refused.GetKeyFingerprint() == "" {
			t.Errorf("refused: got %v", refused)
		}
		one, err := server.GetMessage(t.Context(), &programv1.GetMessageRequest{Id: refused.GetId()})
		if err != nil {
			t.Fatal(err)
		}
		body, err := gyt345.Parse(one.GetMessage().GetBody())
		if err != nil || gyt345.SM3(gyt345.Canonical(body)) != refused.GetBodySm3() {
			t.Errorf("body: got %s, %v", one.GetMessage().GetBody(), err)
		}
	})
}

// TestLinks ties a series to a resource, and asks which held when.
func TestLinks(t *testing.T) {
	each(t, Options{}, func(t *testing.T, r *rig) {
		r.send(t, gyt345.SeriesAdd, "", 0, series("s", "online", ""))
		server := &linkServer{Module: r.Module}
		id := recordKey(KindSeries, r.group, "s")
		made, err := server.CreateLink(t.Context(), &programv1.CreateLinkRequest{RecordId: id, ResourceId: "memory.vm-1", ValidFrom: "2026-01-01T00:00:00Z"})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := server.CreateLink(t.Context(), &programv1.CreateLinkRequest{RecordId: recordKey(KindSeries, r.group, "x"), ResourceId: "memory.vm-1"}); err == nil {
			t.Error("a series that is not there: got no error")
		}
		if _, err := server.EndLink(t.Context(), &programv1.EndLinkRequest{Id: made.GetId(), ValidUntil: "2025-12-31T00:00:00Z"}); err == nil {
			t.Error("ended before it began: got no error")
		}
		if _, err := server.EndLink(t.Context(), &programv1.EndLinkRequest{Id: made.GetId(), ValidUntil: "2026-02-01T00:00:00Z"}); err != nil {
			t.Fatal(err)
		}
		for at, want := range map[string]int{"2025-12-31T23:59:59Z": 0, "2026-01-01T00:00:00Z": 1, "2026-01-31T23:59:59Z": 1, "2026-02-01T00:00:00Z": 0} {
			got, err := server.ListLinks(t.Context(), &programv1.ListLinksRequest{ResourceId: "memory.vm-1", At: at})
			if err != nil || len(got.GetLinks()) != want {
				t.Errorf("at %s: got %v, %v; want %d", at, got.GetLinks(), err, want)
			}
		}
		for range 2 { // absent is success
			if _, err := server.DeleteLink(t.Context(), &programv1.DeleteLinkRequest{Id: made.GetId()}); err != nil {
				t.Fatal(err)
			}
		}
		events, err := outbox.Read(r.store.Read, 0, 10, EventLinkChanged)
		if err != nil || len(events) != 3 {
			t.Fatalf("got %d events, %v; want of making, ending and deleting", len(events), err)
		}
		for n, e := range events {
			if e.ResourceID != "memory.vm-1" || e.Sequence != int32(n+1) || !strings.Contains(e.Payload, id) || strings.Contains(e.Payload, `"deleted":true`) != (n == 2) {
				t.Errorf("event %d: got %+v", n, e)
			}
		}
	})
}

// TestPrune forgets nonces after their time, and msgIds only after a month.
func TestPrune(t *testing.T) {
	each(t, Options{}, func(t *testing.T, r *rig) {
		r.send(t, gyt345.SeriesAdd, "", 0, series("s", "online", ""))
		var others []nonceRow // more than are looked at in one go, all over
		for i := range 2*pruneChunk + 1 {
			others = append(others, nonceRow{Key: fmt.Sprintf("%s %d", r.group, i)})
		}
		if err := db.InsertAll(r.store.Write.WithContext(t.Context()), others); err != nil {
			t.Fatal(err)
		}
		count := func(row any) (n int64) {
			if err := r.store.Write.Model(row).Count(&n).Error; err != nil {
				t.Fatal(err)
			}
			return n
		}
		for _, step := range []struct {
			after        time.Duration
			nonces, seen int64
		}{{599 * time.Second, 1, 1}, {2 * time.Second, 0, 1}, {31 * 24 * time.Hour, 0, 0}} {
			r.clock.add(step.after)
			if err := r.prune(t.Context()); err != nil {
				t.Fatal(err)
			}
			if nonces, seen := count(&nonceRow{}), count(&seenRow{}); nonces != step.nonces || seen != step.seen {
				t.Errorf("after %s: got %d nonces and %d msgIds, want %+v", step.after, nonces, seen, step)
			}
		}
		if kept := count(&messageRow{}); kept != 1 {
			t.Errorf("journal: got %d messages, want 1", kept)
		}
	})
}

// TestSearch finds by fields, parts of titles and texts, also what came after the first
// search, in pages that lose and repeat nothing.
func TestSearch(t *testing.T) {
	each(t, Options{}, func(t *testing.T, r *rig) {
		server := &programServer{Module: r.Module}
		count := func(request *programv1.ListProgramsRequest) int {
			t.Helper()
			got, err := server.ListPrograms(t.Context(), request)
			if err != nil {
				t.Fatal(err)
			}
			return len(got.GetPrograms())
		}
		for _, id := range []string{"a1", "a2", "b1"} {
			r.send(t, gyt345.ProgramAdd, "", 0, program(id, "online", `,"tags":["扶贫","Mining Town"]`))
		}
		r.send(t, gyt345.ProgramOffline, "", 0, `{"programIds":["a2","never seen"]}`)
		for name, tc := range map[string]struct {
			request *programv1.ListProgramsRequest
			want    int
		}{
			"all":              {&programv1.ListProgramsRequest{}, 3},
			"of another":       {&programv1.ListProgramsRequest{GroupId: "1"}, 0},
			"online":           {&programv1.ListProgramsRequest{Online: "true"}, 2},
			"not online":       {&programv1.ListProgramsRequest{Online: "false"}, 1},
			"title":            {&programv1.ListProgramsRequest{Title: "集 A"}, 2},
			"text":             {&programv1.ListProgramsRequest{Text: "mining"}, 3},
			"field":            {&programv1.ListProgramsRequest{Fields: []string{"tags=mining town", "title=集 b1"}}, 1},
			"field's part":     {&programv1.ListProgramsRequest{Fields: []string{"tags=mining"}}, 0},
			"field's begin":    {&programv1.ListProgramsRequest{Fields: []string{"tags=mining*"}}, 3},
			"play info":        {&programv1.ListProgramsRequest{Fields: []string{"playInfos.definition=hd"}}, 3},
			"wildcards of SQL": {&programv1.ListProgramsRequest{Text: "%"}, 0},
		} {
			if got := count(tc.request); got != tc.want {
				t.Errorf("%s: got %d, want %d", name, got, tc.want)
			}
		}
		r.send(t, gyt345.ProgramAdd, "", 0, program("a3", "online", ""))
		if got := count(&programv1.ListProgramsRequest{Title: "a"}); got != 3 {
			t.Errorf("after another came: got %d, want 3", got)
		}
		seen := map[string]bool{}
		token := ""
		for {
			page, err := server.ListPrograms(t.Context(), &programv1.ListProgramsRequest{PageSize: 1, PageToken: token})
			if err != nil || len(page.GetPrograms()) != 1 || seen[page.GetPrograms()[0].GetId()] {
				t.Fatalf("got %v, %v", page, err)
			}
			seen[page.GetPrograms()[0].GetId()] = true
			if token = page.GetNextPageToken(); token == "" {
				break
			}
		}
		if len(seen) != 4 {
			t.Errorf("got %d programs on all pages, want 4", len(seen))
		}
	})
}
