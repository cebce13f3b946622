package tags_test

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"

	"github.com/yunqiao/yunqiao/drivers/alibaba/api"
	"github.com/yunqiao/yunqiao/drivers/alibaba/tags"
)

func TestTagsInBothForms(t *testing.T) {
	t.Parallel()
	want := map[string]string{"owner": "ops"}
	for _, text := range []string{
		`{"Tag":[{"Key":"owner","Value":"ops"},{"Key":"yunqiao-create","Value":"x"},{"Key":"acs:rm","Value":"y"}]}`,
		`[{"Key":"owner","Value":"ops"},{"Key":"yunqiao-create","Value":"x"}]`,
		`{"Tag":[{"TagKey":"owner","TagValue":"ops"}]}`,
	} {
		var list tags.List
		if err := json.Unmarshal([]byte(text), &list); err != nil {
			t.Fatal(err)
		}
		if got := list.ToProto(); fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%s: %v, want %v", text, got, want)
		}
	}
	var none tags.List
	if err := json.Unmarshal([]byte("null"), &none); err != nil || len(none.All()) != 0 {
		t.Errorf("null: %v, %v", none, err)
	}
}

func TestMatch(t *testing.T) {
	t.Parallel()
	user := map[string]string{"owner": "ops", "empty": ""}
	for filter, want := range map[string]bool{
		"": true, "owner": true, "owner=ops": true, "owner=dev": false, "owner=": false,
		"empty": true, "empty=": true, "other": false, "other=": false,
	} {
		if got := tags.Match(user, filter); got != want {
			t.Errorf("filter %q: %v", filter, got)
		}
	}
}

// recorded keeps the calls.
type recorded []string

func (r *recorded) Call(_ context.Context, _ api.Product, action string, params api.Params, _ any) error {
	*r = append(*r, fmt.Sprint(action, " ", map[string]string(params)))
	return nil
}

func TestReplaceCallsForWhatDiffersOnly(t *testing.T) {
	t.Parallel()
	target := tags.Target{Product: api.VPC, Kind: "VPC", Untag: "UnTagResources", ID: "vpc-1"}
	for _, c := range []struct {
		name            string
		present, wanted map[string]string
		calls           []string
	}{
		{"same", map[string]string{"a": "1"}, map[string]string{"a": "1"}, nil},
		{"new value", map[string]string{"a": "1"}, map[string]string{"a": "2"}, []string{
			"TagResources map[ResourceId.1:vpc-1 ResourceType:VPC Tag.1.Key:a Tag.1.Value:2]",
		}},
		{"gone", map[string]string{"a": "1", "b": "2"}, nil, []string{
			"UnTagResources map[ResourceId.1:vpc-1 ResourceType:VPC TagKey.1:a TagKey.2:b]",
		}},
		{"both", map[string]string{"a": "1"}, map[string]string{"b": "2"}, []string{
			"TagResources map[ResourceId.1:vpc-1 ResourceType:VPC Tag.1.Key:b Tag.1.Value:2]",
			"UnTagResources map[ResourceId.1:vpc-1 ResourceType:VPC TagKey.1:a]",
		}},
	} {
		var calls recorded
		if err := tags.Replace(t.Context(), &calls, target, c.present, c.wanted); err != nil {
			t.Fatal(err)
		}
		if fmt.Sprint([]string(calls)) != fmt.Sprint(c.calls) {
			t.Errorf("%s: %v, want %v", c.name, calls, c.calls)
		}
	}
}
