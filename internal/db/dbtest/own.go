package dbtest

import "testing"

// Server is a PostgreSQL of one test alone, which it may stop.
type Server struct {
	DSN    string // of an empty database
	server *server
}

// OwnServer starts a server that ends with the test.
func OwnServer(t testing.TB) *Server {
	t.Helper()
	s, err := start()
	if err != nil {
		t.Fatalf("PostgreSQL for tests: %v", err)
	}
	t.Cleanup(func() {
		if err := s.end(); err != nil {
			t.Error(err)
		}
	})
	return &Server{DSN: s.dsn, server: s}
}

// Stop stops the server as for a restart: sessions are ended, and nobody can connect.
func (s *Server) Stop(t testing.TB) {
	t.Helper()
	if err := s.server.order("stop", "stopped"); err != nil {
		t.Fatal(err)
	}
}

// Start starts a server that was stopped.
func (s *Server) Start(t testing.TB) {
	t.Helper()
	if err := s.server.order("start", "ready"); err != nil {
		t.Fatal(err)
	}
}
