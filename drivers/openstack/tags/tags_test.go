package tags_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/yunqiao/yunqiao/drivers/openstack/tags"
)

func TestToProto(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		in   []string
		want map[string]string
	}{
		"none":          {nil, map[string]string{}},
		"key and value": {[]string{"env=prod"}, map[string]string{"env": "prod"}},
		"key alone":     {[]string{"gold"}, map[string]string{"gold": ""}},
		"second equals": {[]string{"q=a=b"}, map[string]string{"q": "a=b"}},
		"ours":          {[]string{"yqreq-abc", "yunqiao-owner=x", "a=1"}, map[string]string{"a": "1"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tc.want, tags.ToProto(tc.in)); diff != "" {
				t.Errorf("ToProto(%q) (-want +got):\n%s", tc.in, diff)
			}
		})
	}
}

func TestFromProto(t *testing.T) {
	t.Parallel()
	got := tags.FromProto(map[string]string{"b": "2", "a": ""}, []string{"yqreq-abc", "old=1"})
	if diff := cmp.Diff([]string{"a=", "b=2", "yqreq-abc"}, got); diff != "" {
		t.Errorf("FromProto (-want +got):\n%s", diff)
	}
	if got := tags.FromProto(nil, nil); got == nil || len(got) != 0 {
		t.Errorf("FromProto(nil, nil) = %#v, want an empty list", got)
	}
}

func TestMatch(t *testing.T) {
	t.Parallel()
	user := map[string]string{"env": "prod", "q": "a=b"}
	for filter, want := range map[string]bool{
		"": true, "env": true, "env=prod": true, "env=test": false, "none": false, "q=a=b": true, "env=": false,
	} {
		if got := tags.Match(user, filter); got != want {
			t.Errorf("Match(%q) = %v, want %v", filter, got, want)
		}
	}
}
