package programs

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/yunqiao/yunqiao/internal/db"
	"github.com/yunqiao/yunqiao/internal/db/dbtest"
	programv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/program/v1"
	"github.com/yunqiao/yunqiao/programs/gyt345"
)

const notice = "https://tv.example/notice.m3u8"

// playing is a program with one play URL of a name.
func playing(id, file, rest string) string {
	return fmt.Sprintf(`{"programId":%q,"title":"t","category":"c","definition":"HD","status":"online","playInfos":[{"videoId":"v","definition":"HD","playUrl":"https://cdn.example/%s"}]%s}`, id, file, rest)
}

func listing(series string, programs ...string) string {
	list := ""
	for i, p := range programs {
		if i > 0 {
			list += ","
		}
		list += fmt.Sprintf(`{"programId":%q,"seriesId":%q,"title":"t","programType":"正片","seq":1,"status":"online"}`, p, series)
	}
	return `,"seriesPrograms":[` + list + `]`
}

func purge(files ...string) []string { return asked("purge https://cdn.example/%s", files) }

// takeOff is what a CDN with a notice is asked for.
func takeOff(files ...string) []string {
	return append(purge(files...), asked("redirect https://cdn.example/%s "+notice, files)...)
}

func asked(format string, files []string) []string {
	var out []string
	for _, f := range files {
		out = append(out, fmt.Sprintf(format, f))
	}
	return out
}

func (r *rig) lift(t *testing.T, id string) {
	t.Helper()
	if _, err := (&emergencyServer{Module: r.Module}).LiftEmergency(t.Context(), &programv1.LiftEmergencyRequest{Id: id}); err != nil {
		t.Fatal(err)
	}
}

// TestProgramsLeaveALockedSeries: the partner can take programs out of a series, but not
// out of the emergency that was confirmed while they were in it.
func TestProgramsLeaveALockedSeries(t *testing.T) {
	each(t, Options{}, func(t *testing.T, r *rig) {
		r.send(t, gyt345.SeriesAdd, "", 0, series("s", "online", listing("s", "listed", "both", "own")))
		r.send(t, gyt345.SeriesAdd, "", 0, series("other", "online", ""))
		for id, in := range map[string]string{"listed": "", "own": "", "both": inSeries("both", "s"), "named": inSeries("named", "s"), "joins": "", "apart": ""} {
			r.send(t, gyt345.ProgramAdd, "", 0, program(id, "online", in))
		}
		r.takeOff(t, programv1.RecordKind_RECORD_KIND_PROGRAM, "own")
		id := r.takeOff(t, programv1.RecordKind_RECORD_KIND_SERIES, "s")
		r.clock.add(time.Second)
		for _, p := range []string{"listed", "both", "named"} {
			r.send(t, gyt345.ProgramUpdate, "", 0, program(p, "online", ""))
		}
		r.send(t, gyt345.SeriesUpdate, "in", 0, series("s", "online", listing("s", "joins")))
		if !r.get(t, KindProgram, "joins").Locked {
			t.Error("a program came into the series and is not locked")
		}
		r.send(t, gyt345.SeriesUpdate, "out", 0, series("s", "online", `,"seriesPrograms":[]`))
		r.send(t, gyt345.ProgramUpdate, "", 0, program("named", "online", inSeries("named", "other")))
		for _, p := range []string{"listed", "both", "named", "own"} {
			if row := r.get(t, KindProgram, p); row.Online || !row.Locked {
				t.Errorf("%s left the series: got online %v, locked %v", p, row.Online, row.Locked)
			}
		}
		for _, p := range []string{"joins", "apart"} {
			if !r.get(t, KindProgram, p).Online {
				t.Errorf("%s was not in the series when it was taken off, nor is now: got offline", p)
			}
		}
		var told []string
		err := r.store.Read.Model(&changeRow{}).Where("record_key = ?", recordKey(KindProgram, r.group, "joins")).Order("position").Pluck("msg_id", &told).Error
		if err != nil || len(told) != 3 || !slices.Equal(told[1:], []string{"in", "out"}) {
			t.Errorf("messages of the versions of joins: got %q, %v", told, err)
		}
		r.lift(t, id)
		for p, want := range map[string]bool{"listed": true, "both": true, "named": true, "own": false} {
			if got := r.get(t, KindProgram, p); got.Online != want || got.Locked == want {
				t.Errorf("lifted, %s: got online %v, want %v", p, got.Online, want)
			}
		}
	})
}

