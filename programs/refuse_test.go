package programs

import (
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func TestRefuse(t *testing.T) {
	for status, want := range map[int]struct {
		status int
		body   string // part of it
		retry  string
	}{
		404: {404, `"InvalidParameter"`, ""}, 405: {405, `"InvalidParameter"`, ""}, 413: {400, `\"query\"`, ""},
		503: {503, `"ServiceUnAvailable"`, "2"}, 500: {500, `"InternalError"`, ""},
	} {
		w := httptest.NewRecorder()
		Refuse(w, status, 2*time.Second)
		if w.Code != want.status || !strings.Contains(w.Body.String(), want.body) || w.Header().Get("Retry-After") != want.retry {
			t.Errorf("%d: got %d %s %v", status, w.Code, w.Body, w.Header())
		}
	}
}
