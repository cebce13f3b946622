package rowid_test

import (
	"regexp"
	"testing"

	"github.com/yunqiao/yunqiao/internal/rowid"
)

func TestNew(t *testing.T) {
	t.Parallel()
	look := regexp.MustCompile(`^[0-9a-f]{12}7[0-9a-f]{3}[89ab][0-9a-f]{15}$`)
	last := ""
	for range 10_000 {
		id := rowid.New()
		if !look.MatchString(id) {
			t.Fatalf("%q is no UUIDv7 in hexadecimal digits", id)
		}
		if id <= last {
			t.Fatalf("%q does not sort after %q", id, last)
		}
		last = id
	}
}
