package billing_test

import (
	"bytes"
	"encoding/csv"
	"slices"
	"testing"

	"github.com/xuri/excelize/v2"
)

// readTable reads an export back.
func readTable(t *testing.T, format string, document []byte) [][]string {
	t.Helper()
	if format != "xlsx" {
		return must[[][]string](t)(csv.NewReader(bytes.NewReader(document)).ReadAll())
	}
	file := must[*excelize.File](t)(excelize.OpenReader(bytes.NewReader(document)))
	defer file.Close()
	return must[[][]string](t)(file.GetRows("costs-1"))
}

func indexOf(t *testing.T, head []string, column string) int {
	t.Helper()
	n := slices.Index(head, column)
	if n < 0 {
		t.Fatalf("there is no column %s in %v", column, head)
	}
	return n
}
