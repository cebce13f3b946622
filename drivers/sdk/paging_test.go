package sdk_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/yunqiao/yunqiao/drivers/sdk"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	computev1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/compute/v1"
)

func itself(s string) string { return s }

func TestCutPage(t *testing.T) {
	t.Parallel()
	all := []string{"d", "a", "c", "b", "e"}
	for name, tc := range map[string]struct {
		size  int32
		token string
		page  []string
		next  string
	}{
		"first":           {2, "", []string{"a", "b"}, "b"},
		"middle":          {2, "b", []string{"c", "d"}, "d"},
		"last":            {2, "d", []string{"e"}, ""},
		"whole":           {5, "", []string{"a", "b", "c", "d", "e"}, ""},
		"default size":    {0, "", []string{"a", "b", "c", "d", "e"}, ""},
		"token that went": {2, "bb", []string{"c", "d"}, "d"},
		"behind the end":  {2, "z", nil, ""},
	} {
		page, next := sdk.CutPage(all, itself, &computev1.ListVmsRequest{PageSize: tc.size, PageToken: tc.token})
		if !slices.Equal(page, tc.page) || next != tc.next {
			t.Errorf("%s: got %v, %q; want %v, %q", name, page, next, tc.page, tc.next)
		}
	}
	if page, next := sdk.CutPage(nil, itself, &computev1.ListVmsRequest{}); len(page) != 0 || next != "" {
		t.Errorf("of nothing: %v, %q", page, next)
	}
}

func TestPickIDs(t *testing.T) {
	t.Parallel()
	found, missing := sdk.PickIDs([]string{"a", "b", "c", "b"}, itself, []string{"b", "x", "a"})
	if !slices.Equal(found, []string{"a", "b"}) || !slices.Equal(missing, []string{"x"}) {
		t.Errorf("got %v, missing %v", found, missing)
	}
}

func TestReadAll(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	for name, tc := range map[string]struct {
		next map[string]string // token after each token
		fail string            // token of the page that cannot be read
		want int
		err  apiv1.Reason
	}{
		"one page":    {map[string]string{"": ""}, "-", 1, 0},
		"three pages": {map[string]string{"": "b", "b": "c", "c": ""}, "-", 3, 0},
		"no end":      {map[string]string{"": "b", "b": "b"}, "-", 0, apiv1.Reason_REASON_CLOUD_ERROR},
		"an error":    {map[string]string{"": "b", "b": ""}, "b", 0, apiv1.Reason_REASON_DRIVER_FAULT},
	} {
		got, err := sdk.ReadAll(t.Context(), func(_ context.Context, token string) ([]string, string, error) {
			if token == tc.fail {
				return nil, "", broken
			}
			return []string{token}, tc.next[token], nil
		})
		if len(got) != tc.want || sdk.ReasonOf(err) != tc.err {
			t.Errorf("%s: got %v, %v", name, got, err)
		}
	}
}

// A cloud that answers lists whole is cut into pages by the driver.
func ExampleCutPage() {
	networks := []string{"net-c", "net-a", "net-b"}
	req := &computev1.ListVmsRequest{PageSize: 2}
	for {
		page, next := sdk.CutPage(networks, func(id string) string { return id }, req)
		fmt.Println(page)
		if next == "" {
			return
		}
		req.PageToken = next
	}
	// Output:
	// [net-a net-b]
	// [net-c]
}

// A cloud that cuts its lists is read to the end where all is needed.
func ExampleReadAll() {
	pages := map[string][]string{"": {"i-1", "i-2"}, "page-2": {"i-3"}}
	following := map[string]string{"": "page-2"}
	all, err := sdk.ReadAll(context.Background(), func(_ context.Context, token string) ([]string, string, error) {
		return pages[token], following[token], nil
	})
	fmt.Println(all, err)
	// Output: [i-1 i-2 i-3] <nil>
}
