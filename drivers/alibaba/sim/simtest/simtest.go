// Package simtest starts the simulated Alibaba Cloud in a test.
package simtest

import (
	"crypto/tls"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/yunqiao/yunqiao/drivers/alibaba/sim"
)

// Cloud is a running cloud.
type Cloud struct {
	*sim.Sim
	URL     string      // http://127.0.0.1:port, which takes https too
	TLSURL  string      // https://127.0.0.1:port
	CAFile  string      // PEM of who signed the certificate
	Account sim.Account // the first account
	Region  string
}

// Start runs a cloud until the test ends.
func Start(t testing.TB, opts sim.Options) *Cloud {
	t.Helper()
	return StartBehind(t, opts, func(cloud http.Handler) http.Handler { return cloud })
}

// StartBehind runs a cloud behind a handler that sees its requests and answers.
func StartBehind(t testing.TB, opts sim.Options, front func(cloud http.Handler) http.Handler) *Cloud {
	t.Helper()
	s, err := sim.New(opts)
	if err != nil {
		t.Fatal(err)
	}
	handler := front(s)
	authority, err := sim.NewAuthority(time.Now())
	if err != nil {
		t.Fatal(err)
	}
	plain := httptest.NewUnstartedServer(handler)
	plain.Listener = sim.Either(plain.Listener, authority.Config())
	plain.Start()
	t.Cleanup(plain.Close)
	secure := httptest.NewUnstartedServer(handler)
	// StartTLS would answer clients that name no host, only an address, with a
	// certificate of its own.
	secure.Listener = tls.NewListener(secure.Listener, authority.Config())
	secure.Start()
	t.Cleanup(secure.Close)
	file := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(file, authority.PEM(), 0o600); err != nil {
		t.Fatal(err)
	}
	return &Cloud{Sim: s, URL: plain.URL, TLSURL: strings.Replace(secure.URL, "http://", "https://", 1), CAFile: file, Account: s.Accounts()[0], Region: s.Regions()[0]}
}

// CheckClean fails the test if an answer contradicted its schema, an action panicked
// or is not simulated, or a request had a parameter that its action does not have.
func (c *Cloud) CheckClean(t testing.TB) {
	t.Helper()
	for note, n := range c.Stats().Notes {
		if !strings.HasPrefix(note, "unpublished_code") {
			t.Errorf("the cloud noticed %d times: %s", n, note)
		}
	}
}
