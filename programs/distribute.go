package programs

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"gorm.io/gorm/clause"

	programv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/program/v1"
	"github.com/yunqiao/yunqiao/programs/cdn"
)

// Network is a CDN and what is asked of it.
type Network struct {
	cdn.CDN
	// Notice is where requests of what an emergency has taken off are sent, until it is
	// lifted; empty: they are only purged.
	Notice string
	// Prefetch brings the play URLs of what goes online into the caches.
	Prefetch bool
}

// positionRow is how far a CDN has followed the change feed.
type positionRow struct {
	Name     string `gorm:"primaryKey;size:128"` // of the CDN
	Position int64  `gorm:"not null"`
}

func (positionRow) TableName() string { return "programs_positions" }

const (
	distributeChunk = 100 // changes in one go
	distributeEvery = time.Second
	distributeRest  = time.Minute // at most, after failures
)

// distribute keeps a CDN to what is online until the context ends: it follows the change
// feed, purges what goes offline and prefetches what comes. Emergencies have deliveries
// of their own. What fails is tried again before anything later.
func (m *Module) distribute(ctx context.Context, network Network) {
	rest := distributeEvery
	for ctx.Err() == nil {
		err := m.follow(ctx, network)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			m.log.LogAttrs(ctx, slog.LevelWarn, "a CDN does not follow what is online", slog.String("cdn", network.Name()), slog.String("error", err.Error()))
			rest = min(2*rest, distributeRest)
		default:
			rest = distributeEvery
		}
		timer := time.NewTimer(rest)
		select {
		case <-ctx.Done():
		case <-timer.C:
		}
		timer.Stop()
	}
}

// follow brings a CDN to the end of the change feed. One that is new begins there.
func (m *Module) follow(ctx context.Context, network Network) error {
	write, read := m.store.Write.WithContext(ctx), m.store.Read.WithContext(ctx)
	row := positionRow{Name: network.Name()}
	found := write.Where("name = ?", row.Name).Limit(1).Find(&row)
	if found.Error == nil && found.RowsAffected == 0 {
		if err := write.Model(&changeRow{}).Select("COALESCE(MAX(position), 0)").Scan(&row.Position).Error; err != nil {
			return fmt.Errorf("end of the changes: %w", err)
		}
		return write.Clauses(clause.OnConflict{DoNothing: true}).Create(&row).Error
	}
	if found.Error != nil {
		return fmt.Errorf("position in the changes: %w", found.Error)
	}
	for {
		var rows []changeRow
		if err := read.Where("position > ?", row.Position).Order("position").Limit(distributeChunk).Find(&rows).Error; err != nil {
			return fmt.Errorf("read changes: %w", err)
		}
		for i := range rows {
			if err := m.distributeChange(ctx, network, &rows[i]); err != nil {
				return err
			}
			err := write.Model(&positionRow{}).Where("name = ? AND position < ?", row.Name, rows[i].Position).Update("position", rows[i].Position).Error
			if err != nil {
				return fmt.Errorf("position in the changes: %w", err)
			}
			row.Position = rows[i].Position
		}
		if len(rows) < distributeChunk {
			return nil
		}
	}
}

func (m *Module) distributeChange(ctx context.Context, network Network, c *changeRow) error {
	if c.Kind != KindProgram || c.Cause == causeEmergency || c.Cause == causeLift {
		return nil
	}
	var before changeRow
	if c.Previous != 0 {
		if err := m.store.Read.WithContext(ctx).Where("position = ?", c.Previous).Limit(1).Find(&before).Error; err != nil {
			return fmt.Errorf("version before: %w", err)
		}
	}
	var had, has []string
	if before.Online {
		had = addresses(before.Metadata)
	}
	if c.Online {
		has = addresses(c.Metadata)
	}
	come, over := minus(has, had), minus(had, has)
	if network.Notice != "" {
		over = append(over, come...) // no redirect outlives what ends it
		held, err := m.held(ctx, over)
		if err != nil {
			return err
		}
		over = minus(over, held)
	}
	if err := m.distributeLocked(ctx, network, &before, c); err != nil {
		return err
	}
	if len(over) > 0 {
		if err := network.Purge(ctx, over); err != nil {
			return fmt.Errorf("purge: %w", err)
		}
	}
	if len(come) > 0 && network.Prefetch {
		if err := network.CDN.Prefetch(ctx, come); err != nil && !errors.Is(err, cdn.ErrUnsupported) {
			m.log.LogAttrs(ctx, slog.LevelWarn, "a CDN has not prefetched", slog.String("cdn", network.Name()), slog.String("record", c.RecordKey), slog.String("error", err.Error()))
		}
	}
	return nil
}

// distributeLocked takes off the play URLs that come to a program while an emergency
// locks it, and those it had when it came to a locked series.
func (m *Module) distributeLocked(ctx context.Context, network Network, before, c *changeRow) error {
	if !c.Locked {
		return nil
	}
	urls := addresses(c.Metadata)
	if before.Locked {
		urls = minus(urls, addresses(before.Metadata))
	}
	off, err := m.held(ctx, urls)
	if err != nil || len(off) == 0 {
		return err
	}
	if err := network.takeOff(ctx, off); err != nil {
		return err
	}
	held, err := m.held(ctx, off)
	if err != nil {
		return err
	}
	if lifted := minus(off, held); len(lifted) > 0 { // meanwhile
		return network.Purge(ctx, lifted)
	}
	return nil
}

// minus gives the URLs that are not among others.
func minus(urls, others []string) []string {
	return slices.DeleteFunc(slices.Clone(urls), func(u string) bool { return slices.Contains(others, u) })
}

// addresses are the play URLs of a program.
func addresses(metadata string) []string {
	var out []string
	for _, play := range playInfos(metadata) {
		out = append(out, play.PlayURL)
	}
	return out
}

// LocateProgram implements ProgramService.
func (s *programServer) LocateProgram(ctx context.Context, request *programv1.LocateProgramRequest) (*programv1.LocateProgramResponse, error) {
	row, err := s.record(ctx, KindProgram, request.GetId())
	if err != nil {
		return nil, err
	}
	response := &programv1.LocateProgramResponse{}
	for _, play := range playInfos(row.Metadata) {
		for _, network := range s.opts.CDNs {
			location := &programv1.PlayLocation{VideoId: play.VideoID, Cdn: network.Name()}
			if location.Nodes, err = network.Locate(ctx, play.PlayURL); err != nil {
				location.Problem = err.Error()
			}
			response.Locations = append(response.Locations, location)
		}
	}
	return response, nil
}

// takeOff purges what an emergency takes off, and sends requests of it to the notice,
// also where only some of it was purged.
func (n Network) takeOff(ctx context.Context, urls []string) error {
	err := n.Purge(ctx, urls)
	if n.Notice == "" {
		return err
	}
	if failed := n.Redirect(ctx, urls, n.Notice); failed != nil && !errors.Is(failed, cdn.ErrUnsupported) {
		err = errors.Join(err, fmt.Errorf("redirect: %w", failed))
	}
	return err
}
