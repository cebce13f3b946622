package certfile_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/yunqiao/yunqiao/internal/certfile"
)

// authority issues certificates for 127.0.0.1.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "authority"}, NotBefore: time.Now().Add(-time.Hour),
		NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	a.cert, a.key = issue(t, template, nil)
	return a
}

// leaf issues a certificate and returns it and its key in PEM.
func (a *authority) leaf(t *testing.T, name string) (cert, key []byte) {
	t.Helper()
	leaf, private := issue(t, &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(-time.Hour),
		NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}, a)
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return toPEM("CERTIFICATE", leaf.Raw), toPEM("PRIVATE KEY", der)
}

func (a *authority) pem() []byte { return toPEM("CERTIFICATE", a.cert.Raw) }

func toPEM(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}

func issue(t *testing.T, template *x509.Certificate, by *authority) (*x509.Certificate, *ecdsa.PrivateKey) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if by == nil {
		by = &authority{template, key}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, by.cert, &key.PublicKey, by.key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return cert, key
}

// rig is a server with files that a test changes, and a clock.
type rig struct {
	authority *authority
	files     certfile.Files
	log       *syncBuffer
	address   string

	mu     sync.Mutex
	offset time.Duration
}

type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

func (r *rig) now() time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	return time.Now().Add(r.offset)
}

// later lets the time pass after which files are looked at again.
func (r *rig) later() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.offset += 3 * time.Second
}

func write(t *testing.T, path string, text []byte) {
	t.Helper()
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
}

func newRig(t *testing.T, clientCA []byte, opts certfile.Options) *rig {
	t.Helper()
	dir := t.TempDir()
	r := &rig{authority: newAuthority(t), log: &syncBuffer{}}
	r.files = certfile.Files{Cert: filepath.Join(dir, "cert.pem"), Key: filepath.Join(dir, "key.pem")}
	r.renew(t, "first")
	if clientCA != nil {
		r.files.ClientCA = filepath.Join(dir, "clients.pem")
		write(t, r.files.ClientCA, clientCA)
	}
	opts.Now = r.now
	source, err := certfile.Open(slog.New(slog.NewTextHandler(r.log, nil)), r.files, opts)
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{
		TLSConfig: source.Config(), ErrorLog: slog.NewLogLogger(slog.DiscardHandler, 0),
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.Proto) }),
	}
	var serving sync.WaitGroup
	serving.Go(func() { _ = server.ServeTLS(listener, "", "") })
	t.Cleanup(func() {
		_ = server.Close()
		serving.Wait()
	})
	r.address = listener.Addr().String()
	return r
}

func (r *rig) renew(t *testing.T, name string) {
	t.Helper()
	cert, key := r.authority.leaf(t, name)
	write(t, r.files.Cert, cert)
	write(t, r.files.Key, key)
}

