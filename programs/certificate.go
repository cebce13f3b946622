package programs

import (
	"context"
	"fmt"
	"time"

	"github.com/yunqiao/yunqiao/programs/gyt345"
)

// Certificate is one that secures what passes between a partner and us.
type Certificate struct {
	GroupID string
	Name    string // key/<id>, tls/<SHA-256>
	Until   time.Time
}

// Certificates are those of partners that have not left: of their keys, and of the
// connections both ways.
func (m *Module) Certificates(ctx context.Context) ([]Certificate, error) {
	var partners []partnerRow
	if err := m.store.Read.WithContext(ctx).Where("state <> ?", partnerExited).Order("group_id").Find(&partners).Error; err != nil {
		return nil, fmt.Errorf("read certificates of partners: %w", err)
	}
	var rows []credentialRow
	if err := m.store.Read.WithContext(ctx).Where("kind = ?", credentialPublic).Order("id").Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("read certificates of partners: %w", err)
	}
	var out []Certificate
	for _, p := range partners {
		for _, r := range rows {
			if valid, err := gyt345.ValidityOf(r.Text); err == nil && r.GroupID == p.GroupID && !valid.Until.IsZero() {
				out = append(out, Certificate{p.GroupID, "key/" + r.ID, valid.Until})
			}
		}
		for _, text := range []string{p.ClientCertificates, p.ServerAuthorities, p.Certificate} {
			for _, c := range kept(text) {
				out = append(out, Certificate{p.GroupID, "tls/" + fingerprint(c), c.NotAfter.UTC()})
			}
		}
	}
	return out, nil
}
