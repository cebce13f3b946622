package logging

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"gorm.io/gorm"

	"github.com/yunqiao/yunqiao/internal/lease"
	"github.com/yunqiao/yunqiao/internal/outward"
	"github.com/yunqiao/yunqiao/logging/entry"
	"github.com/yunqiao/yunqiao/logging/forward"
	loggingv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/logging/v1"
)

// forwardRow is a store that entries are sent on to.
type forwardRow struct {
	ID          string `gorm:"primaryKey;size:32"`
	TenantID    string `gorm:"size:64"`
	Name        string `gorm:"size:64"`
	Kind        int32
	Address     string
	MinLevel    int32
	Token       []byte // sealed
	Enabled     bool
	LastKey     int64 // of the last entry that it took
	Delivered   int64
	DeliveredAt *time.Time
	Failures    int
	LastError   string
	CreatedAt   time.Time
}

func (forwardRow) TableName() string { return "logging_forwards" }

// waitingRow is an entry that a store has not taken yet. It is written with the entry,
// in one transaction, and removed when it is taken: nothing depends on an order.
type waitingRow struct {
	ForwardID string `gorm:"primaryKey;size:32"`
	Key       int64  `gorm:"primaryKey;autoIncrement:false"`
}

func (waitingRow) TableName() string { return "logging_forwarding" }

const (
	// leaseTable says which replica sends to a store.
	leaseTable    = "logging_leases"
	forwardedOnce = 1000 // entries in one request
	// forwardsPause is how long stores that another replica has changed may go unnoticed,
	// also by what is being stored.
	forwardsPause = 5 * time.Second
	sendPause     = 500 * time.Millisecond
	maxSendPause  = time.Minute
)

func createForwards(tx *gorm.DB) error {
	if err := lease.CreateTable(tx, leaseTable); err != nil {
		return err
	}
	return tx.Migrator().CreateTable(&forwardRow{}, &waitingRow{})
}

// loadForwards reads the stores anew.
func (m *Module) loadForwards(ctx context.Context) error {
	var rows []forwardRow
	if err := m.store.Read.WithContext(ctx).Order("id").Find(&rows).Error; err != nil {
		return fmt.Errorf("read forwards: %w", err)
	}
	m.forwards.Store(&rows)
	return nil
}

// enqueue notes, in the transaction of new entries, which stores want them.
func (m *Module) enqueue(ctx context.Context, tx *sql.Tx, records []*entry.Record) error {
	for _, f := range *m.forwards.Load() {
		tenants := m.access.Tenants(f.TenantID)
		var values strings.Builder
		args := []any{f.ID}
		for _, r := range records {
			if int32(r.Level) < f.MinLevel || tenants != nil && !slices.Contains(tenants, r.TenantID) {
				continue
			}
			args = append(args, r.Key)
			fmt.Fprintf(&values, ",($1,$%d)", len(args))
		}
		if len(args) == 1 {
			continue
		}
		if _, err := tx.ExecContext(ctx, "INSERT INTO logging_forwarding (forward_id, key) VALUES "+values.String()[1:], args...); err != nil {
			return fmt.Errorf("note entries for %s: %w", f.ID, err)
		}
	}
	return nil
}

