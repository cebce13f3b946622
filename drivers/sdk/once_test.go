package sdk

import (
	"strings"
	"testing"
	"time"
)

func TestBegan(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	made := time.Date(2026, 11, 20, 11, 58, 0, 0, time.UTC)
	millis := made.UnixMilli()
	v7 := []byte{byte(millis >> 40), byte(millis >> 32), byte(millis >> 24), byte(millis >> 16), byte(millis >> 8), byte(millis), 0x70, 0, 0x80, 0, 0, 0, 0, 0, 0, 1}
	for name, tc := range map[string]struct {
		id   string
		want time.Time
	}{
		"a UUID that tells":        {hexOf(v7), made.Add(-clockSkew)},
		"a UUID that does not":     {"b46eb0ad80b446feae9b868774c2b900", now.Add(-longestRequest)},
		"a client's own words":     {"order 17", now.Add(-longestRequest)},
		"hex digits of other size": {"abcd", now.Add(-longestRequest)},
	} {
		if got := (Call{RequestID: tc.id}).Began(now); !got.Equal(tc.want) {
			t.Errorf("%s: got %v, want %v", name, got, tc.want)
		}
	}
}

func hexOf(b []byte) string {
	const digits = "0123456789abcdef"
	var out strings.Builder
	for _, c := range b {
		out.WriteByte(digits[c>>4])
		out.WriteByte(digits[c&15])
	}
	return out.String()
}
