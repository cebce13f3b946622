package pipeline_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/yunqiao/yunqiao/drivers/sdk"
	"github.com/yunqiao/yunqiao/gateway/pipeline"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
)

func TestStoreFaults(t *testing.T) {
	t.Parallel()
	full, bad := errors.New("disk full"), errors.New("no such column")
	cloud := sdk.NewError(apiv1.Reason_REASON_CLOUD_ERROR, sdk.Cause(full))
	for name, c := range map[string]struct {
		err  error
		want apiv1.Reason // 0: the error as it is
	}{
		"away":    {fmt.Errorf("record: %w", full), apiv1.Reason_REASON_UNAVAILABLE},
		"bad":     {bad, 0},
		"worded":  {cloud, apiv1.Reason_REASON_CLOUD_ERROR},
		"success": {nil, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			handle := pipeline.Chain(func(context.Context, *pipeline.Call) (proto.Message, error) { return nil, c.err },
				pipeline.StoreFaults(func(err error) bool { return errors.Is(err, full) }))
			_, err := handle(t.Context(), &pipeline.Call{})
			if c.want == 0 && !errors.Is(err, c.err) || c.want != 0 && sdk.ReasonOf(err) != c.want {
				t.Fatalf("got %v, want %v", err, c.want)
			}
			if c.want == apiv1.Reason_REASON_UNAVAILABLE && sdk.RetryAfterOf(err) <= 0 {
				t.Error("it does not say when to come back")
			}
		})
	}
}
