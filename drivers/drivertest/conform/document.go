package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/yunqiao/yunqiao/drivers/drivertest"
)

// printDocument prints reports as docs/conformance.md.
func printDocument(_ context.Context, files []string, stdout io.Writer) (holds bool, err error) {
	if len(files) == 0 {
		return false, errors.New("--document needs reports")
	}
	var reports []drivertest.Report
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			return false, err
		}
		var report drivertest.Report
		if err := json.Unmarshal(content, &report); err != nil {
			return false, fmt.Errorf("%s: %w", file, err)
		}
		reports = append(reports, report)
	}
	return true, drivertest.WriteDocument(stdout, reports)
}
