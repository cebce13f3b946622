package kind_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"testing"

	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"

	"github.com/yunqiao/yunqiao/drivers/alibaba/api"
	"github.com/yunqiao/yunqiao/drivers/alibaba/kind"
	"github.com/yunqiao/yunqiao/drivers/sdk"
)

// tokenCloud serves a list by tokens, never fewer than ten items a page.
type tokenCloud []string

func (c tokenCloud) Call(_ context.Context, _ api.Product, _ string, params api.Params, out any) error {
	begin, _ := strconv.Atoi(params["NextToken"])
	size, _ := strconv.Atoi(params["MaxResults"])
	end := min(begin+max(size, 10), len(c))
	answer := struct {
		Items     []item
		NextToken string
	}{}
	for _, id := range c[begin:end] {
		answer.Items = append(answer.Items, item{id})
	}
	if end < len(c) {
		answer.NextToken = strconv.Itoa(end)
	}
	text, err := json.Marshal(answer)
	if err != nil {
		return err
	}
	return json.Unmarshal(text, out)
}

func tokenItems() kind.Kind[item] {
	k := items()
	k.Paging, k.MaxPage, k.MinPage = kind.Tokens, 50, 10
	return k
}

// TestPagesByTokens asks for pages below the cloud's smallest, and for other sizes
// from page to page.
func TestPagesByTokens(t *testing.T) {
	t.Parallel()
	for _, sizes := range [][]int32{{3}, {10}, {50}, {500}, {3, 20}, {20, 3}, {4, 7, 10}} {
		t.Run(fmt.Sprint(sizes), func(t *testing.T) {
			t.Parallel()
			cloud := tokenCloud(names(47))
			seen := map[string]int{}
			token := ""
			for turn := 0; turn == 0 || token != ""; turn++ {
				size := sizes[turn%len(sizes)]
				page, err := tokenItems().Find(t.Context(), cloud, listRequest{size, token}, api.Params{})
				if err != nil || len(page.Items) == 0 || len(page.Items) > int(size) {
					t.Fatalf("page %d: %d items, %v", turn, len(page.Items), err)
				}
				for _, v := range page.Items {
					seen[v.ID]++
				}
				token = page.Next
			}
			for _, id := range cloud {
				if seen[id] != 1 {
					t.Errorf("%s was seen %d times", id, seen[id])
				}
			}
		})
	}
}

// TestResourceGroup leaves out what the cloud lists of the default group, on pages and
// in a whole, also where a page has nothing else.
func TestResourceGroup(t *testing.T) {
	t.Parallel()
	cloud := tokenCloud(names(47))
	k := tokenItems()
	k.Group = func(v *item) string {
		if slices.Contains(cloud[12:31], v.ID) {
			return ""
		}
		return "rg-1"
	}
	want := append(slices.Clone(cloud[:12]), cloud[31:]...)
	params := api.Params{}.Set("ResourceGroupId", "rg-1")
	var seen tokenCloud
	token := ""
	for first := true; first || token != ""; first = false {
		page, err := k.Find(t.Context(), cloud, listRequest{10, token}, params)
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range page.Items {
			seen = append(seen, v.ID)
		}
		token = page.Next
	}
	if !slices.Equal(seen, want) {
		t.Errorf("pages hold %v, want %v", seen, want)
	}
	for group, want := range map[string]int{"rg-1": len(want), "": len(cloud)} {
		all, err := k.All(t.Context(), cloud, api.Params{}.Set("ResourceGroupId", group))
		if err != nil || len(all) != want {
			t.Errorf("group %q has %d, want %d: %v", group, len(all), want, err)
		}
	}
}

func TestPagesOfAWhole(t *testing.T) {
	t.Parallel()
	idOf := func(v *item) string { return v.ID }
	var all []item
	for _, id := range names(7) {
		all = append(all, item{id})
	}
	var seen []item
	token := ""
	for first := true; first || token != ""; first = false {
		page, err := kind.Slice(all, listRequest{3, token}, idOf)
		if err != nil {
			t.Fatal(err)
		}
		seen = append(seen, page.Items...)
		token = page.Next
	}
	if fmt.Sprint(seen) != fmt.Sprint(all) {
		t.Errorf("pages hold %v, want %v", seen, all)
	}
}

func TestForeignPageTokens(t *testing.T) {
	t.Parallel()
	for _, token := range []string{"x", "0", "-1", "x:abc", "-1:abc", ":"} {
		_, err := tokenItems().Find(t.Context(), tokenCloud{}, listRequest{3, token}, api.Params{})
		if got := sdk.ReasonOf(err); got != apiv1.Reason_REASON_PAGE_TOKEN_INVALID {
			t.Errorf("token %q by tokens: %v", token, got)
		}
		_, err = kind.Slice([]item{}, listRequest{3, token}, func(v *item) string { return v.ID })
		if got := sdk.ReasonOf(err); got != apiv1.Reason_REASON_PAGE_TOKEN_INVALID {
			t.Errorf("token %q of a whole: %v", token, got)
		}
	}
}
