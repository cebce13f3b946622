package app

import (
	"crypto/tls"
	"net"

	"github.com/yunqiao/yunqiao/gateway/pipeline"
)

// TLSConfig makes the HTTP face speak HTTPS. Changed files are taken up while the
// gateway runs.
type TLSConfig struct {
	CertFile     string `yaml:"cert_file"`      // chain in PEM, the gateway's own first
	KeyFile      string `yaml:"key_file"`       // private key in PEM
	ClientCAFile string `yaml:"client_ca_file"` // authorities in PEM, one of which every client's certificate must be of
	MinVersion   string `yaml:"min_version"`    // 1.2, 1.3
	// Without client_ca_file: clients that have a certificate show it, for partners of
	// programs that must.
	AskClients bool `yaml:"ask_clients"`
}

// LimitsConfig is how many calls each caller may make.
type LimitsConfig struct {
	User         RateConfig `yaml:"user"`
	Key          RateConfig `yaml:"key"`
	Organization RateConfig `yaml:"organization"`
	AnonymousIP  RateConfig `yaml:"anonymous_ip"` // calls without credentials, which are log-ins, and with refused ones
}

// RateConfig is a rate for ever, and how much it may be exceeded after a pause. A
// rate of 0 sets no limit.
type RateConfig struct {
	Rate  float64 `yaml:"rate"` // calls per second
	Burst int     `yaml:"burst"`
}

// defaultLimits are above what a small gateway can serve: what callers may share
// of a larger one is for its operator to say.
func defaultLimits() LimitsConfig {
	return LimitsConfig{
		User: RateConfig{50_000, 100_000}, Key: RateConfig{50_000, 100_000}, Organization: RateConfig{100_000, 200_000},
		AnonymousIP: RateConfig{20, 200},
	}
}

func (r RateConfig) rate() pipeline.Rate { return pipeline.Rate{PerSecond: r.Rate, Burst: r.Burst} }

func (l LimitsConfig) rates() pipeline.Rates {
	return pipeline.Rates{User: l.User.rate(), Key: l.Key.rate(), Organization: l.Organization.rate(), AnonymousIP: l.AnonymousIP.rate()}
}

// tlsVersions are the values of min_version.
func tlsVersions() map[string]uint16 {
	return map[string]uint16{"1.2": tls.VersionTLS12, "1.3": tls.VersionTLS13}
}

// report takes a problem with a key.
type report func(key, format string, args ...any)

func (c *Config) validateTransport(bad report) {
	if c.HTTP.MaxHeaderBytes < 4<<10 || c.HTTP.MaxHeaderBytes > 1<<20 {
		bad("http.max_header_bytes", "%d is not in 4096..1048576", c.HTTP.MaxHeaderBytes)
	}
	if c.HTTP.MaxURLBytes < 1<<10 || c.HTTP.MaxURLBytes > c.HTTP.MaxHeaderBytes {
		bad("http.max_url_bytes", "%d is not in 1024..http.max_header_bytes", c.HTTP.MaxURLBytes)
	}
	if c.HTTP.MaxConcurrentRequests < 1 || c.HTTP.MaxConcurrentRequests > 1_000_000 {
		bad("http.max_concurrent_requests", "%d is not in 1..1000000", c.HTTP.MaxConcurrentRequests)
	}
	if _, known := tlsVersions()[c.TLS.MinVersion]; !known {
		bad("tls.min_version", "%q is neither 1.2 nor 1.3", c.TLS.MinVersion)
	}
	if (c.TLS.CertFile == "") != (c.TLS.KeyFile == "") {
		bad("tls", "cert_file and key_file are needed together")
	}
	if c.TLS.ClientCAFile != "" && c.TLS.CertFile == "" {
		bad("tls.client_ca_file", "needs cert_file and key_file")
	}
	if c.TLS.AskClients && c.TLS.CertFile == "" {
		bad("tls.ask_clients", "needs cert_file and key_file")
	}
	switch {
	case c.TLS.CertFile != "" && c.PlainHTTP:
		bad("plain_http", "contradicts tls")
	case c.TLS.CertFile == "" && !c.PlainHTTP && !loopback(c.Listen):
		bad("plain_http", "%s can be reached from other machines: set tls.cert_file and tls.key_file, or plain_http: true to do without encryption", c.Listen)
	}
}

func (l LimitsConfig) validate(bad report) {
	for _, r := range []struct {
		key string
		RateConfig
	}{{"user", l.User}, {"key", l.Key}, {"organization", l.Organization}, {"anonymous_ip", l.AnonymousIP}} {
		if r.Rate < 0 || r.Rate > 1e6 {
			bad("limits."+r.key+".rate", "%v is not in 0..1000000 calls a second", r.Rate)
		}
		if r.Rate > 0 && (r.Burst < 1 || r.Burst > 1e6) {
			bad("limits."+r.key+".burst", "%d is not in 1..1000000 calls", r.Burst)
		}
	}
}

// loopback tells whether only this machine reaches an address.
func loopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return true // reported as such
	}
	return host == "localhost" || net.ParseIP(host).IsLoopback()
}
