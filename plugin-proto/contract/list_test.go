package contract_test

import (
	"slices"
	"testing"

	"github.com/yunqiao/yunqiao/plugin-proto/contract"
)

func TestSplitList(t *testing.T) {
	for text, want := range map[string][]string{
		"": {""}, "a": {"a"}, "a,b": {"a", "b"}, ",": {"", ""}, `subTitle=a\, b`: {"subTitle=a, b"}, `a\,b,c\,d`: {"a,b", "c,d"}, `a\b\`: {`a\b\`}, "甲,乙": {"甲", "乙"},
	} {
		if got := contract.SplitList(text); !slices.Equal(got, want) {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
	for _, item := range []string{"", "a", "a,b", ",", `\`, `a\,b`, `a,b\`} {
		if got := contract.SplitList(contract.ListItem(item)); !slices.Equal(got, []string{item}) {
			t.Errorf("%q: got %q", item, got)
		}
	}
}
