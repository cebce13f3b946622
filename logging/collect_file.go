package logging

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/yunqiao/yunqiao/logging/entry"
	"github.com/yunqiao/yunqiao/logging/follow"
	loggingv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/logging/v1"
)

// positionRow is how far a file has been read.
type positionRow struct {
	LocationID string `gorm:"primaryKey;size:32"`
	FileID     string `gorm:"primaryKey;size:32"`
	Path       string
	Device     string `gorm:"size:20"`
	Inode      string `gorm:"size:20"`
	Place      int64
	Tail       []byte
	Finished   bool
	BeganUs    int64
}

func (positionRow) TableName() string { return "logging_positions" }

// followFiles follows the files of a place.
func (m *Module) followFiles(ctx context.Context, c *collector, place *loggingv1.Location, sub *submission) error {
	interval := time.Duration(place.GetIntervalSeconds()) * time.Second
	k := &fileKeeper{Module: m, c: c, place: place, sub: sub}
	f := follow.New(m.log, place.GetAddress(), k, follow.Options{
		Interval: interval, Joining: sub.joining, Allowed: m.mayRead, Now: m.opts.Now, Since: place.GetCreatedAt().AsTime(),
	})
	watched, stop := context.WithCancel(ctx)
	defer stop()
	ended := make(chan error, 1)
	go func() { ended <- f.Run(watched) }()
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	var seen follow.Losses
	for {
		status := f.Status()
		if status.Err != nil {
			c.fail(m.opts.Now(), status.Err)
		} else {
			c.well()
		}
		c.mu.Lock()
		c.lag = status.LagBytes
		c.mu.Unlock()
		if status.Losses != seen {
			c.lost.Add(int64(status.Losses.Unverified - seen.Unverified))
			c.lostBytes.Add(status.Losses.LostBytes - seen.LostBytes)
			c.note(m.opts.Now(), "a file was truncated or went: lines may be missing")
			seen = status.Losses
			m.saveCounters(ctx) // at once: what was lost is not forgotten by a crash
		}
		select {
		case err := <-ended:
			return err
		case <-tick.C:
		}
	}
}

// fileKeeper stores the lines of one place, with the positions behind them.
type fileKeeper struct {
	*Module
	c     *collector
	place *loggingv1.Location
	sub   *submission
}

var _ follow.Keeper = (*fileKeeper)(nil)

// Keep implements follow.Keeper.
func (k *fileKeeper) Keep(ctx context.Context, lines []follow.Record, p follow.Position) error {
	records := make([]entry.Record, len(lines))
	for i, line := range lines {
		records[i] = k.sub.rules.Read(line.Bytes)
		finish(&records[i], k.place, k.sub, line.Path)
	}
	if len(records) > 0 && !k.sub.limit.take(k.opts.Now(), records) {
		return errQuota // read again later: a file waits
	}
	result, err := k.entries.Append(ctx, records, func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO logging_positions (location_id, file_id, path, device, inode, place, tail, finished, began_us)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (location_id, file_id) DO UPDATE SET
			path = excluded.path, device = excluded.device, inode = excluded.inode, place = excluded.place, tail = excluded.tail, finished = excluded.finished`,
			k.place.GetId(), p.FileID, p.Path, strconv.FormatUint(p.Device, 10), strconv.FormatUint(p.Inode, 10), p.Offset, p.Tail, p.Finished, p.Began.UnixMicro())
		return err
	})
	if err != nil {
		return err
	}
	if len(records) > 0 {
		k.c.count(k.opts.Now(), result.Stored)
	}
	return nil
}

// Positions implements follow.Keeper.
func (k *fileKeeper) Positions(ctx context.Context) ([]follow.Position, error) {
	var rows []positionRow
	if err := k.store.Write.WithContext(ctx).Where("location_id = ?", k.place.GetId()).Find(&rows).Error; err != nil {
		return nil, err
	}
	positions := make([]follow.Position, len(rows))
	for i, r := range rows {
		device, err1 := strconv.ParseUint(r.Device, 10, 64)
		inode, err2 := strconv.ParseUint(r.Inode, 10, 64)
		if err := errors.Join(err1, err2); err != nil {
			return nil, fmt.Errorf("position of %s: %w", r.Path, err)
		}
		positions[i] = follow.Position{
			FileID: r.FileID, Path: r.Path, Device: device, Inode: inode, Offset: r.Place, Tail: r.Tail, Finished: r.Finished,
			Began: time.UnixMicro(r.BeganUs).UTC(),
		}
	}
	return positions, nil
}

// Forget implements follow.Keeper.
func (k *fileKeeper) Forget(ctx context.Context, fileIDs []string) error {
	return k.store.Write.WithContext(ctx).Where("location_id = ? AND file_id IN ?", k.place.GetId(), fileIDs).Delete(&positionRow{}).Error
}
