package app

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
)

// TestPartnersAreAnsweredAsInAnnexC calls what is no interface of GY/T 345: partners know
// no envelope of ours (N47).
func TestPartnersAreAnsweredAsInAnnexC(t *testing.T) {
	gateway := started(t, func(*Config) {})
	for name, tc := range map[string]struct {
		method, target string
		status         int
		answer         string
	}{
		"wrong path":           {http.MethodPost, "/gyt345/v1/nothing", 404, "path"},
		"slash at the end":     {http.MethodPost, "/gyt345/v1/series/", 404, "path"},
		"no path":              {http.MethodGet, "/gyt345/", 404, "path"},
		"wrong method":         {http.MethodGet, "/gyt345/v1/series", 405, "method"},
		"method of WebDAV":     {"PROPFIND", "/gyt345/v1/series", 405, "method"},
		"long query":           {http.MethodPost, "/gyt345/v1/series?groupId=" + strings.Repeat("a", 9<<10), 400, "query"},
		"no body, no settings": {http.MethodPost, "/gyt345/v1/series", 400, "Content-Type"},
	} {
		t.Run(name, func(t *testing.T) {
			request, err := http.NewRequestWithContext(t.Context(), tc.method, gateway.URL()+tc.target, http.NoBody)
			if err != nil {
				t.Fatal(err)
			}
			response, err := http.DefaultClient.Do(request)
			if err != nil {
				t.Fatal(err)
			}
			body, err := io.ReadAll(response.Body)
			if err := errors.Join(err, response.Body.Close()); err != nil {
				t.Fatal(err)
			}
			want := `{"code":"InvalidParameter","msg":"The specified parameter \"` + tc.answer + `\" is not valid."}`
			if response.StatusCode != tc.status || string(body) != want || response.Header.Get("Content-Type") != "application/json; charset=utf-8" {
				t.Errorf("got %d %s, want %d %s", response.StatusCode, body, tc.status, want)
			}
		})
	}
}
