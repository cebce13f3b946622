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

	"github.com/yunqiao/yunqiao/internal/rowid"
	"github.com/yunqiao/yunqiao/programs/gyt345"
)

const (
	deliveryLease   = 30 * time.Second // for which a replica has a delivery to itself
	deliveryTimeout = 20 * time.Second
	deliveryPerURL  = 50 * time.Millisecond // more, for each that a CDN is asked about
)

// deliver makes one attempt. What waited for it is looked at when it has ended.
func (m *Module) deliver(ctx context.Context, due dueDelivery) error {
	d, e := &due.row, due.emergency
	defer m.wake()
	defer m.underWay.End(d.receiver())
	failure := m.attempt(ctx, d, e)
	if ctx.Err() != nil || errors.Is(failure, errDropped) {
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
	err := m.store.Write.WithContext(ctx).Model(&deliveryRow{}).Where("id = ? AND state = ?", d.ID, deliveryPending).Updates(change).Error
	if err != nil {
		return fmt.Errorf("record a delivery: %w", err)
	}
	return nil
}

func (m *Module) attempt(ctx context.Context, d *deliveryRow, e *emergencyRow) error {
	if d.Target == targetPlatform {
		ctx, cancel := context.WithTimeout(ctx, deliveryTimeout)
		defer cancel()
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
	more := time.Duration(len(urls)) * deliveryPerURL
	if err := m.keep(ctx, d, more); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, deliveryTimeout+more)
	defer cancel()
	if lifted {
		return m.opts.CDNs[i].Purge(ctx, urls) // which ends the redirect
	}
	return m.opts.CDNs[i].takeOff(ctx, urls)
}

// errDropped says that a delivery is not this replica's any more.
var errDropped = errors.New("the delivery was dropped")

// keep makes the lease of a delivery longer.
func (m *Module) keep(ctx context.Context, d *deliveryRow, more time.Duration) error {
	until := d.NextAt + more.Milliseconds()
	kept := m.store.Write.WithContext(ctx).Model(&deliveryRow{}).Where("id = ? AND state = ? AND next_at = ?", d.ID, deliveryPending, d.NextAt).Update("next_at", until)
	if kept.Error != nil {
		return fmt.Errorf("keep a delivery: %w", kept.Error)
	}
	if kept.RowsAffected == 0 {
		return errDropped
	}
	d.NextAt = until
	return nil
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
