package sdk_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"google.golang.org/grpc/metadata"

	"github.com/yunqiao/yunqiao/drivers/sdk"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
)

// serving is the context of a call that a server serves.
func serving(ctx context.Context, pairs ...string) context.Context {
	return metadata.NewIncomingContext(ctx, metadata.Pairs(pairs...))
}

func TestMarked(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		attempt string
		there   []string
		want    string
		removed []string
	}{
		"first attempt does not look":  {"1", []string{"old"}, "new", nil},
		"repeat finds":                 {"2", []string{"old"}, "old", nil},
		"repeat of what was not made":  {"2", nil, "new", nil},
		"the oldest of several stays":  {"3", []string{"c", "a", "b"}, "a", []string{"b", "c"}},
		"an attempt that is not known": {"x", []string{"old"}, "new", nil},
	} {
		var removed []string
		got, err := sdk.Marked[string]{
			Find:    func(context.Context) ([]string, error) { return tc.there, nil },
			Create:  func(context.Context) (string, error) { return "new", nil },
			Compare: strings.Compare,
			Remove:  func(_ context.Context, twin string) error { removed = append(removed, twin); return nil },
		}.FindOrCreate(serving(t.Context(), "attempt", tc.attempt))
		if err != nil || got != tc.want || !slices.Equal(removed, tc.removed) {
			t.Errorf("%s: got %q, removed %v, %v", name, got, removed, err)
		}
	}
}

func TestTakeBack(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		err    error
		undone string
	}{
		"refused":                {sdk.NewError(apiv1.Reason_REASON_QUOTA_EXCEEDED), "ba"},
		"outcome open":           {sdk.NewError(apiv1.Reason_REASON_CLOUD_TIMEOUT), ""},
		"the caller has gone":    {context.Canceled, ""},
		"an error of the driver": {errors.New("oops"), ""},
	} {
		undone := ""
		undo := func(name string) func(context.Context) error {
			return func(context.Context) error { undone += name; return errors.New("still there: " + name) }
		}
		got := sdk.TakeBack(t.Context(), tc.err, undo("a"), undo("b"))
		if undone != tc.undone || sdk.ReasonOf(got) != sdk.ReasonOf(tc.err) {
			t.Errorf("%s: undone %q, %v", name, undone, got)
		}
		if tc.undone != "" && !strings.Contains(got.Error(), "still there: a") {
			t.Errorf("%s: what could not be undone is not told: %v", name, got)
		}
	}
}

func TestSteps(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		step   string
		values []string
		ok     bool
	}{
		"with values":    {sdk.JoinStep("ports", "p-1", "p-2"), []string{"p-1", "p-2"}, true},
		"without values": {sdk.JoinStep("ports"), nil, true},
		"another step":   {sdk.JoinStep("portsmouth", "p-1"), nil, false},
		"the first call": {"", nil, false},
	} {
		values, ok := sdk.Call{NextStep: tc.step}.Step("ports")
		if ok != tc.ok || !slices.Equal(values, tc.values) {
			t.Errorf("%s: got %v, %v", name, values, ok)
		}
	}
}

// A cloud without client tokens: the marker travels in the creating call, and a
// repeat looks for it first.
func ExampleMarked() {
	cloud := map[string]string{} // name of a disk by its tag
	create := func(ctx context.Context) (string, error) {
		tag := sdk.CallFrom(ctx).Token("")
		return sdk.Marked[string]{
			Find: func(context.Context) ([]string, error) {
				if name, found := cloud[tag]; found {
					return []string{name}, nil
				}
				return nil, nil
			},
			Create: func(context.Context) (string, error) {
				cloud[tag] = fmt.Sprintf("disk-%d", len(cloud)+1)
				return cloud[tag], nil
			},
		}.FindOrCreate(ctx)
	}
	for _, attempt := range []string{"1", "2"} {
		name, err := create(serving(context.Background(), "request-id", "r-1", "attempt", attempt))
		fmt.Println(name, err)
	}
	// Output:
	// disk-1 <nil>
	// disk-1 <nil>
}

// A cloud with client tokens gets one for each thing that a request makes.
func ExampleCall_Token() {
	call := sdk.CallFrom(serving(context.Background(), "request-id", "r-1"))
	fmt.Println(call.Token("create"), call.Token("") != call.Token("create"))
	// Output: i4o2nxoukt7edl74blmmw34mmm true
}

// What a deletion leaves behind for its next step travels in that step, for a
// driver keeps nothing.
func ExampleJoinStep() {
	step := sdk.JoinStep("ports", "p-1", "p-2") // for sdk.SetNextStep
	call := sdk.CallFrom(serving(context.Background(), "next-step", step))
	if ports, ok := call.Step("ports"); ok {
		fmt.Println("remove", ports)
	}
	// Output: remove [p-1 p-2]
}

// What was made for a request that the cloud then refuses is taken back.
func ExampleTakeBack() {
	refused := sdk.NewError(apiv1.Reason_REASON_QUOTA_EXCEEDED)
	err := sdk.TakeBack(context.Background(), refused, func(context.Context) error {
		fmt.Println("port p-1 deleted")
		return nil
	})
	fmt.Println(sdk.ReasonName(sdk.ReasonOf(err)))
	// Output:
	// port p-1 deleted
	// QUOTA_EXCEEDED
}
