package programs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/yunqiao/yunqiao/internal/rowid"
	"github.com/yunqiao/yunqiao/programs/gyt345"
)

const (
	deliveryLease   = 30 * time.Second // for which a replica has a delivery to itself
	deliveryTimeout = 20 * time.Second
	deliveriesOnce  = 32 // taken in one go
	deliveryWorkers = 8
)

// deliverDue makes one attempt of every delivery that is due.
func (m *Module) deliverDue(ctx context.Context) error {
	var due []deliveryRow
	err := m.store.Read.WithContext(ctx).Where("state = ? AND next_at <= ?", deliveryPending, m.opts.Now().UnixMilli()).
		Order("id").Limit(deliveriesOnce).Find(&due).Error
	if err != nil {
		return fmt.Errorf("look for deliveries: %w", err)
	}
	var work errgroup.Group
	work.SetLimit(deliveryWorkers)
	for _, d := range due {
		work.Go(func() error { return m.deliver(ctx, d) })
	}
	return work.Wait()
}

// deliver makes one attempt, if no other replica does and nothing older about one of
// the ids is still to be confirmed there.
func (m *Module) deliver(ctx context.Context, d deliveryRow) error {
	blocked, err := m.blocked(ctx, &d)
	if err != nil || blocked {
		return err
	}
	claim := m.store.Write.WithContext(ctx).Model(&deliveryRow{}).Where("id = ? AND state = ? AND next_at = ?", d.ID, deliveryPending, d.NextAt).
		Update("next_at", m.opts.Now().Add(deliveryLease).UnixMilli())
	if claim.Error != nil || claim.RowsAffected == 0 {
		return claim.Error
	}
	var e emergencyRow
	if err := m.store.Read.WithContext(ctx).Where("id = ?", d.EmergencyID).Take(&e).Error; err != nil {
		return fmt.Errorf("emergency of a delivery: %w", err)
	}
	attempt, cancel := context.WithTimeout(ctx, deliveryTimeout)
	defer cancel()
	failure := m.attempt(attempt, &d, &e)
	if ctx.Err() != nil {
		return nil // stopping: the lease ends by itself
	}
	now := m.opts.Now()
	d.Attempts++
	change := map[string]any{"attempts": d.Attempts}
	switch {
	case failure == nil:
		change["state"], change["confirmed_at"], change["last_error"] = deliveryConfirmed, now, ""
	case now.Sub(d.CreatedAt) >= gyt345.GiveUp:
		change["state"], change["last_error"] = deliveryFailed, printable(failure.Error())
	default:
		change["next_at"], change["last_error"] = now.Add(gyt345.Backoff(int(d.Attempts))).UnixMilli(), printable(failure.Error())
	}
	if failure != nil {
		m.log.LogAttrs(ctx, slog.LevelWarn, "emergency is not confirmed", slog.String("emergency_id", e.ID), slog.String("target", d.Target),
			slog.Int("attempts", int(d.Attempts)), slog.String("error", failure.Error()))
	}
	err = m.store.Write.WithContext(ctx).Model(&deliveryRow{}).Where("id = ? AND state = ?", d.ID, deliveryPending).Updates(change).Error
	if err != nil {
		return fmt.Errorf("record a delivery: %w", err)
	}
	return nil
}

// blocked tells whether an older delivery to the same target shares an id.
func (m *Module) blocked(ctx context.Context, d *deliveryRow) (bool, error) {
	var older []emergencyRow
	err := m.store.Read.WithContext(ctx).Where("id = ? OR id IN (?)", d.EmergencyID, m.store.Read.Model(&deliveryRow{}).Select("emergency_id").
		Where("group_id = ? AND target = ? AND state = ? AND id < ?", d.GroupID, d.Target, deliveryPending, d.ID)).Find(&older).Error
	if err != nil {
		return false, fmt.Errorf("look for older deliveries: %w", err)
	}
	i := slices.IndexFunc(older, func(e emergencyRow) bool { return e.ID == d.EmergencyID })
	if i < 0 {
		return true, nil
	}
	ids := older[i].ids()
	return slices.ContainsFunc(older, func(e emergencyRow) bool {
		return e.ID != d.EmergencyID && e.Kind == older[i].Kind && slices.ContainsFunc(e.ids(), func(id string) bool { return slices.Contains(ids, id) })
	}), nil
}

func (m *Module) attempt(ctx context.Context, d *deliveryRow, e *emergencyRow) error {
	if d.Target == targetPlatform {
		return m.callPlatform(ctx, e)
	}
	name, lifted := strings.CutPrefix(d.Target, targetCDNLift)
	name = strings.TrimPrefix(name, targetCDN)
	i := slices.IndexFunc(m.opts.CDNs, func(n Network) bool { return n.Name() == name })
	if i < 0 {
		return errors.New("there is no such CDN any more")
	}
	urls, err := m.playURLs(ctx, e, !lifted)
	if err != nil || len(urls) == 0 {
		return err
	}
	if lifted {
		return m.opts.CDNs[i].Purge(ctx, urls) // which ends the redirect
	}
	return m.opts.CDNs[i].takeOff(ctx, urls)
}

// callPlatform sends the emergency message, always with the same msgId and time.
func (m *Module) callPlatform(ctx context.Context, e *emergencyRow) error {
	client, partner, err := m.partners.client(ctx, e.GroupID, m.opts.Signer, gyt345.ClientOptions{HTTP: m.opts.HTTP, Now: m.opts.Now})
	if err != nil {
		return err
	}
	kind, address := gyt345.EmergencyProgramOffline, partner.ProgramURL
	if e.Kind == KindSeries {
		kind, address = gyt345.EmergencySeriesOffline, partner.SeriesURL
	}
	if address == "" {
		return errors.New("the partner has no address of this interface")
	}
	message := gyt345.NewOffline(kind, e.ID, e.MsgTime, e.ids())
	signed, reply, err := client.Send(ctx, address, message)
	if err == nil && !reply.OK() {
		err = fmt.Errorf("the platform answered %d %q", reply.HTTP, reply.Code)
	}
	if signed == nil {
		return err
	}
	row := messageRow{
		ID: rowid.New(), At: m.opts.Now(), Outgoing: true, GroupID: e.GroupID, Interface: string(kind.Interface()), Path: signed.Path,
		Query: signed.Query, Body: signed.Body, BodySize: len(signed.Body), MsgID: e.ID, MsgType: int(kind),
		Digest: gyt345.SM3(message.Canonical()), Outcome: outcomeConfirmed,
	}
	if reply != nil {
		row.HTTP, row.Code, row.Notes = reply.HTTP, printable(reply.Code[:min(len(reply.Code), 32)]), printable(string(reply.Body[:min(len(reply.Body), keptPrefix)]))
	}
	if err != nil {
		row.Outcome, row.Cause = outcomeFailed, printable(err.Error())
	}
	if stored := m.store.Write.WithContext(ctx).Create(&row).Error; stored != nil {
		return errors.Join(err, fmt.Errorf("journal: %w", stored))
	}
	return err
}

// playInfo is a row of table 10.
type playInfo struct {
	VideoID      string `json:"videoId"`
	Definition   string `json:"definition"`
	VideoBitrate string `json:"videoBitrate"`
	PlayURL      string `json:"playUrl"`
}

func playInfos(metadata string) []playInfo {
	var data struct {
		PlayInfos []playInfo `json:"playInfos"`
	}
	_ = json.Unmarshal([]byte(metadata), &data) // we wrote it
	return data.PlayInfos
}
