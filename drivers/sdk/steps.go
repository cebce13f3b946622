package sdk

import (
	"context"
	"errors"
	"slices"
	"strings"

	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
)

// JoinStep spells a next step that carries ids or other short values, for
// SetNextStep. Neither name nor values hold colons or commas.
func JoinStep(name string, values ...string) string {
	return name + ":" + strings.Join(values, ",")
}

// Step reads the values of the next step that JoinStep spelled with this name;
// false: the call is not that step.
func (c Call) Step(name string) (values []string, ok bool) {
	list, ok := strings.CutPrefix(c.NextStep, name+":")
	if !ok || list == "" {
		return nil, ok
	}
	return strings.Split(list, ","), true
}

// IsRefusal tells whether an error says that the cloud did not do what it was
// asked. After any other it may have done it, or may still do it: then what was
// made for it stays, and the repeat of the call finds it by its marker.
func IsRefusal(err error) bool {
	switch ReasonOf(err) {
	case apiv1.Reason_REASON_UNSPECIFIED, apiv1.Reason_REASON_CLOUD_ERROR, apiv1.Reason_REASON_CLOUD_TIMEOUT,
		apiv1.Reason_REASON_CLOUD_UNAVAILABLE, apiv1.Reason_REASON_DEADLINE_EXCEEDED, apiv1.Reason_REASON_DRIVER_FAULT:
		return false
	default:
		return true
	}
}

// TakeBack undoes in reverse order what a call made before it was refused. It
// does nothing unless IsRefusal(err), and returns err, joined with what could
// not be undone:
//
//	port, err := createPort(ctx)
//	…
//	server, err := createServer(ctx, port)
//	if err != nil {
//		return nil, sdk.TakeBack(ctx, err, func(ctx context.Context) error { return deletePort(ctx, port) })
//	}
func TakeBack(ctx context.Context, err error, undo ...func(context.Context) error) error {
	if !IsRefusal(err) {
		return err
	}
	for _, f := range slices.Backward(undo) {
		if left := f(ctx); left != nil {
			err = errors.Join(err, left)
		}
	}
	return err
}
