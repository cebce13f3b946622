package edge_test

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/yunqiao/yunqiao/gateway/edge"
	"github.com/yunqiao/yunqiao/plugin-proto/contract"
)

// sections is an edge with an interface of its own below /own/.
func sections(t *testing.T, handler http.HandlerFunc, own edge.Section) *httptest.Server {
	t.Helper()
	own.Prefix = "/own/"
	own.Refuse = func(w http.ResponseWriter, status int, retry time.Duration) {
		w.WriteHeader(status)
		_, _ = fmt.Fprintf(w, "own %d %s", status, retry)
	}
	c, err := contract.Linked()
	if err != nil {
		t.Fatal(err)
	}
	e, err := edge.New(slog.New(slog.DiscardHandler), c, anybody{}, nil, edge.Options{
		MaxURLBytes: 100, MaxConcurrent: 1, Sections: []edge.Section{own},
		Raw: []edge.RawRoute{{Method: http.MethodPost, Pattern: "/own/v1/x", Public: true, Handler: handler}},
	})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(e)
	t.Cleanup(server.Close)
	return server
}

func call(t *testing.T, method, url string) string {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(response.Body)
	if err := errors.Join(err, response.Body.Close()); err != nil {
		t.Fatal(err)
	}
	return fmt.Sprint(response.StatusCode, " ", string(text))
}

func TestSectionAnswersInItsOwnForm(t *testing.T) {
	server := sections(t, func(http.ResponseWriter, *http.Request) { panic("of a test") }, edge.Section{MaxConcurrent: 1, MaxPerAddress: 1, BodyTimeout: time.Minute})
	for request, want := range map[string]string{
		"POST /own/v1/x":       "500 own 500 0s",
		"POST /own/v1/nothing": "404 own 404 0s",
		"POST /own/v1/x/":      "404 own 404 0s",
		"GET /own/":            "404 own 404 0s",
		"PROPFIND /own/v1/x":   "405 own 405 0s",
		"POST /own/v1/x?q=" + strings.Repeat("a", 100): "413 own 413 0s",
		"POST /other/v1/x": `404 {"code":40401`,
		"POST /other/v1/x?" + strings.Repeat("a", 100):  `413 {"code":41301`,
		"POST /operation/v1/operation/list?q=PROPFINDS": `405 {"code":40501`,
	} {
		method, target, _ := strings.Cut(request, " ")
		if got := call(t, method, server.URL+target); !strings.HasPrefix(got, want) {
			t.Errorf("%s: got %s, want %s", request, got, want)
		}
	}
}

func TestSectionIsBoundedByItself(t *testing.T) {
	for name, own := range map[string]edge.Section{
		"all together": {MaxConcurrent: 2, MaxPerAddress: 9, BodyTimeout: time.Minute},
		"one address":  {MaxConcurrent: 9, MaxPerAddress: 2, BodyTimeout: time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			inside, leave := make(chan struct{}, 9), make(chan struct{})
			server := sections(t, func(http.ResponseWriter, *http.Request) { inside <- struct{}{}; <-leave }, own)
			answers := make(chan string)
			for range 2 {
				go func() { answers <- call(t, http.MethodPost, server.URL+"/own/v1/x") }()
				<-inside
			}
			if got := call(t, http.MethodPost, server.URL+"/own/v1/x"); got != "503 own 503 1s" {
				t.Errorf("the third: got %s", got)
			}
			close(leave)
			for range 2 {
				if got := <-answers; got != "200 " {
					t.Errorf("got %s", got)
				}
			}
			if got := call(t, http.MethodPost, server.URL+"/own/v1/x"); got != "200 " {
				t.Errorf("afterwards: got %s", got)
			}
		})
	}
}

// A body that does not come frees its place.
func TestSectionDoesNotWaitForABody(t *testing.T) {
	read := make(chan error, 1)
	server := sections(t, func(_ http.ResponseWriter, r *http.Request) {
		_, err := io.ReadAll(r.Body)
		read <- err
	}, edge.Section{MaxConcurrent: 1, MaxPerAddress: 1, BodyTimeout: 20 * time.Millisecond})
	var dialer net.Dialer
	connection, err := dialer.DialContext(t.Context(), "tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close()
	if _, err := io.WriteString(connection, "POST /own/v1/x HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n{"); err != nil {
		t.Fatal(err)
	}
	if err := <-read; !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("got %v", err)
	}
}
