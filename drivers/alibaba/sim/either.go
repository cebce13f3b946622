package sim

import (
	"bufio"
	"crypto/tls"
	"net"
	"time"
)

const (
	// tlsHandshake is the first byte that a TLS client sends; no HTTP method begins so.
	tlsHandshake = 0x16
	// firstByteTime is how long a client may take to send anything.
	firstByteTime = 10 * time.Second
)

// Either makes a listener of one that takes HTTP and HTTPS at one address: clients that
// are told to use HTTP may still use HTTPS for single calls.
func Either(l net.Listener, config *tls.Config) net.Listener {
	e := &either{Listener: l, config: config, ready: make(chan net.Conn), ended: make(chan struct{})}
	go e.accept()
	return e
}

type either struct {
	net.Listener
	config *tls.Config
	ready  chan net.Conn
	ended  chan struct{} // closed once err is set
	err    error
}

// accept hands connections on as soon as their first byte is there, until the listener
// ends.
func (e *either) accept() {
	for {
		conn, err := e.Listener.Accept()
		if err != nil {
			e.err = err
			close(e.ended)
			return
		}
		go e.sort(conn)
	}
}

func (e *either) sort(conn net.Conn) {
	_ = conn.SetReadDeadline(time.Now().Add(firstByteTime)) // a connection that refuses it ends by its first read
	peeked := &peekedConn{conn, bufio.NewReader(conn)}
	first, err := peeked.r.Peek(1)
	if err != nil {
		_ = conn.Close() // nothing was said on it
		return
	}
	_ = conn.SetReadDeadline(time.Time{}) // as above
	var sorted net.Conn = peeked
	if first[0] == tlsHandshake {
		sorted = tls.Server(peeked, e.config)
	}
	select {
	case e.ready <- sorted:
	case <-e.ended:
		_ = conn.Close() // nobody takes it any more
	}
}

// Accept waits for the next connection that has said something.
func (e *either) Accept() (net.Conn, error) {
	select {
	case conn := <-e.ready:
		return conn, nil
	case <-e.ended:
		return nil, e.err
	}
}

// peekedConn is a connection of which a byte has been looked at.
type peekedConn struct {
	net.Conn
	r *bufio.Reader
}

func (c *peekedConn) Read(b []byte) (int, error) { return c.r.Read(b) }
