package main

import (
	"log/slog"
	"os"

	"github.com/yunqiao/yunqiao/drivers/memory/memcloud"
	"github.com/yunqiao/yunqiao/drivers/sdk"
)

func main() {
	d, err := newDriver(memcloud.Options{})
	if err != nil {
		slog.New(slog.NewJSONHandler(os.Stderr, nil)).Error("read the contract", slog.String("error", err.Error()))
		os.Exit(1)
	}
	sdk.Serve(d)
}
