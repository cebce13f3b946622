// Package audit is the record of every write and every refused call: who, from
// where, what, with which result. GY/T 355-2021, 6.1 f.
//
// It owns the table of entries, their writing in batches, AuditService, export
// and retention. It decides nothing: edge tells it what happened.
package audit

import (
	"context"
	"log/slog"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"gorm.io/gorm"

	"github.com/yunqiao/yunqiao/drivers/sdk"
	"github.com/yunqiao/yunqiao/gateway/pipeline"
	"github.com/yunqiao/yunqiao/internal/db"
	"github.com/yunqiao/yunqiao/internal/fault"
	"github.com/yunqiao/yunqiao/internal/redact"
	"github.com/yunqiao/yunqiao/internal/rowid"
)

// maxRequest is how much of a request is kept, in bytes.
const maxRequest = 8192

type entryRow struct {
	ID                  string    `gorm:"primaryKey;size:32"`
	At                  time.Time `gorm:"index"`
	Method              string    `gorm:"size:128;index"`
	Permission          string    `gorm:"size:128"`
	UserID              string    `gorm:"size:32;index"`
	UserName            string    `gorm:"size:255"`
	TenantID            string    `gorm:"size:64;index"`
	Credential          string    `gorm:"size:64"`
	ClientIP            string    `gorm:"size:64"`
	RequestID           string    `gorm:"size:32;index"`
	AccountID           string    `gorm:"size:32"`
	ResourceID          string    `gorm:"size:512;index"`
	OperationID         string    `gorm:"size:32"`
	Request             string
	Before              string
	After               string
	Code                int32
	Reason              string `gorm:"size:64"`
	ProviderRequestID   string `gorm:"size:128"`
	LatencyMilliseconds int32
}

func (entryRow) TableName() string { return "audit_entries" }

// Migrations of the table of entries.
func Migrations() db.Module {
	return db.Module{Name: "audit", Migrations: []db.Migration{
		{Version: 1, Name: "entries", Up: func(tx *gorm.DB) error { return tx.Migrator().CreateTable(&entryRow{}) }},
	}}
}

// Options tunes a Recorder. The zero value is ready for production.
type Options struct {
	// Retention is how long entries are kept; default 180 days, after the least
	// that the Cybersecurity Law of China asks for network logs (article 21: six months).
	Retention time.Duration
	// BatchSize is how many entries one transaction holds at most; default 256.
	BatchSize int
	Now       func() time.Time
}

// Recorder writes entries.
type Recorder struct {
	log   *slog.Logger
	store *db.Store
	opts  Options
	queue chan pending
	done  chan struct{}
}

type pending struct {
	row     entryRow
	written chan error
}

// New makes a Recorder; Run must be called, too.
func New(log *slog.Logger, store *db.Store, opts Options) *Recorder {
	if opts.Retention == 0 {
		opts.Retention = 180 * 24 * time.Hour
	}
	if opts.BatchSize == 0 {
		opts.BatchSize = 256
	}
	if opts.Now == nil {
		opts.Now = time.Now
	}
	return &Recorder{log: log, store: store, opts: opts, queue: make(chan pending, 4*opts.BatchSize), done: make(chan struct{})}
}

// Record implements edge.Recorder: it keeps writes and refusals, and returns when
// the entry is stored. Calls that wait at the same time share a transaction.
func (r *Recorder) Record(ctx context.Context, call *pipeline.Call, answer proto.Message, failure error, elapsed time.Duration) {
	if !call.Method.IsWrite() && !refused(failure) {
		return
	}
	p := pending{row: r.row(call, answer, failure, elapsed), written: make(chan error, 1)}
	select {
	case r.queue <- p:
	case <-r.done:
		p.written <- r.write([]pending{p})
	}
	select {
	case err := <-p.written:
		if err != nil {
			r.log.LogAttrs(ctx, slog.LevelError, "audit entry not stored", slog.String("request_id", call.RequestID), slog.String("error", err.Error()))
		}
	case <-ctx.Done(): // the client has gone; the entry is written all the same
	}
}

// refused tells whether a call was turned away for who made it.
func refused(err error) bool {
	if err == nil {
		return false
	}
	status := fault.HTTPStatus(sdk.ReasonOf(err))
	return status == 401 || status == 403
}

func (r *Recorder) row(call *pipeline.Call, answer proto.Message, failure error, elapsed time.Duration) entryRow {
	row := entryRow{
		ID: rowid.New(), At: r.opts.Now().UTC(), Method: call.Method.FullName, Permission: call.Method.Permission,
		UserID: call.Principal.UserID, UserName: call.Principal.UserName, TenantID: call.Principal.TenantID,
		Credential: call.Principal.Credential, ClientIP: call.ClientIP, RequestID: call.RequestID,
		LatencyMilliseconds: int32(min(elapsed.Milliseconds(), 1<<31-1)),
	}
	if row.Credential == "" {
		row.Credential = "none"
	}
	if call.Request != nil {
		row.Request = redact.JSON(call.Request, maxRequest)
		row.AccountID = text(call.Request, "account_id")
		row.ResourceID = text(call.Request, protoreflect.Name(call.Method.IDField))
	}
	if failure != nil {
		f := fault.Decode(failure)
		row.Code, row.Reason = int32(f.Reason), sdk.ReasonName(f.Reason)
		row.ProviderRequestID, row.OperationID = f.Metadata["provider_request_id"], f.OperationID
		return row
	}
	if id := text(answer, "id"); id != "" {
		row.ResourceID = id
	}
	row.OperationID = text(answer, "operation_id")
	switch {
	case call.After != nil:
		row.After = redact.JSON(call.After, maxRequest)
	case call.Method.Module:
		row.After = redact.JSON(answer, maxRequest)
	}
	if call.Before != nil {
		row.Before = redact.JSON(call.Before, maxRequest)
	}
	return row
}

func text(message proto.Message, name protoreflect.Name) string {
	if message == nil || name == "" {
		return ""
	}
	m := message.ProtoReflect()
	if field := m.Descriptor().Fields().ByName(name); field != nil && field.Kind() == protoreflect.StringKind && !field.IsList() {
		return m.Get(field).String()
	}
	return ""
}

// Run stores entries and drops old ones until the context ends; what was queued
// by then is still stored.
func (r *Recorder) Run(ctx context.Context) error {
	retention := time.NewTicker(time.Hour)
	defer retention.Stop()
	for {
		select {
		case first := <-r.queue:
			r.flush(first)
		case <-retention.C:
			if err := r.expire(ctx); err != nil {
				r.log.LogAttrs(ctx, slog.LevelWarn, "old audit entries not dropped", slog.String("error", err.Error()))
			}
		case <-ctx.Done():
			close(r.done)
			for {
				select {
				case first := <-r.queue:
					r.flush(first)
				default:
					return nil
				}
			}
		}
	}
}

// flush stores one entry and those that are waiting.
func (r *Recorder) flush(first pending) {
	batch := []pending{first}
	for len(batch) < r.opts.BatchSize {
		select {
		case next := <-r.queue:
			batch = append(batch, next)
			continue
		default:
		}
		break
	}
	err := r.write(batch)
	for _, p := range batch {
		p.written <- err
	}
}

func (r *Recorder) write(batch []pending) error {
	rows := make([]entryRow, len(batch))
	for i, p := range batch {
		rows[i] = p.row
	}
	return r.store.Write.Create(&rows).Error
}

func (r *Recorder) expire(ctx context.Context) error {
	return r.store.Write.WithContext(ctx).Where("at < ?", r.opts.Now().UTC().Add(-r.opts.Retention)).Delete(&entryRow{}).Error
}