// forward keeps one sender for each store that is enabled and that no other replica
// sends to.
func (m *Module) forward(ctx context.Context) {
	running := map[string]chan struct{}{}
	var work sync.WaitGroup
	defer work.Wait()
	tick := time.NewTicker(forwardsPause)
	defer tick.Stop()
	for {
		if err := m.loadForwards(ctx); err != nil && ctx.Err() == nil {
			m.log.LogAttrs(ctx, slog.LevelWarn, "forwards not read", slog.String("error", err.Error()))
		}
		for _, f := range *m.forwards.Load() {
			if done := running[f.ID]; done != nil {
				select {
				case <-done:
				default:
					continue
				}
			}
			if !f.Enabled {
				continue
			}
			held, release, ok, err := m.leases.Take(ctx, "forward/"+f.ID)
			if err != nil || !ok {
				continue // another replica sends, or the store cannot write: seen at the next look
			}
			done := make(chan struct{})
			running[f.ID] = done
			work.Go(func() {
				defer close(done)
				defer release()
				m.sendAll(held, f.ID)
			})
		}
		select {
		case <-m.forwardsChanged:
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// sendAll sends to one store until the context ends, or it is disabled or removed.
func (m *Module) sendAll(ctx context.Context, id string) {
	client := outward.Policy{Private: m.opts.PullPrivate, Setting: "logging.pull_private"}.Client(time.Minute, nil)
	defer client.CloseIdleConnections()
	pause := sendPause
	for ctx.Err() == nil {
		var f forwardRow
		more := false
		found := m.store.Read.WithContext(ctx).Where("id = ? AND enabled = ?", id, true).Limit(1).Find(&f)
		err := found.Error
		if err == nil && found.RowsAffected == 0 {
			return
		}
		if err == nil {
			more, err = m.sendSome(ctx, client, &f)
		}
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			pause = min(2*pause, maxSendPause)
			m.noteForward(ctx, &f, err)
		case more:
			pause = sendPause
			continue
		default:
			pause = sendPause
			if f.Failures > 0 {
				m.noteForward(ctx, &f, nil)
			}
		}
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-ctx.Done():
		}
		timer.Stop()
	}
}

func (m *Module) noteForward(ctx context.Context, f *forwardRow, failure error) {
	values := map[string]any{"failures": 0}
	if failure != nil {
		text := failure.Error()
		values = map[string]any{"failures": f.Failures + 1, "last_error": text[:min(len(text), 1000)]}
	}
	if err := m.store.Write.WithContext(ctx).Model(&forwardRow{}).Where("id = ?", f.ID).UpdateColumns(values).Error; err != nil && ctx.Err() == nil {
		m.log.LogAttrs(ctx, slog.LevelWarn, "state of a forward not stored", slog.String("error", err.Error()))
	}
}

// sendSome sends the entries that wait longest by their own times.
func (m *Module) sendSome(ctx context.Context, client *http.Client, f *forwardRow) (more bool, err error) {
	var keys []int64
	if err := m.store.Read.WithContext(ctx).Model(&waitingRow{}).Where("forward_id = ?", f.ID).Order("key").Limit(forwardedOnce).Pluck("key", &keys).Error; err != nil {
		return false, err
	}
	if len(keys) == 0 {
		return false, nil
	}
	records, err := m.entries.ByKeys(ctx, keys) // what was removed as too old meanwhile is not sent
	if err != nil {
		return false, err
	}
	if len(records) > 0 {
		if err := m.postTo(ctx, client, f, records); err != nil {
			return false, err
		}
	}
	return len(keys) == forwardedOnce, m.store.Write.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		if err := tx.Where("forward_id = ? AND key IN ?", f.ID, keys).Delete(&waitingRow{}).Error; err != nil {
			return err
		}
		return tx.Model(&forwardRow{}).Where("id = ?", f.ID).UpdateColumns(map[string]any{
			"last_key": keys[len(keys)-1], "delivered": gorm.Expr("delivered + ?", len(records)), "delivered_at": m.opts.Now().UTC(), "failures": 0,
		}).Error
	})
}

func (m *Module) postTo(ctx context.Context, client *http.Client, f *forwardRow, records []entry.Record) error {
	write := map[loggingv1.ForwardKind]func([]entry.Record) (forward.Request, error){
		loggingv1.ForwardKind_FORWARD_KIND_VICTORIALOGS: forward.VictoriaLogs, loggingv1.ForwardKind_FORWARD_KIND_LOKI: forward.Loki,
		loggingv1.ForwardKind_FORWARD_KIND_OTLP: forward.OTLP,
	}[loggingv1.ForwardKind(f.Kind)]
	message, err := write(records)
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, strings.TrimRight(f.Address, "/")+message.Path, bytes.NewReader(message.Body))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", message.ContentType)
	if len(f.Token) > 0 {
		token, err := m.box.Open(f.Token, forwardLabel(f.ID))
		if err != nil {
			return fmt.Errorf("the token cannot be read: %w", err)
		}
		request.Header.Set("Authorization", "Bearer "+string(token))
	}
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(response.Body, 64<<10)) // so that the connection is used again
	if response.StatusCode/100 != 2 {
		return fmt.Errorf("the store answered %s", response.Status)
	}
	return nil
}

func forwardLabel(id string) string { return "logging_forwards/" + id }