// get makes a request in a new connection and tells the server certificate's name
// and the protocol.
func (r *rig) get(t *testing.T, change func(*tls.Config)) (name, proto string, err error) {
	t.Helper()
	roots := x509.NewCertPool()
	roots.AddCert(r.authority.cert)
	config := &tls.Config{RootCAs: roots}
	if change != nil {
		change(config)
	}
	transport := &http.Transport{TLSClientConfig: config, ForceAttemptHTTP2: true}
	defer transport.CloseIdleConnections()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://"+r.address, nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := (&http.Client{Transport: transport}).Do(request)
	if err != nil {
		return "", "", err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	return response.TLS.PeerCertificates[0].Subject.CommonName, string(body), err
}

func (r *rig) expect(t *testing.T, want string) {
	t.Helper()
	if got, _, err := r.get(t, nil); err != nil || got != want {
		t.Errorf("certificate: got %q, %v, want %q", got, err, want)
	}
}

func TestVersions(t *testing.T) {
	only := func(version uint16) func(*tls.Config) {
		return func(c *tls.Config) { c.MinVersion, c.MaxVersion = tls.VersionTLS10, version }
	}
	for name, tc := range map[string]struct {
		server, client uint16
		taken          bool
	}{
		"1.1":              {0, tls.VersionTLS11, false},
		"1.2":              {0, tls.VersionTLS12, true},
		"1.3":              {0, tls.VersionTLS13, true},
		"1.2 where 1.3 is": {tls.VersionTLS13, tls.VersionTLS12, false},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, nil, certfile.Options{MinVersion: tc.server})
			_, proto, err := r.get(t, only(tc.client))
			if (err == nil) != tc.taken {
				t.Fatalf("got %v, want taken: %v", err, tc.taken)
			}
			if err == nil && proto != "HTTP/2.0" {
				t.Errorf("got %s", proto)
			}
			if err != nil && !strings.Contains(err.Error(), "protocol version") {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestReload(t *testing.T) {
	r := newRig(t, nil, certfile.Options{})
	r.expect(t, "first")
	r.renew(t, "second")
	r.expect(t, "first") // not looked at yet
	r.later()
	r.expect(t, "second")

	write(t, r.files.Cert, []byte("broken"))
	for range 3 {
		r.later()
		r.expect(t, "second")
	}
	if n := strings.Count(r.log.String(), "changed certificate not used"); n != 1 {
		t.Errorf("told %d times\n%s", n, r.log)
	}
	if err := os.Remove(r.files.Cert); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		r.later()
		r.expect(t, "second")
	}
	if n := strings.Count(r.log.String(), "changed certificate not used"); n != 2 {
		t.Errorf("told %d times\n%s", n, r.log)
	}

	cert, key := r.authority.leaf(t, "third") // file by file: between them they do not fit
	write(t, r.files.Cert, cert)
	r.later()
	r.expect(t, "second")
	write(t, r.files.Key, key)
	r.later()
	r.expect(t, "third")

	before, err := os.Stat(r.files.Cert)
	if err != nil {
		t.Fatal(err)
	}
	cert, key = r.authority.leaf(t, "forth") // in the place of the other, with its time and length
	for path, text := range map[string][]byte{r.files.Cert: cert, r.files.Key: key} {
		write(t, path+".new", text)
		if err := os.Chtimes(path+".new", before.ModTime(), before.ModTime()); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(path+".new", path); err != nil {
			t.Fatal(err)
		}
	}
	r.later()
	r.expect(t, "forth")
}

func TestClientCertificates(t *testing.T) {
	clients, others := newAuthority(t), newAuthority(t)
	r := newRig(t, clients.pem(), certfile.Options{})
	with := func(a *authority) func(*tls.Config) {
		return func(c *tls.Config) {
			cert, key := a.leaf(t, "client")
			pair, err := tls.X509KeyPair(cert, key)
			if err != nil {
				t.Fatal(err)
			}
			c.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &pair, nil }
		}
	}
	if _, _, err := r.get(t, with(clients)); err != nil {
		t.Errorf("client of the authority: %v", err)
	}
	if _, _, err := r.get(t, with(others)); err == nil {
		t.Error("client of another authority was let in")
	}
	if _, _, err := r.get(t, nil); err == nil {
		t.Error("client without a certificate was let in")
	}
	write(t, r.files.ClientCA, others.pem())
	r.later()
	if _, _, err := r.get(t, with(clients)); err == nil {
		t.Error("client of the authority before was let in")
	}
	if _, _, err := r.get(t, with(others)); err != nil {
		t.Errorf("client of the new authority: %v", err)
	}
}

// TestAsking takes any certificate from who has one, and nothing from who has none.
func TestAsking(t *testing.T) {
	a := newAuthority(t)
	for _, ask := range []bool{false, true} {
		r := newRig(t, nil, certfile.Options{Ask: ask})
		shown := false
		_, _, err := r.get(t, func(c *tls.Config) {
			cert, key := a.leaf(t, "client")
			pair, err := tls.X509KeyPair(cert, key)
			if err != nil {
				t.Fatal(err)
			}
			c.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { shown = true; return &pair, nil }
		})
		if err != nil || shown != ask {
			t.Errorf("ask %v: shown %v, %v", ask, shown, err)
		}
		if _, _, err := r.get(t, nil); err != nil {
			t.Errorf("ask %v, without a certificate: %v", ask, err)
		}
	}
}

func TestBadFilesAreRefused(t *testing.T) {
	dir := t.TempDir()
	cert, key := newAuthority(t).leaf(t, "a")
	_, otherKey := newAuthority(t).leaf(t, "b")
	paths := map[string]string{}
	for name, text := range map[string][]byte{"cert": cert, "key": key, "other": otherKey, "text": []byte("text")} {
		paths[name] = filepath.Join(dir, name)
		write(t, paths[name], text)
	}
	for name, tc := range map[string]struct {
		files certfile.Files
		want  string
	}{
		"no certificate": {certfile.Files{Cert: dir + "/none", Key: paths["key"]}, "none"},
		"key of another": {certfile.Files{Cert: paths["cert"], Key: paths["other"]}, "does not match"},
		"no client CA":   {certfile.Files{Cert: paths["cert"], Key: paths["key"], ClientCA: dir + "/none"}, "none"},
		"text as CA":     {certfile.Files{Cert: paths["cert"], Key: paths["key"], ClientCA: paths["text"]}, "no certificate in it"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := certfile.Open(slog.New(slog.DiscardHandler), tc.files, certfile.Options{})
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v", err)
			}
		})
	}
}
