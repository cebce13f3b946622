package programs

import (
	"context"
	"fmt"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/yunqiao/yunqiao/internal/outbox"
	programv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/program/v1"
)

const (
	watchOnce    = 64 // programs probed in one round
	watchWorkers = 8
	watchURLs    = 16 // probed of one program
	watchAtOnce  = 4  // of them
	watchTimeout = 20 * time.Second
	forgetEvery  = time.Minute
)

// The events about programs.
const (
	EventPlayBroken   = "ProgramPlayBroken"
	EventPlayRestored = "ProgramPlayRestored"
)

// watch probes the next online programs, so many that each has its turn once in the
// interval, and tells by an event when one breaks or works again.
func (m *Module) watch(ctx context.Context) error {
	if now := m.opts.Now(); now.Sub(m.forgotten) >= forgetEvery {
		if err := m.forgetBroken(ctx); err != nil {
			return err
		}
		m.forgotten = now
	}
	if m.opts.ProbeInterval <= 0 {
		return nil
	}
	online := m.index.find(query{kind: KindProgram, online: "true"}, -1)
	rounds := max(1, int(m.opts.ProbeInterval/time.Second))
	n := min((len(online)+rounds-1)/rounds, watchOnce)
	next := m.index.find(query{kind: KindProgram, online: "true", before: m.watched}, n)
	m.watched = ""
	if len(next) == n && n > 0 {
		m.watched = next[n-1]
	}
	var work errgroup.Group
	work.SetLimit(watchWorkers)
	for _, id := range next {
		work.Go(func() error { return m.watchOne(ctx, id) })
	}
	return work.Wait()
}

// watchOne probes a program, unless it was probed within the interval here or elsewhere.
func (m *Module) watchOne(ctx context.Context, id string) error {
	now := m.opts.Now()
	due, tx := now.Add(m.opts.ProbeInterval).UnixMilli(), m.store.Write.WithContext(ctx)
	claimed := tx.Clauses(clause.OnConflict{DoNothing: true}).Create(&watchRow{RecordKey: id, NextAt: due, Playable: true})
	if claimed.Error == nil && claimed.RowsAffected == 0 {
		claimed = tx.Model(&watchRow{}).Where("record_key = ? AND next_at <= ?", id, now.UnixMilli()).Update("next_at", due)
	}
	if claimed.Error != nil || claimed.RowsAffected == 0 {
		return claimed.Error
	}
	record, err := m.record(ctx, KindProgram, id)
	if err != nil {
		return err
	}
	playable, problems := m.probeAll(ctx, playInfos(record.Metadata))
	if ctx.Err() != nil {
		return nil // stopping: what failed for it is no finding
	}
	return m.store.Write.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		return m.found(tx, record.ID, playable, problems)
	})
}

// probeAll probes the first play URLs of a program, each for no longer than its time.
func (m *Module) probeAll(ctx context.Context, plays []playInfo) (playable bool, problems []string) {
	probed := plays[:min(len(plays), watchURLs)]
	prober, results := m.prober(), make([]*programv1.PlayProbe, len(probed))
	var work errgroup.Group
	work.SetLimit(watchAtOnce)
	for i, play := range probed {
		work.Go(func() error {
			ctx, cancel := context.WithTimeout(ctx, watchTimeout)
			defer cancel()
			results[i] = prober.probe(ctx, play)
			return nil
		})
	}
	_ = work.Wait() // which gives no error
	playable, problems = true, []string{}
	for i, result := range results {
		playable = playable && result.GetPlayable()
		for _, problem := range result.GetProblems() {
			problems = append(problems, probed[i].VideoID+": "+problem)
		}
	}
	return playable, problems
}

// found keeps a result, with the event and the alarm of its change in the same
// transaction. One that went off while it was probed has no result.
func (m *Module) found(tx *gorm.DB, id string, playable bool, problems []string) error {
	var record recordRow
	var row watchRow
	if err := tx.Where("id = ?", id).Take(&record).Error; err != nil {
		return fmt.Errorf("program of a probe: %w", err)
	}
	if !record.Online {
		return nil
	}
	if err := tx.Where("record_key = ?", id).Take(&row).Error; err != nil {
		return fmt.Errorf("last probe: %w", err)
	}
	now := m.opts.Now()
	changed := row.Playable != playable
	row.Playable, row.ProbedAt, row.Problems = playable, &now, printable(strings.Join(problems, "\n"))
	if changed {
		row.Sequence++
		event := outbox.Event{
			Type: EventPlayRestored, ResourceID: record.ID, ResourceType: "program.program", Source: "PROBE", Sequence: row.Sequence, OccurredAt: now,
			Payload: map[string]any{"group_id": record.GroupID, "record_id": record.RecordID, "title": record.Title, "problems": problems},
		}
		if !playable {
			event.Type = EventPlayBroken
		}
		if err := outbox.Append(tx, event); err != nil {
			return fmt.Errorf("event of a probe: %w", err)
		}
		if err := m.alarm(tx, &record, playable, row.Problems); err != nil {
			return err
		}
	}
	return tx.Save(&row).Error
}

// withWatch adds the last probes to programs.
func (m *Module) withWatch(ctx context.Context, records ...*programv1.Record) error {
	byID := map[string]*programv1.Record{}
	var ids []string
	for _, r := range records {
		byID[r.GetId()] = r
		ids = append(ids, r.GetId())
	}
	if len(ids) == 0 {
		return nil
	}
	var rows []watchRow
	if err := m.store.Read.WithContext(ctx).Where("record_key IN ? AND probed_at IS NOT NULL", ids).Find(&rows).Error; err != nil {
		return fmt.Errorf("last probes: %w", err)
	}
	for _, row := range rows {
		watch := &programv1.Watch{Playable: row.Playable, ProbedAt: timestamp(row.ProbedAt)}
		if row.Problems != "" {
			watch.Problems = strings.Split(row.Problems, "\n")
		}
		byID[row.RecordKey].Watch = watch
	}
	return nil
}
