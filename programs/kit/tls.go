package kit

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"os"

	"github.com/yunqiao/yunqiao/programs/gyt345"
)

// outgoingTLS are the flags of a side that calls over TLS.
type outgoingTLS struct {
	Cert string `type:"existingfile" and:"tls" help:"Our certificate in PEM with its chain, for mutual TLS."`
	Key  string `type:"existingfile" and:"tls" help:"Its key in PEM."`
	CA   string `name:"ca" type:"existingfile" help:"Authorities of the other side in PEM; default: those of the system."`
}

// http gives a client for the flags; nil: the default.
func (o *outgoingTLS) http() (*http.Client, error) {
	if o.Cert == "" && o.CA == "" {
		return nil, nil
	}
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	var err error
	if config.RootCAs, err = pool(o.CA); err != nil {
		return nil, err
	}
	if o.Cert != "" {
		pair, err := tls.LoadX509KeyPair(o.Cert, o.Key)
		if err != nil {
			return nil, err
		}
		config.Certificates = []tls.Certificate{pair}
	}
	return gyt345.NewHTTPClient(config), nil
}

// incomingTLS are the flags of a side that is called over TLS.
type incomingTLS struct {
	Cert string `type:"existingfile" and:"tls" help:"Certificate in PEM with its chain; with it the addresses are https."`
	Key  string `type:"existingfile" and:"tls" help:"Its key in PEM."`
	CA   string `name:"ca" type:"existingfile" help:"Authorities in PEM: callers must show a certificate of one of them."`
}

// config is that of the server; nil: no TLS.
func (i *incomingTLS) config() (*tls.Config, error) {
	if i.Cert == "" {
		if i.CA != "" {
			return nil, errors.New("--ca needs --cert and --key")
		}
		return nil, nil
	}
	pair, err := tls.LoadX509KeyPair(i.Cert, i.Key)
	if err != nil {
		return nil, err
	}
	config := &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{pair}}
	if i.CA == "" {
		return config, nil
	}
	config.ClientAuth = tls.RequireAndVerifyClientCert
	config.ClientCAs, err = pool(i.CA)
	return config, err
}

// pool reads authorities from a file; "" is nil, those of the system.
func pool(file string) (*x509.CertPool, error) {
	if file == "" {
		return nil, nil
	}
	raw, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	p := x509.NewCertPool()
	if !p.AppendCertsFromPEM(raw) {
		return nil, fmt.Errorf("%s: has no certificate in PEM", file)
	}
	return p, nil
}
