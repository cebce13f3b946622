package session

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"

	"github.com/yunqiao/yunqiao/drivers/sdk"
)

func TestPagesWhoseLastItemsAreGone(t *testing.T) {
	t.Parallel()
	var ids []string
	for i := range 9 {
		ids = append(ids, fmt.Sprintf("00000000-0000-4000-8000-%012d", i))
	}
	errGone := errors.New("no such marker")
	token := PageToken(ids[:6], func(id *string) string { return *id })
	for name, tc := range map[string]struct {
		gone []string
		want string
	}{
		"none":          {nil, ids[6]},
		"the last":      {ids[5:6], ids[6]},
		"the last two":  {ids[4:6], ids[6]},
		"and the next":  {ids[5:7], ids[7]},
		"all it names":  {ids[2:6], ""},
		"others before": {ids[:5], ids[6]},
	} {
		got, err := After(t.Context(), token, func(err error) bool { return errors.Is(err, errGone) }, func(_ context.Context, marker string) (string, error) {
			at := slices.Index(ids, marker)
			if slices.Contains(tc.gone, marker) {
				return "", errGone
			}
			for _, id := range ids[at+1:] {
				if !slices.Contains(tc.gone, id) {
					return id, nil
				}
			}
			return "", nil
		})
		if got != tc.want || tc.want == "" && sdk.ReasonOf(err) != apiv1.Reason_REASON_PAGE_TOKEN_INVALID {
			t.Errorf("%s: the next page begins with %s, %v; want %s", name, got, err, tc.want)
		}
	}
	for _, token := range []string{"x", ids[0] + ",x", ",", ids[0] + "," + ids[1] + "," + ids[2] + "," + ids[3] + "," + ids[4]} {
		_, err := After(t.Context(), token, func(error) bool { return false }, func(context.Context, string) (int, error) { return 0, nil })
		if sdk.ReasonOf(err) != apiv1.Reason_REASON_PAGE_TOKEN_INVALID {
			t.Errorf("token %q: %v", token, err)
		}
	}
}
