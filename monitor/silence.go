package monitor

import (
	"context"
	"fmt"
	"slices"
	"time"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/types/known/timestamppb"

	monitorv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/monitor/v1"
)

// silenceRow is one silence; Spec holds matchers and window as JSON of a Silence.
type silenceRow struct {
	ID        string `gorm:"primaryKey;size:32"`
	TenantID  string `gorm:"size:64"`
	Spec      string
	StartsAt  time.Time
	EndsAt    time.Time `gorm:"index"`
	Comment   string
	CreatedBy string `gorm:"size:128"`
	UpdatedAt time.Time
}

func (silenceRow) TableName() string { return "monitor_silences" }

// silence is one that may act.
type silence struct {
	*monitorv1.Silence
	matchers []matcher
	zone     *time.Location
}

func toSilence(r *silenceRow) (*silence, error) {
	s := &silence{Silence: &monitorv1.Silence{}, zone: time.UTC}
	if err := (protojson.UnmarshalOptions{DiscardUnknown: true}).Unmarshal([]byte(r.Spec), s.Silence); err != nil {
		return nil, fmt.Errorf("read silence %s: %w", r.ID, err)
	}
	s.Id, s.TenantId, s.Comment, s.CreatedBy = r.ID, r.TenantID, r.Comment, r.CreatedBy
	s.StartsAt, s.EndsAt, s.UpdatedAt = timestamppb.New(r.StartsAt), timestamppb.New(r.EndsAt), timestamppb.New(r.UpdatedAt)
	s.matchers, _ = compile(s.GetMatchers()) // they were compiled when they were stored
	if name := s.GetWindow().GetTimeZone(); name != "" {
		zone, err := time.LoadLocation(name)
		if err != nil {
			return nil, fmt.Errorf("read silence %s: %w", r.ID, err)
		}
		s.zone = zone
	}
	return s, nil
}

// phaseAt tells whether a silence acts at a time.
func (s *silence) phaseAt(at time.Time) monitorv1.SilencePhase {
	switch {
	case !at.Before(s.GetEndsAt().AsTime()):
		return monitorv1.SilencePhase_SILENCE_PHASE_EXPIRED
	case at.Before(s.GetStartsAt().AsTime()) || s.GetWindow() != nil && !s.inWindow(at):
		return monitorv1.SilencePhase_SILENCE_PHASE_PENDING
	default:
		return monitorv1.SilencePhase_SILENCE_PHASE_ACTIVE
	}
}

// inWindow looks at the windows that began today and yesterday, by the window's zone.
func (s *silence) inWindow(at time.Time) bool {
	w := s.GetWindow()
	var hour, minute int
	if _, err := fmt.Sscanf(w.GetBegin(), "%d:%d", &hour, &minute); err != nil {
		return false
	}
	year, month, day := at.In(s.zone).Date()
	for _, back := range []int{0, 1} {
		begin := time.Date(year, month, day-back, hour, minute, 0, 0, s.zone)
		weekday := monitorv1.Weekday((int(begin.Weekday())+6)%7 + 1)
		if len(w.GetWeekdays()) > 0 && !slices.Contains(w.GetWeekdays(), weekday) {
			continue
		}
		if !at.Before(begin) && at.Before(begin.Add(time.Duration(w.GetDurationSeconds())*time.Second)) {
			return true
		}
	}
	return false
}

// silences reads those whose time is not over.
func (m *Module) silences(ctx context.Context, now time.Time) ([]*silence, error) {
	var rows []silenceRow
	if err := m.store.Read.WithContext(ctx).Where("ends_at > ?", now.UTC()).Order("id DESC").Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("read silences: %w", err)
	}
	out := make([]*silence, 0, len(rows))
	for i := range rows {
		s, err := toSilence(&rows[i])
		if err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	return out, nil
}

// silencing are the silences that act on a channel of an organization.
func (m *Module) silencing(all []*silence, channelTenant string, now time.Time) []*silence {
	var out []*silence
	for _, s := range all {
		if s.phaseAt(now) != monitorv1.SilencePhase_SILENCE_PHASE_ACTIVE {
			continue
		}
		if seen := m.access.Tenants(s.GetTenantId()); seen == nil || slices.Contains(seen, channelTenant) {
			out = append(out, s)
		}
	}
	return out
}

// silencedBy are the ids of those that match an alarm.
func silencedBy(acting []*silence, labels map[string]string) []string {
	ids := []string{}
	for _, s := range acting {
		if matchAll(s.matchers, labels) {
			ids = append(ids, s.GetId())
		}
	}
	return ids
}

// silenceKept is how long a silence is kept after its end, as in Alertmanager.
const silenceKept = 5 * 24 * time.Hour

// forgetSilences removes those that ended long ago.
func (m *Module) forgetSilences(ctx context.Context) error {
	return m.store.Write.WithContext(ctx).Where("ends_at < ?", m.opts.Now().UTC().Add(-silenceKept)).Delete(&silenceRow{}).Error
}
