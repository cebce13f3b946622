package programs

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	programv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/program/v1"
	"github.com/yunqiao/yunqiao/programs/gyt345"
)

// TestIndexKeepsNoBodies: of large records the index keeps what it searches.
func TestIndexKeepsNoBodies(t *testing.T) {
	heap := func() int64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	x := &index{byID: map[string]*entry{}}
	before := heap()
	for i := range 64 {
		id := fmt.Sprintf("p%d", i)
		metadata := program(id, "online", `,"summary":"`+strings.Repeat("s", 1<<20)+`"`)
		if x.put(id, KindProgram, "g", id, "online", true, metadata) == nil {
			t.Fatal("not in the index")
		}
	}
	if grown := heap() - before; grown > 4<<20 {
		t.Errorf("64 records of 1 MiB take %d KiB, want little", grown>>10)
	}
	runtime.KeepAlive(x)
}

// TestSearchLongFields finds by addresses, summaries and the status that holds.
func TestSearchLongFields(t *testing.T) {
	each(t, Options{}, func(t *testing.T, r *rig) {
		long := strings.Repeat("很长的简介 ", 40)
		r.send(t, gyt345.SeriesAdd, "", 0, series("s1", "online", `,"summary":"矿工的儿子","hImageUrl":"https://i.example/H-1"`))
		r.send(t, gyt345.SeriesAdd, "", 0, series("s2", "online", fmt.Sprintf(`,"summary":%q,"description":"d"`, long+"A")))
		r.send(t, gyt345.SeriesAdd, "", 0, series("s3", "online", fmt.Sprintf(`,"summary":%q`, long+"B")))
		r.send(t, gyt345.SeriesOffline, "", 0, `{"seriesIds":["s1"]}`)
		r.send(t, gyt345.ProgramAdd, "", 0, program("p1", "online", `,"thumbnail":"https://i.example/t"`))
		find := func(field string) (int, error) {
			if field == "thumbnail=https://i.example/t" || strings.HasPrefix(field, "playInfos.") {
				got, err := (&programServer{Module: r.Module}).ListPrograms(t.Context(), &programv1.ListProgramsRequest{Fields: []string{field}})
				return len(got.GetPrograms()), err
			}
			got, err := (&seriesServer{Module: r.Module}).ListSeries(t.Context(), &programv1.ListSeriesRequest{Fields: []string{field}})
			return len(got.GetSeries()), err
		}
		for field, want := range map[string]int{
			"status=offline":                                  1,
			"status=online":                                   2,
			"summary=矿工的儿子":                                   1,
			"summary=矿工*":                                     1,
			"summary=矿工":                                      0,
			"summary=很长*":                                     2,
			"summary=" + long + "a":                           1,
			"summary=" + long:                                 0,
			"description=D":                                   1,
			"vImageUrl=https://i.example/v":                   3,
			"hImageUrl=https://i.example/h*":                  1,
			"thumbnail=https://i.example/t":                   1,
			"playInfos.playUrl=https://cdn.example/p1.m3u8":   1,
			"playInfos.playUrl=https://cdn.example/*":         1,
			"playInfos.playUrl=https://cdn.example/none.m3u8": 0,
		} {
			if got, err := find(field); err != nil || got != want {
				t.Errorf("%s: got %d, %v; want %d", field, got, err, want)
			}
		}
		if _, err := find("summary=" + long + "*"); err == nil {
			t.Error("a beginning that is longer than what is kept: got no error")
		}
		r.send(t, gyt345.SeriesUpdate, "", 0, series("s1", "online", ""))
		if got, err := find("status=online"); err != nil || got != 3 {
			t.Errorf("online again: got %d, %v; want 3", got, err)
		}
	})
}

// TestIndexLoadsAgain: what a load that failed midway has read is there once.
func TestIndexLoadsAgain(t *testing.T) {
	each(t, Options{}, func(t *testing.T, r *rig) {
		r.send(t, gyt345.ProgramAdd, "", 0, program("p1", "online", ""))
		if err := r.index.load(t.Context()); err != nil { // and no note that it was done
			t.Fatal(err)
		}
		got, err := (&programServer{Module: r.Module}).ListPrograms(t.Context(), &programv1.ListProgramsRequest{})
		if err != nil || len(r.index.sorted) != 1 || len(got.GetPrograms()) != 1 {
			t.Errorf("got %d entries, %v, %v; want one", len(r.index.sorted), got, err)
		}
	})
}
