package outward

import (
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"syscall"
	"time"
)

// Policy says where connections may lead.
type Policy struct {
	// Private allows loopback and private addresses.
	Private bool
	// Setting is the configuration's name of Private, for the error.
	Setting string
}

// Control is what net.Dialer and others call before they connect.
func (p Policy) Control(_, address string, _ syscall.RawConn) error {
	to, err := netip.ParseAddrPort(address)
	if err != nil {
		return err
	}
	ip := to.Addr().Unmap()
	if p.Private || ip.IsGlobalUnicast() && !ip.IsPrivate() {
		return nil
	}
	return fmt.Errorf("%s is no public address, and %s is off", ip, p.Setting)
}

// Dialer connects within 10 s.
func (p Policy) Dialer() *net.Dialer {
	return &net.Dialer{Timeout: 10 * time.Second, Control: p.Control}
}

// Client follows no redirection; config may be nil. Who made it closes its idle
// connections.
func (p Policy) Client(timeout time.Duration, config *tls.Config) *http.Client {
	return &http.Client{
		Timeout: timeout,
		Transport: &http.Transport{
			DialContext: p.Dialer().DialContext, TLSClientConfig: config, TLSHandshakeTimeout: 10 * time.Second, MaxIdleConnsPerHost: 4,
			ResponseHeaderTimeout: 30 * time.Second,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}
