package notify

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log/slog"
	"net"
	"net/mail"
	"net/url"
	"time"

	"github.com/yunqiao/yunqiao/internal/outward"
	monitorv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/monitor/v1"
)

// Target is one third party.
type Target struct {
	ID            string
	Kind          monitorv1.ChannelKind
	Address       string
	Secret        string // WEBHOOK: key; SNMP: community or password; EMAIL: password
	Snmp          *monitorv1.SnmpTarget
	Mail          *monitorv1.MailTarget
	CACertificate string // PEM
}

// Sender tells one third party.
type Sender interface {
	// Send tells of changes, in their order. taken is how many of them, from the first,
	// the receiver has, also with an error.
	Send(ctx context.Context, records []*monitorv1.AlarmRecord) (taken int, err error)
	// Close gives connections back.
	Close()
}

// Options tunes senders. The zero value reaches public addresses only.
type Options struct {
	Policy outward.Policy
	Host   string // our name in syslog and e-mail; default: localhost
	Now    func() time.Time
}

// Problem is what is wrong with a field of a target, in words for who set it.
type Problem struct{ Field, Text string }

func (p *Problem) Error() string { return p.Field + " " + p.Text }

const minSecret = 16 // of webhooks
const minSnmpPassword = 8

// Check tells what is wrong with a target before it is stored.
func (t *Target) Check() error {
	u, err := url.Parse(t.Address)
	if err != nil || u.Host == "" || u.User != nil {
		return &Problem{"address", "must be scheme://host without credentials"}
	}
	schemes := map[monitorv1.ChannelKind][]string{
		monitorv1.ChannelKind_CHANNEL_KIND_WEBHOOK:      {"http", "https"},
		monitorv1.ChannelKind_CHANNEL_KIND_ALERTMANAGER: {"http", "https"},
		monitorv1.ChannelKind_CHANNEL_KIND_SNMP:         {"udp"},
		monitorv1.ChannelKind_CHANNEL_KIND_SYSLOG:       {"udp", "tcp", "tls"},
		monitorv1.ChannelKind_CHANNEL_KIND_EMAIL:        {"smtp", "smtps"},
	}[t.Kind]
	known := false
	for _, scheme := range schemes {
		known = known || scheme == u.Scheme
	}
	if !known {
		return &Problem{"address", fmt.Sprintf("must begin with one of %v for this kind", schemes)}
	}
	if !t.byHTTP() && (u.Path != "" || u.RawQuery != "") {
		return &Problem{"address", "must be scheme://host:port"}
	}
	if _, err := t.tlsConfig(u.Hostname()); err != nil {
		return &Problem{"ca_certificate", "holds no certificate"}
	}
	switch t.Kind {
	case monitorv1.ChannelKind_CHANNEL_KIND_WEBHOOK:
		if n := len(t.Secret); n > 0 && n < minSecret {
			return &Problem{"secret", "needs at least 16 characters"}
		}
	case monitorv1.ChannelKind_CHANNEL_KIND_SNMP:
		return t.checkSNMP()
	case monitorv1.ChannelKind_CHANNEL_KIND_EMAIL:
		return t.checkMail()
	default:
	}
	return nil
}

func (t *Target) byHTTP() bool {
	return t.Kind == monitorv1.ChannelKind_CHANNEL_KIND_WEBHOOK || t.Kind == monitorv1.ChannelKind_CHANNEL_KIND_ALERTMANAGER
}

func (t *Target) checkSNMP() error {
	if t.Snmp.GetAuth() == monitorv1.NotifySnmpAuth_NOTIFY_SNMP_AUTH_UNSPECIFIED {
		if t.Secret == "" || t.Snmp.GetUser() != "" || t.Snmp.GetPrivacyPassword() != "" {
			return &Problem{"secret", "must be the community, for v2c, without user and privacy_password"}
		}
		return nil
	}
	if t.Snmp.GetUser() == "" {
		return &Problem{"snmp.user", "is required with v3"}
	}
	if len(t.Secret) < minSnmpPassword {
		return &Problem{"secret", "needs at least 8 characters with v3"}
	}
	if n := len(t.Snmp.GetPrivacyPassword()); n > 0 && n < minSnmpPassword {
		return &Problem{"snmp.privacy_password", "needs at least 8 characters"}
	}
	return nil
}

func (t *Target) checkMail() error {
	if t.Mail == nil {
		return &Problem{"mail", "is required for this kind"}
	}
	if _, err := mail.ParseAddress(t.Mail.GetFrom()); err != nil {
		return &Problem{"mail.from", "is no address"}
	}
	for i, to := range t.Mail.GetTo() {
		if _, err := mail.ParseAddress(to); err != nil {
			return &Problem{fmt.Sprintf("mail.to[%d]", i), "is no address"}
		}
	}
	return nil
}

// tlsConfig trusts the target's certificates, or those of this machine.
func (t *Target) tlsConfig(host string) (*tls.Config, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: host}
	if t.CACertificate == "" {
		return config, nil
	}
	config.RootCAs = x509.NewCertPool()
	if !config.RootCAs.AppendCertsFromPEM([]byte(t.CACertificate)) {
		return nil, fmt.Errorf("no certificate in %d bytes", len(t.CACertificate))
	}
	return config, nil
}

// Open makes the sender of a target that has been checked.
func Open(log *slog.Logger, t Target, opts Options) (Sender, error) {
	if opts.Now == nil {
		opts.Now = time.Now
	}
	if opts.Host == "" {
		opts.Host = "localhost"
	}
	u, err := url.Parse(t.Address)
	if err != nil {
		return nil, err
	}
	config, err := t.tlsConfig(u.Hostname())
	if err != nil {
		return nil, err
	}
	switch t.Kind {
	case monitorv1.ChannelKind_CHANNEL_KIND_SNMP:
		return openSNMP(log, t, withPort(u, "162"), opts)
	case monitorv1.ChannelKind_CHANNEL_KIND_SYSLOG:
		port := map[string]string{"udp": "514", "tcp": "601", "tls": "6514"}[u.Scheme]
		return &syslogSender{scheme: u.Scheme, address: withPort(u, port), tls: config, opts: opts}, nil
	case monitorv1.ChannelKind_CHANNEL_KIND_EMAIL:
		port := map[string]string{"smtp": "25", "smtps": "465"}[u.Scheme]
		return &mailSender{target: t, host: u.Hostname(), address: withPort(u, port), implicit: u.Scheme == "smtps", tls: config, opts: opts}, nil
	case monitorv1.ChannelKind_CHANNEL_KIND_ALERTMANAGER:
		return &alertmanagerSender{poster: newPoster(opts, config), target: t, now: opts.Now}, nil
	default:
		return &webhookSender{poster: newPoster(opts, config), target: t, now: opts.Now}, nil
	}
}

func withPort(u *url.URL, port string) string {
	if u.Port() != "" {
		port = u.Port()
	}
	return net.JoinHostPort(u.Hostname(), port)
}
