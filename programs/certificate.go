package programs

import (
	"context"
	"fmt"
	"time"

	"github.com/yunqiao/yunqiao/programs/gyt345"
)

// Certificate is a partner's key that holds for some time only.
type Certificate struct {
	GroupID, KeyID string
	Until          time.Time
}

// Certificates are those of partners that have not left.
func (m *Module) Certificates(ctx context.Context) ([]Certificate, error) {
	var rows []credentialRow
	err := m.store.Read.WithContext(ctx).Where("kind = ? AND group_id IN (?)", credentialPublic,
		m.store.Read.Model(&partnerRow{}).Where("state <> ?", partnerExited).Select("group_id")).Order("id").Find(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("read certificates of partners: %w", err)
	}
	var out []Certificate
	for _, r := range rows {
		if valid, err := gyt345.ValidityOf(r.Text); err == nil && !valid.Until.IsZero() {
			out = append(out, Certificate{r.GroupID, r.ID, valid.Until})
		}
	}
	return out, nil
}
