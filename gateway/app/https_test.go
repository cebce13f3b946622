package app

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/yunqiao/yunqiao/internal/certfile/certtest"
)

// selfSigned writes a certificate for 127.0.0.1 and its key, and returns the
// certificate in PEM.
func selfSigned(t *testing.T, certFile, keyFile string) []byte {
	t.Helper()
	cert, key := certtest.SelfSigned(t, "gateway", time.Now().Add(-time.Hour), time.Now().Add(time.Hour))
	for path, text := range map[string]string{certFile: cert, keyFile: key} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return []byte(cert)
}

// started runs a gateway without drivers until the test ends.
func started(t testing.TB, change func(*Config)) *App {
	t.Helper()
	config := defaultConfig()
	config.Listen, config.Data, config.Dir = "127.0.0.1:0", t.TempDir(), t.TempDir()
	change(config)
	if err := config.validate(); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	gateway, err := Start(ctx, slog.New(slog.DiscardHandler), config, noEnvironment)
	if err != nil {
		stop()
		t.Fatal(err)
	}
	ended := make(chan error)
	go func() { ended <- gateway.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil && !strings.Contains(err.Error(), http.ErrServerClosed.Error()) {
			t.Errorf("Run: %v", err)
		}
	})
	return gateway
}

func TestHTTPS(t *testing.T) {
	dir := t.TempDir()
	files := TLSConfig{CertFile: filepath.Join(dir, "cert.pem"), KeyFile: filepath.Join(dir, "key.pem"), MinVersion: "1.2"}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(selfSigned(t, files.CertFile, files.KeyFile))
	gateway := started(t, func(c *Config) { c.TLS = files })
	if !strings.HasPrefix(gateway.URL(), "https://127.0.0.1:") {
		t.Errorf("URL: got %s", gateway.URL())
	}
	for name, tc := range map[string]struct {
		url     string
		version uint16
		status  int // 0: no answer
	}{
		"TLS 1.3": {gateway.URL(), tls.VersionTLS13, http.StatusOK},
		"TLS 1.2": {gateway.URL(), tls.VersionTLS12, http.StatusOK},
		"TLS 1.1": {gateway.URL(), tls.VersionTLS11, 0},
		"plain":   {"http" + strings.TrimPrefix(gateway.URL(), "https"), 0, http.StatusBadRequest},
	} {
		t.Run(name, func(t *testing.T) {
			transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS10, MaxVersion: tc.version}}
			defer transport.CloseIdleConnections()
			request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, tc.url+"/healthz", nil)
			if err != nil {
				t.Fatal(err)
			}
			response, err := (&http.Client{Transport: transport}).Do(request)
			if err != nil {
				if tc.status != 0 {
					t.Error(err)
				}
				return
			}
			response.Body.Close()
			if response.StatusCode != tc.status {
				t.Errorf("got %d, want %d", response.StatusCode, tc.status)
			}
		})
	}
}

func TestBadCertificateStopsTheStart(t *testing.T) {
	config := defaultConfig()
	config.Listen, config.Data, config.Dir = "127.0.0.1:0", t.TempDir(), t.TempDir()
	config.TLS = TLSConfig{CertFile: "none.pem", KeyFile: "none.pem", MinVersion: "1.2"}
	_, err := Start(t.Context(), slog.New(slog.DiscardHandler), config, noEnvironment)
	if err == nil || !strings.Contains(err.Error(), "tls: ") || !strings.Contains(err.Error(), "none.pem") {
		t.Errorf("got %v", err)
	}
}

// TestLongHeaderIsRefused: net/http refuses it before a route is looked for.
func TestLongHeaderIsRefused(t *testing.T) {
	gateway := started(t, func(*Config) {})
	for size, want := range map[int]int{60 << 10: http.StatusOK, 80 << 10: http.StatusRequestHeaderFieldsTooLarge} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, gateway.URL()+"/healthz", nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("X-Long", strings.Repeat("a", size))
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if response.StatusCode != want {
			t.Errorf("%d bytes: got %d, want %d", size, response.StatusCode, want)
		}
	}
}

// TestWrongTokensAreLimited: who guesses tokens fills neither the record nor the log.
func TestWrongTokensAreLimited(t *testing.T) {
	gateway := started(t, func(c *Config) { c.Limits.AnonymousIP = RateConfig{0.01, 2} })
	for i, tc := range []struct {
		path, token string
		want        int
	}{
		{"/compute/v1/vm/list", "yq_wrong", http.StatusUnauthorized},
		{"/tenant/v1/audits/export", "yq_wrong", http.StatusUnauthorized},
		{"/compute/v1/vm/list", "yq_wrong", http.StatusTooManyRequests},
		{"/tenant/v1/audits/export", "yq_wrong", http.StatusTooManyRequests},
		{"/tenant/v1/user/list", gateway.FirstToken, http.StatusOK},
	} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, gateway.URL()+tc.path, nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Authorization", "Bearer "+tc.token)
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if response.StatusCode != tc.want {
			t.Errorf("call %d, %s: got %d, want %d", i, tc.path, response.StatusCode, tc.want)
		}
	}
}

func TestLogInsAreLimited(t *testing.T) {
	gateway := started(t, func(c *Config) { c.Limits.AnonymousIP = RateConfig{0.01, 2} })
	for i, want := range []int{http.StatusUnauthorized, http.StatusUnauthorized, http.StatusTooManyRequests} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, gateway.URL()+"/tenant/v1/token/create",
			strings.NewReader(`{"user_name":"nobody","password":"a rather long word"}`))
		if err != nil {
			t.Fatal(err)
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if response.StatusCode != want {
			t.Errorf("log-in %d: got %d, want %d", i, response.StatusCode, want)
		}
		if want != http.StatusTooManyRequests {
			continue
		}
		if wait, err := strconv.Atoi(response.Header.Get("Retry-After")); err != nil || wait < 1 || wait > 100 {
			t.Errorf("Retry-After: got %q", response.Header.Get("Retry-After"))
		}
	}
}
