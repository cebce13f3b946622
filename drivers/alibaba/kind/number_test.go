package kind_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"testing"

	"github.com/yunqiao/yunqiao/drivers/alibaba/api"
	"github.com/yunqiao/yunqiao/drivers/alibaba/kind"
)

// numberedCloud serves a list by page numbers.
type numberedCloud struct {
	ids   []string
	calls int
}

type item struct{ ID string }

func (c *numberedCloud) Call(_ context.Context, _ api.Product, _ string, params api.Params, out any) error {
	c.calls++
	number, _ := strconv.Atoi(params["PageNumber"])
	size, _ := strconv.Atoi(params["PageSize"])
	begin := min((number-1)*size, len(c.ids))
	var items string
	for i, id := range c.ids[begin:min(begin+size, len(c.ids))] {
		if i > 0 {
			items += ","
		}
		items += fmt.Sprintf(`{"ID":%q}`, id)
	}
	return json.Unmarshal(fmt.Appendf(nil, `{"Items":[%s],"TotalCount":%d}`, items, len(c.ids)), out)
}

func (c *numberedCloud) remove(id string) {
	c.ids = slices.DeleteFunc(c.ids, func(v string) bool { return v == id })
}

type listRequest struct {
	size  int32
	token string
}

func (listRequest) GetIds() []string       { return nil }
func (r listRequest) GetPageSize() int32   { return r.size }
func (r listRequest) GetPageToken() string { return r.token }

func items() kind.Kind[item] {
	return kind.Kind[item]{Type: "x.y", Product: api.VPC, Action: "DescribeX", Items: "Items", MaxPage: 50, ID: func(v *item) string { return v.ID }}
}

func names(count int) []string {
	var ids []string
	for i := range count {
		ids = append(ids, fmt.Sprintf("x-%03d", (i*37)%count))
	}
	return ids
}

// TestPagesOfAShortListLoseNothing deletes between two pages what the first showed.
func TestPagesOfAShortListLoseNothing(t *testing.T) {
	t.Parallel()
	cloud := &numberedCloud{ids: names(20)}
	left := slices.Clone(cloud.ids)
	seen := map[string]int{}
	for token, first := "", true; first || token != ""; first = false {
		page, err := items().Find(t.Context(), cloud, listRequest{3, token}, api.Params{})
		if err != nil || len(page.Items) > 3 {
			t.Fatalf("%d items, %v", len(page.Items), err)
		}
		for _, v := range page.Items {
			seen[v.ID]++
		}
		if len(page.Items) > 0 {
			cloud.remove(page.Items[0].ID)
		}
		token = page.Next
	}
	for _, id := range left {
		if seen[id] != 1 {
			t.Errorf("%s was seen %d times", id, seen[id])
		}
	}
}

func TestPagesOfALongListAreTheClouds(t *testing.T) {
	t.Parallel()
	for _, size := range []int32{20, 50, 500} {
		cloud := &numberedCloud{ids: names(130)}
		seen, pages := map[string]int{}, 0
		for token, first := "", true; first || token != ""; first = false {
			page, err := items().Find(t.Context(), cloud, listRequest{size, token}, api.Params{})
			if err != nil {
				t.Fatal(err)
			}
			pages++
			for _, v := range page.Items {
				seen[v.ID]++
			}
			token = page.Next
		}
		if len(seen) != 130 || cloud.calls > pages+1 {
			t.Errorf("size %d: %d items on %d pages in %d calls", size, len(seen), pages, cloud.calls)
		}
	}
}

// TestListThatOutgrowsAPage goes on after the id that it has come to.
func TestListThatOutgrowsAPage(t *testing.T) {
	t.Parallel()
	cloud := &numberedCloud{ids: names(40)}
	first, err := items().Find(t.Context(), cloud, listRequest{30, ""}, api.Params{})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 30 {
		cloud.ids = append(cloud.ids, fmt.Sprintf("z-%03d", i))
	}
	seen := len(first.Items)
	for token := first.Next; token != ""; {
		page, err := items().Find(t.Context(), cloud, listRequest{30, token}, api.Params{})
		if err != nil {
			t.Fatal(err)
		}
		seen += len(page.Items)
		token = page.Next
	}
	if seen != 70 {
		t.Errorf("%d items, want 70", seen)
	}
}
