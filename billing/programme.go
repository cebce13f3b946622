package billing

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/yunqiao/yunqiao/billing/rating"
	"github.com/yunqiao/yunqiao/internal/db"
	"github.com/yunqiao/yunqiao/internal/outbox"
)

// linkChanged is the kind of event by which the module of programmes tells which
// resources a series or programme uses, and when.
const linkChanged = "ProgramLinkChanged"

// programmeRow is a resource that a programme uses for some time. Times are Unix
// seconds.
type programmeRow struct {
	LinkID     string `gorm:"primaryKey;size:32"` // later ids sort after earlier ones
	Version    int32  `gorm:"not null"`
	ResourceID string `gorm:"size:512;not null;index"`
	Programme  string `gorm:"size:64;not null"`
	From       int64  `gorm:"column:valid_from;not null"`
	Until      int64  `gorm:"column:valid_until;not null"` // 0: without end
	Deleted    bool   `gorm:"not null"`
}

// TableName implements gorm's Tabler.
func (programmeRow) TableName() string { return "billing_programmes" }

func (r *programmeRow) covers(at time.Time) bool {
	return !r.Deleted && r.From <= at.Unix() && (r.Until == 0 || at.Unix() < r.Until)
}

// readLink reads what an event tells of a link.
func readLink(s outbox.Stored) (programmeRow, error) {
	var told struct {
		LinkID     string     `json:"link_id"`
		Programme  string     `json:"programme"`
		ValidFrom  time.Time  `json:"valid_from"`
		ValidUntil *time.Time `json:"valid_until"`
		Deleted    bool       `json:"deleted"`
	}
	if err := json.Unmarshal([]byte(s.Payload), &told); err != nil {
		return programmeRow{}, fmt.Errorf("event %s: %w", s.EventID, err)
	}
	row := programmeRow{
		LinkID: told.LinkID, Version: s.Sequence, ResourceID: s.ResourceID, Programme: told.Programme, From: told.ValidFrom.Unix(), Deleted: told.Deleted,
	}
	if told.ValidUntil != nil {
		row.Until = told.ValidUntil.Unix()
	}
	return row, nil
}

// keepLink keeps what was told of a link, unless something newer is known. Of several
// gateways one at a time looks.
func keepLink(tx *gorm.DB, row *programmeRow) error {
	if err := db.Exclusive(tx, "billing/programmes"); err != nil {
		return err
	}
	var known programmeRow
	if err := tx.Where("link_id = ?", row.LinkID).Limit(1).Find(&known).Error; err != nil || known.Version >= row.Version {
		return err
	}
	if err := tx.Clauses(clause.OnConflict{UpdateAll: true}).Create(row).Error; err != nil {
		return fmt.Errorf("keep a link: %w", err)
	}
	return changed(tx, time.Unix(row.From, 0), "programme")
}

// withProgrammes puts the programmes that links name over attributions. Where links
// overlap, the one that was made last counts.
func withProgrammes(tx *gorm.DB, steps map[string][]rating.AttributionStep) error {
	var links []programmeRow
	if err := tx.Where("NOT deleted").Order("link_id").Find(&links).Error; err != nil {
		return fmt.Errorf("read links of programmes: %w", err)
	}
	of := map[string][]programmeRow{}
	for _, l := range links {
		of[l.ResourceID] = append(of[l.ResourceID], l)
	}
	for id, own := range of {
		steps[id] = overlay(steps[id], own)
	}
	return nil
}

// overlay cuts steps where a link begins or ends.
func overlay(steps []rating.AttributionStep, links []programmeRow) []rating.AttributionStep {
	var times []time.Time
	for _, s := range steps {
		times = append(times, s.From)
	}
	for _, l := range links {
		times = append(times, time.Unix(l.From, 0))
		if l.Until != 0 {
			times = append(times, time.Unix(l.Until, 0))
		}
	}
	slices.SortFunc(times, time.Time.Compare)
	var out []rating.AttributionStep
	for _, at := range slices.CompactFunc(times, time.Time.Equal) {
		step := rating.AttributionStep{From: at}
		for _, s := range steps {
			if !s.From.After(at) {
				step.Attribution = s.Attribution
			}
		}
		for _, l := range links {
			if l.covers(at) {
				step.Programme = l.Programme
			}
		}
		out = append(out, step)
	}
	return out
}
