package billing_test

import (
	"bufio"
	"io"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"gorm.io/gorm"

	"github.com/yunqiao/yunqiao/billing"
	"github.com/yunqiao/yunqiao/billing/ledger"
	"github.com/yunqiao/yunqiao/internal/db/dbtest"
)

// TestBigExport writes YUNQIAO_BILLING_EXPORT lines (a million, say) in each format
// and wants to stay below 128 MiB of resident memory.
func TestBigExport(t *testing.T) {
	lines, err := strconv.Atoi(os.Getenv("YUNQIAO_BILLING_EXPORT"))
	if err != nil {
		t.Skip("YUNQIAO_BILLING_EXPORT says no number of lines")
	}
	f := open(t, dbtest.SQLite(t))
	for round := range (lines + benchLines - 1) / benchLines {
		if err := f.store.Write.Transaction(func(tx *gorm.DB) error { return ledger.Append(tx, benchRows(benchLines, round, "a")) }); err != nil {
			t.Fatal(err)
		}
	}
	for _, format := range []string{billing.FormatCSV, billing.FormatFOCUS, billing.FormatXLSX} {
		start := time.Now()
		var n counter
		err := ledger.Snapshot(t.Context(), f.store, func(tx *gorm.DB) error { return f.Export(tx, &n, ledger.Filter{}, format) })
		if err != nil {
			t.Fatal(err)
		}
		peak := peakMiB(t)
		t.Logf("%s: %d lines, %d MiB in %s, at most %d MiB resident", format, lines, n>>20, time.Since(start).Round(time.Millisecond), peak)
		if peak > 128 {
			t.Errorf("%s: %d MiB resident, want at most 128", format, peak)
		}
	}
}

// counter counts what is written.
type counter int64

func (c *counter) Write(p []byte) (int, error) {
	*c += counter(len(p))
	return len(p), nil
}

var _ io.Writer = (*counter)(nil)

// peakMiB is the most memory that the process has had resident.
func peakMiB(t *testing.T) int {
	t.Helper()
	file, err := os.Open("/proc/self/status")
	if err != nil {
		t.Skip("there is no /proc")
	}
	defer file.Close()
	for scanner := bufio.NewScanner(file); scanner.Scan(); {
		if rest, ok := strings.CutPrefix(scanner.Text(), "VmHWM:"); ok {
			return must[int](t)(strconv.Atoi(strings.Fields(rest)[0])) >> 10
		}
	}
	t.Fatal("no VmHWM")
	return 0
}
