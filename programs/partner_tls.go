package programs

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"

	"gorm.io/gorm"

	"github.com/yunqiao/yunqiao/internal/rowid"
	programv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/program/v1"
	"github.com/yunqiao/yunqiao/programs/gyt345"
)

// SetPartnerTls implements PartnerService.
func (s *partnerServer) SetPartnerTls(ctx context.Context, request *programv1.SetPartnerTlsRequest) (*programv1.SetPartnerTlsResponse, error) {
	now := s.opts.Now()
	for field, text := range map[string]*string{
		"client_certificates": request.ClientCertificates, "server_authorities": request.ServerAuthorities, "certificate": request.Certificate,
	} {
		if text == nil || *text == "" {
			continue
		}
		found, err := certificates(*text)
		if err == nil && field == "client_certificates" && len(found) > maxCredentials {
			err = errors.New("more than two certificates")
		}
		if err == nil && now.After(found[0].NotAfter) {
			err = fmt.Errorf("the certificate has ended at %s", found[0].NotAfter.Format(time.RFC3339))
		}
		if err != nil {
			return nil, invalid(field, err.Error())
		}
	}
	if (request.GetCertificate() == "") != (request.GetPrivateKey() == "") {
		return nil, invalid("private_key", "comes with certificate")
	}
	if request.GetCertificate() != "" {
		if _, err := tls.X509KeyPair([]byte(request.GetCertificate()), []byte(request.GetPrivateKey())); err != nil {
			return nil, invalid("private_key", "is not the key of the certificate")
		}
	}
	partner, err := s.edit(ctx, request.GetId(), func(tx *gorm.DB, row *partnerRow) error {
		set(&row.ClientCertificates, request.ClientCertificates)
		set(&row.ServerAuthorities, request.ServerAuthorities)
		if request.Certificate == nil {
			return nil
		}
		row.Certificate = request.GetCertificate()
		if err := tx.Where("group_id = ? AND kind = ?", row.GroupID, credentialTLS).Delete(&credentialRow{}).Error; err != nil {
			return err
		}
		if row.Certificate == "" {
			return nil
		}
		key := credentialRow{ID: rowid.New(), GroupID: row.GroupID, Kind: credentialTLS, CreatedAt: now}
		key.Sealed = s.box.Seal([]byte(request.GetPrivateKey()), sealLabel(key))
		return tx.Create(&key).Error
	})
	return &programv1.SetPartnerTlsResponse{Partner: partner}, err
}

// certificates reads at least one certificate in PEM.
func certificates(text string) ([]*x509.Certificate, error) {
	var out []*x509.Certificate
	for rest := []byte(text); len(bytes.TrimSpace(rest)) > 0; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil || block.Type != "CERTIFICATE" {
			return nil, errors.New("holds something that is no certificate in PEM")
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, errors.New("holds a certificate that cannot be read")
		}
		out = append(out, c)
	}
	if len(out) == 0 {
		return nil, errors.New("holds no certificate")
	}
	return out, nil
}

// kept are certificates that were checked when they were set; empty: none.
func kept(text string) []*x509.Certificate {
	out, _ := certificates(text)
	return out
}

// shows tells whether a caller has shown a certificate of the partner's, if it must.
func (p *peer) shows(shown *x509.Certificate, now time.Time) bool {
	if len(p.clients) == 0 {
		return true
	}
	return shown != nil && slices.ContainsFunc(p.clients, func(c *x509.Certificate) bool {
		return c.Equal(shown) && !now.Before(c.NotBefore) && !now.After(c.NotAfter)
	})
}

func toProtoTLS(r *partnerRow) *programv1.PartnerTls {
	if r.ClientCertificates == "" && r.ServerAuthorities == "" && r.Certificate == "" {
		return nil
	}
	out := &programv1.PartnerTls{}
	for _, c := range kept(r.ClientCertificates) {
		out.ClientCertificates = append(out.ClientCertificates, toProtoCertificate(c))
	}
	for _, c := range kept(r.ServerAuthorities) {
		out.ServerAuthorities = append(out.ServerAuthorities, toProtoCertificate(c))
	}
	if own := kept(r.Certificate); len(own) > 0 {
		out.Certificate = toProtoCertificate(own[0])
	}
	return out
}

func fingerprint(c *x509.Certificate) string {
	sum := sha256.Sum256(c.Raw)
	return hex.EncodeToString(sum[:])
}

func toProtoCertificate(c *x509.Certificate) *programv1.TlsCertificate {
	return &programv1.TlsCertificate{
		Sha256: fingerprint(c), Subject: c.Subject.String(), ValidFrom: timestamp(&c.NotBefore), ValidUntil: timestamp(&c.NotAfter),
	}
}

// outgoing is how a partner's server is called: with which authorities and certificate.
type outgoing struct{ authorities, certificate, key string }

// connections keeps one HTTP client for each partner that has certificates of its own.
type connections struct {
	mu   sync.Mutex
	kept map[string]connection // by groupId
}

type connection struct {
	of     outgoing
	client *http.Client
}

// client is the one for a partner; nil: the one for all others.
func (c *connections) client(groupID string, of outgoing) (*http.Client, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	had, ok := c.kept[groupID]
	if ok && had.of == of {
		return had.client, nil
	}
	if ok {
		had.client.CloseIdleConnections()
		delete(c.kept, groupID)
	}
	if of == (outgoing{}) {
		return nil, nil
	}
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if of.authorities != "" {
		config.RootCAs = x509.NewCertPool()
		config.RootCAs.AppendCertsFromPEM([]byte(of.authorities))
	}
	if of.certificate != "" {
		pair, err := tls.X509KeyPair([]byte(of.certificate), []byte(of.key))
		if err != nil {
			return nil, errors.New("our certificate for the partner does not fit its key")
		}
		config.Certificates = []tls.Certificate{pair}
	}
	client := gyt345.NewHTTPClient(config)
	c.kept[groupID] = connection{of, client}
	return client, nil
}

// close ends what is idle.
func (c *connections) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, had := range c.kept {
		had.client.CloseIdleConnections()
	}
}
