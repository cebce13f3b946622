package gyt345_test

import (
	"context"

	"github.com/yunqiao/yunqiao/programs/gyt345"
)

// accepting settles everything without a store.
type accepting struct{}

func (accepting) Settle(_ context.Context, r *gyt345.Received) error {
	if r.Verdict != nil {
		return r.Verdict
	}
	return nil
}

func (accepting) Refused(context.Context, *gyt345.Received) {}
