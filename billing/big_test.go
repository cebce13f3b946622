package billing_test

import (
	"bufio"
	"encoding/csv"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"gorm.io/gorm"

	"github.com/yunqiao/yunqiao/billing"
	"github.com/yunqiao/yunqiao/billing/ledger"
	"github.com/yunqiao/yunqiao/internal/db/dbtest"
	"github.com/yunqiao/yunqiao/internal/money"
)

// TestBigExport writes YUNQIAO_BILLING_EXPORT lines (a million, say) in each format
// and wants to stay below 128 MiB of resident memory. LibreOffice opens the workbook
// then, and its cells add up to what the lines come to.
func TestBigExport(t *testing.T) {
	lines, err := strconv.Atoi(os.Getenv("YUNQIAO_BILLING_EXPORT"))
	if err != nil {
		t.Skip("YUNQIAO_BILLING_EXPORT says no number of lines")
	}
	f := open(t, dbtest.SQLite(t))
	var exact money.Amount
	for round := range (lines + benchLines - 1) / benchLines {
		rows := benchRows(min(benchLines, lines-round*benchLines), round, "a")
		for n := range rows {
			exact += money.Amount(rows[n].Cost)
		}
		if err := f.store.Write.Transaction(func(tx *gorm.DB) error { return ledger.Append(tx, rows) }); err != nil {
			t.Fatal(err)
		}
	}
	workbook := filepath.Join(t.TempDir(), "costs.xlsx")
	for _, format := range []string{billing.FormatCSV, billing.FormatFOCUS, billing.FormatXLSX} {
		forgetPeak(t)
		start := time.Now()
		file := must[*os.File](t)(os.Create(workbook)) // the last one stays
		n := counter{Writer: file}
		err := ledger.Snapshot(t.Context(), f.store, func(tx *gorm.DB) error { return f.Export(tx, &n, ledger.Filter{}, format) })
		if err := errors.Join(err, file.Close()); err != nil {
			t.Fatal(err)
		}
		peak := peakMiB(t)
		t.Logf("%s: %d lines, %d MiB in %s, at most %d MiB resident", format, lines, n.bytes>>20, time.Since(start).Round(time.Millisecond), peak)
		if peak > 128 {
			t.Errorf("%s: %d MiB resident, want at most 128", format, peak)
		}
	}
	openedByLibreOffice(t, workbook, lines, exact)
}

// openedByLibreOffice has LibreOffice open a workbook and write what its cells show.
func openedByLibreOffice(t *testing.T, workbook string, lines int, exact money.Amount) {
	t.Helper()
	program, err := exec.LookPath("soffice")
	if err != nil {
		t.Fatal("LibreOffice is needed to open the workbook: apt-get install --no-install-recommends libreoffice-calc")
	}
	start, dir := time.Now(), t.TempDir()
	// Comma, quote, UTF-8, from the first row on, cells as they are shown, all sheets.
	command := exec.CommandContext(t.Context(), program, "-env:UserInstallation=file://"+filepath.Join(dir, "profile"), "--headless", "--convert-to",
		"csv:Text - txt - csv (StarCalc):44,34,76,1,,0,false,true,false,false,false,-1", "--outdir", dir, workbook)
	if out, err := command.CombinedOutput(); err != nil {
		t.Fatalf("soffice: %v\n%s", err, out)
	}
	sheets := must[[]string](t)(filepath.Glob(filepath.Join(dir, "*.csv")))
	rows := 0
	var texts, numbers money.Amount
	for _, name := range sheets {
		file := must[*os.File](t)(os.Open(name))
		table := csv.NewReader(bufio.NewReader(file))
		table.ReuseRecord = true
		head := slices.Clone(must[[]string](t)(table.Read()))
		text, number := indexOf(t, head, "billed_cost"), indexOf(t, head, "billed_rounded")
		for {
			row, err := table.Read()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			rows++
			texts += must[money.Amount](t)(money.ParseAmount(row[text]))
			numbers += must[money.Amount](t)(money.ParseAmount(row[number]))
		}
		if err := file.Close(); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("LibreOffice: %d rows in %d sheets in %s, texts %s, numbers %s", rows, len(sheets), time.Since(start).Round(time.Millisecond), texts, numbers)
	if rows != lines || texts != exact || numbers != exact.Round(2, money.HalfUp) {
		t.Errorf("want %d rows, texts %s, numbers %s", lines, exact, exact.Round(2, money.HalfUp))
	}
}

// counter counts what is written.
type counter struct {
	io.Writer
	bytes int64
}

func (c *counter) Write(p []byte) (int, error) {
	n, err := c.Writer.Write(p)
	c.bytes += int64(n)
	return n, err
}

// forgetPeak lets peakMiB begin anew, without the memory that is free.
func forgetPeak(t *testing.T) {
	t.Helper()
	debug.FreeOSMemory()
	if err := os.WriteFile("/proc/self/clear_refs", []byte("5"), 0); err != nil {
		t.Skip("the peak cannot be begun anew: ", err)
	}
}

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
