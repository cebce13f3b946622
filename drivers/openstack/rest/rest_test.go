package rest

import (
	"encoding/json"
	"testing"
	"time"
)

func TestMark(t *testing.T) {
	t.Parallel()
	for _, description := range []string{"", "text", "ends with [yq:x]", "二"} {
		marked := Mark(description, "request")
		if len(marked) != len(description)+32 {
			t.Errorf("Mark(%q) = %q", description, marked)
		}
		if got := Unmarked(marked); got != description {
			t.Errorf("Unmarked(%q) = %q, want %q", marked, got, description)
		}
		if got := Unmarked(description); got != description {
			t.Errorf("Unmarked(%q) = %q", description, got)
		}
		if got := description + Marker(marked); got != marked {
			t.Errorf("description and its marker are %q, want %q", got, marked)
		}
	}
	if Mark("a", "one") == Mark("a", "two") || Mark("a", "one") != Mark("a", "one") {
		t.Error("the mark does not tell requests apart, or is not the same for repeats")
	}
	if got := Mark("text", ""); got != "text" {
		t.Errorf("without a request: %q", got)
	}
}

func TestTimestamps(t *testing.T) {
	t.Parallel()
	want := time.Date(2026, 11, 20, 13, 0, 47, 0, time.UTC)
	for name, tc := range map[string]struct {
		body string
		want time.Time
	}{
		"with zone":    {`{"created_at":"2026-11-20T13:00:47Z"}`, want},
		"without zone": {`{"created_at":"2026-11-20T13:00:47"}`, want},
		"null":         {`{"created_at":null}`, time.Time{}},
		"absent":       {`{}`, time.Time{}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got Common
			if err := json.Unmarshal([]byte(tc.body), &got); err != nil || !got.CreatedAt.Equal(tc.want) {
				t.Errorf("%s: %v, want %v (%v)", tc.body, got.CreatedAt, tc.want, err)
			}
		})
	}
	if err := json.Unmarshal([]byte(`{"created_at":"yesterday"}`), &Common{}); err == nil {
		t.Error("no error for what is no time")
	}
}
