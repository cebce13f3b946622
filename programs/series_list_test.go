package programs

import (
	"fmt"
	"strings"
	"testing"

	"gorm.io/gorm"

	"github.com/yunqiao/yunqiao/internal/db"
	"github.com/yunqiao/yunqiao/internal/db/dbtest"
	programv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/program/v1"
	"github.com/yunqiao/yunqiao/programs/gyt345"
)

// listOf is the member of a series that lists programs.
func listOf(series string, programs ...string) string {
	var items []string
	for i, p := range programs {
		items = append(items, fmt.Sprintf(`{"programId":%q,"seriesId":%q,"title":"t","programType":"正片","seq":%d,"status":"online"}`, p, series, i+1))
	}
	return `,"seriesPrograms":[` + strings.Join(items, ",") + "]"
}

// TestListInMetadata: the list of a series is in its record, history, feed and search.
func TestListInMetadata(t *testing.T) {
	each(t, Options{}, func(t *testing.T, r *rig) {
		for _, list := range []string{listOf("s", "l1", "l2"), listOf("s", "l3"), "", listOf("s"), ""} {
			r.send(t, gyt345.SeriesAdd, "", 0, series("s", "online", list))
		}
		r.send(t, gyt345.SeriesAdd, "", 0, series("other", "online", listOf("other", "l3")))
		server := &seriesServer{Module: r.Module}
		versions, err := server.ListSeriesVersions(t.Context(), &programv1.ListSeriesVersionsRequest{Id: recordKey(KindSeries, r.group, "s")})
		if err != nil || len(versions.GetVersions()) != 5 {
			t.Fatalf("got %v, %v", versions, err)
		}
		// newest first: the ids that the list had before and after, "-" for no difference
		for i, want := range []string{"-", "l3>", "-", "l1,l2>l3", ">l1,l2"} {
			got := "-"
			for _, c := range versions.GetVersions()[i].GetChanges() {
				if c.GetField() == "seriesPrograms" {
					got = listed(c.GetBefore()) + ">" + listed(c.GetAfter())
				}
			}
			if got != want {
				t.Errorf("version %d: got %s, want %s", 5-i, got, want)
			}
		}
		feed, err := (&changeServer{Module: r.Module}).ListChanges(t.Context(), &programv1.ListChangesRequest{})
		if err != nil {
			t.Fatal(err)
		}
		for i, want := range []string{"l1,l2", "l3", "l3", "", "", "l3"} {
			if got := listed(feed.GetChanges()[i].GetMetadata()); got != want {
				t.Errorf("change %d: got %s, want %s", i, got, want)
			}
		}
		found, err := server.ListSeries(t.Context(), &programv1.ListSeriesRequest{Fields: []string{"seriesPrograms.programId=l3"}})
		if err != nil || len(found.GetSeries()) != 1 || found.GetSeries()[0].GetRecordId() != "other" {
			t.Errorf("search: got %v, %v", found, err)
		}
	})
}

// listed are the ids in JSON text.
func listed(text string) string {
	var ids []string
	for part := range strings.SplitSeq(text, `"programId":"`) {
		if id, _, ok := strings.Cut(part, `"`); ok && strings.HasPrefix(id, "l") {
			ids = append(ids, id)
		}
	}
	return strings.Join(ids, ",")
}

// TestListsOfEarlierReleases brings lists into the metadata of a store without them.
func TestListsOfEarlierReleases(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, store *db.Store) {
		r := newRig(t, store, Options{})
		r.send(t, gyt345.SeriesAdd, "", 0, series("s", "online", ""))
		r.send(t, gyt345.SeriesAdd, "", 0, series("none", "online", ""))
		for _, p := range []string{"l1", "l2"} {
			r.send(t, gyt345.ProgramAdd, "", 0, program(p, "online", inSeries(p, "s")))
		}
		for range 2 { // again changes nothing
			if err := store.Write.Transaction(func(tx *gorm.DB) error { return listsInMetadata(tx) }); err != nil {
				t.Fatal(err)
			}
			row := r.get(t, KindSeries, "s")
			if _, err := gyt345.Parse([]byte(row.Metadata)); err != nil || listed(row.Metadata) != "l1,l2" {
				t.Errorf("got %s, %v", row.Metadata, err)
			}
			if other := r.get(t, KindSeries, "none"); strings.Contains(other.Metadata, listMember) {
				t.Errorf("a series without: got %s", other.Metadata)
			}
		}
	})
}
