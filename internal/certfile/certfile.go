package certfile

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"slices"
	"sync"
	"time"
)

// Files are paths in PEM.
type Files struct {
	Cert     string // the chain, the server's own first
	Key      string
	ClientCA string // empty: clients need no certificate
}

// Options tunes a Source. The zero value is ready for production.
type Options struct {
	MinVersion uint16        // default tls.VersionTLS12
	CheckEvery time.Duration // the files are looked at so often at most, during handshakes; default 2s
	// Ask takes a certificate of any kind from clients that have one, where ClientCA is
	// empty: that its key is theirs is all that is checked.
	Ask bool
	Now func() time.Time
}

// Source gives handshakes the configuration that the files hold now. It is safe
// for concurrent use.
type Source struct {
	log   *slog.Logger
	files Files
	opts  Options

	mu      sync.Mutex
	looked  time.Time
	seen    []fs.FileInfo // at the last try to load
	current *tls.Config
}

// Open loads the files.
func Open(log *slog.Logger, files Files, opts Options) (*Source, error) {
	if opts.MinVersion == 0 {
		opts.MinVersion = tls.VersionTLS12
	}
	if opts.CheckEvery == 0 {
		opts.CheckEvery = 2 * time.Second
	}
	if opts.Now == nil {
		opts.Now = time.Now
	}
	s := &Source{log: log, files: files, opts: opts}
	var err error
	if s.seen, err = s.look(); err != nil {
		return nil, err
	}
	if s.current, err = s.load(); err != nil {
		return nil, err
	}
	s.looked = opts.Now()
	return s, nil
}

// Config is for a server; every handshake gets what the files hold.
func (s *Source) Config() *tls.Config {
	config := s.current.Clone()
	config.GetConfigForClient = func(hello *tls.ClientHelloInfo) (*tls.Config, error) { return s.now(hello.Context()), nil }
	return config
}

// now looks at the files if it is time to. Changed files that cannot be used are
// logged once, and what was there before stays in use.
func (s *Source) now(ctx context.Context) *tls.Config {
	s.mu.Lock()
	defer s.mu.Unlock()
	at := s.opts.Now()
	if at.Sub(s.looked) < s.opts.CheckEvery {
		return s.current
	}
	s.looked = at
	found, err := s.look()
	if err == nil && slices.EqualFunc(found, s.seen, same) {
		return s.current
	}
	if err != nil && s.seen == nil {
		return s.current // told before
	}
	s.seen = found
	var next *tls.Config
	if err == nil {
		next, err = s.load()
	}
	if err != nil {
		s.log.LogAttrs(ctx, slog.LevelError, "changed certificate not used", slog.String("error", err.Error()))
		return s.current
	}
	s.current = next
	s.log.LogAttrs(ctx, slog.LevelInfo, "certificate changed",
		slog.String("file", s.files.Cert), slog.Time("not_after", next.Certificates[0].Leaf.NotAfter))
	return s.current
}

// look describes the files without reading them.
func (s *Source) look() ([]fs.FileInfo, error) {
	paths := []string{s.files.Cert, s.files.Key}
	if s.files.ClientCA != "" {
		paths = append(paths, s.files.ClientCA)
	}
	var found []fs.FileInfo
	for _, path := range paths {
		info, err := os.Stat(path)
		if err != nil {
			return nil, err // names the file
		}
		found = append(found, info)
	}
	return found, nil
}

// same tells whether a file is the one it was, unchanged. One that was put in the
// place of another with the same time is another inode.
func same(a, b fs.FileInfo) bool {
	return os.SameFile(a, b) && a.ModTime().Equal(b.ModTime()) && a.Size() == b.Size()
}

func (s *Source) load() (*tls.Config, error) {
	cert, err := tls.LoadX509KeyPair(s.files.Cert, s.files.Key)
	if err != nil {
		return nil, fmt.Errorf("certificate %s with key %s: %w", s.files.Cert, s.files.Key, err)
	}
	config := &tls.Config{
		Certificates: []tls.Certificate{cert}, MinVersion: s.opts.MinVersion, NextProtos: []string{"h2", "http/1.1"},
	}
	if s.files.ClientCA == "" {
		if s.opts.Ask {
			config.ClientAuth = tls.RequestClientCert
		}
		return config, nil
	}
	text, err := os.ReadFile(s.files.ClientCA)
	if err != nil {
		return nil, fmt.Errorf("authorities of clients: %w", err)
	}
	config.ClientCAs = x509.NewCertPool()
	if !config.ClientCAs.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("authorities of clients %s: no certificate in it", s.files.ClientCA)
	}
	config.ClientAuth = tls.RequireAndVerifyClientCert
	return config, nil
}