// TestURLsChangeUnderALock: what a program had when it was taken off and what it got
// since leaves the CDN, and comes back, together.
func TestURLsChangeUnderALock(t *testing.T) {
	network := &recordingCDN{}
	each(t, Options{CDNs: []Network{{CDN: network, Notice: notice}}}, func(t *testing.T, r *rig) {
		network.set(false)
		network.taken()
		newPlatform(t, r)
		check := func(what string, err error, want []string) {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
			if got := network.taken(); !slices.Equal(got, want) {
				t.Errorf("%s: got %q, want %q", what, got, want)
			}
		}
		deliver := func(what string, want ...string) { t.Helper(); check(what, r.deliverDue(t.Context()), want) }
		follow := func(what string, want ...string) {
			t.Helper()
			check(what, r.follow(t.Context(), r.opts.CDNs[0]), want)
		}
		follow("new")
		r.send(t, gyt345.ProgramAdd, "", 0, playing("p", "a", ""))
		r.send(t, gyt345.ProgramAdd, "", 0, playing("q", "q", ""))
		follow("online", purge("a", "q")...)

		network.set(true)
		r.send(t, gyt345.ProgramAdd, "", 0, playing("p", "old", ""))
		r.send(t, gyt345.ProgramAdd, "", 0, playing("p", "b", ""))
		first := r.takeOff(t, programv1.RecordKind_RECORD_KIND_PROGRAM, "p")
		deliver("out of order")
		r.send(t, gyt345.ProgramUpdate, "", 0, playing("p", "c", ""))
		network.set(false)
		r.clock.add(2 * time.Minute)
		deliver("works again", takeOff("a", "b", "c", "old")...)
		follow("works again", takeOff("c")...)

		r.send(t, gyt345.ProgramUpdate, "", 0, playing("p", "d", ""))
		follow("another after all was confirmed", takeOff("d")...)
		r.send(t, gyt345.ProgramUpdate, "", 0, playing("q", "a", ""))
		follow("another program with the URL", purge("q")...)

		second := r.takeOff(t, programv1.RecordKind_RECORD_KIND_PROGRAM, "p")
		deliver("a second emergency", takeOff("a", "b", "c", "d", "old")...)
		r.send(t, gyt345.ProgramUpdate, "", 0, playing("p", "e", ""))
		r.lift(t, first)
		deliver("the first is lifted")
		follow("after it", takeOff("e")...)
		r.send(t, gyt345.ProgramUpdate, "", 0, playing("p", "f", ""))
		r.lift(t, second)
		deliver("both are lifted", purge("a", "b", "c", "d", "e", "f", "old")...)
		follow("what came before")
		if row := r.get(t, KindProgram, "p"); !row.Online {
			t.Errorf("lifted: got %+v", row)
		}
	})
}

// TestTakenURLs brings an emergency of a series from before its URLs were noted.
func TestTakenURLs(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, store *db.Store) {
		network := &recordingCDN{}
		r := newRig(t, store, Options{CDNs: []Network{{CDN: network, Notice: notice}}})
		newPlatform(t, r)
		r.send(t, gyt345.SeriesAdd, "", 0, series("s", "online", listing("s", "listed")))
		r.send(t, gyt345.ProgramAdd, "", 0, playing("listed", "a", ""))
		r.send(t, gyt345.ProgramAdd, "", 0, playing("named", "b", inSeries("named", "s")))
		id := r.takeOff(t, programv1.RecordKind_RECORD_KIND_SERIES, "s")
		for _, statement := range []string{
			"DROP TABLE programs_taken", "DELETE FROM programs_locks WHERE series = FALSE", "ALTER TABLE programs_locks DROP COLUMN series",
		} {
			if err := store.Write.Exec(statement).Error; err != nil {
				t.Fatal(err)
			}
		}
		if err := store.Write.Transaction(takenURLs); err != nil {
			t.Fatal(err)
		}
		deliver := func(want []string) {
			t.Helper()
			if err := r.deliverDue(t.Context()); err != nil {
				t.Fatal(err)
			}
			if got := network.taken(); !slices.Equal(got, want) {
				t.Errorf("got %q, want %q", got, want)
			}
		}
		r.send(t, gyt345.SeriesUpdate, "", 0, series("s", "online", `,"seriesPrograms":[]`))
		if !r.get(t, KindProgram, "listed").Locked {
			t.Error("listed left the series: got not locked")
		}
		deliver(takeOff("a", "b"))
		r.lift(t, id)
		deliver(purge("a", "b"))
	})
}
