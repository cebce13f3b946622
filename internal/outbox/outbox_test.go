package outbox_test

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gorm.io/gorm"

	"github.com/yunqiao/yunqiao/internal/db"
	"github.com/yunqiao/yunqiao/internal/outbox"
)

func TestAppend(t *testing.T) {
	t.Parallel()
	store, err := db.Open(t.Context(), db.Config{DSN: filepath.Join(t.TempDir(), "a.db")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	if err := store.Migrate(t.Context(), outbox.Migrations()); err != nil {
		t.Fatal(err)
	}
	refused := errors.New("refused")
	event := outbox.Event{
		Type: "ResourceStateChanged", ResourceID: "acc." + strings.Repeat("x", 500), Sequence: 1, RequestID: strings.Repeat("a", 32) + "/2",
		OccurredAt: time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC), Payload: map[string]string{"to_state": "运行"},
	}
	for _, outcome := range []error{nil, refused, nil} {
		err := store.Write.Transaction(func(tx *gorm.DB) error { return errors.Join(outbox.Append(tx, event), outcome) })
		if !errors.Is(err, outcome) {
			t.Fatalf("got %v, want %v", err, outcome)
		}
	}
	var rows []struct {
		Position         int64
		EventID, Payload string
		RequestID        string
		OccurredAt       time.Time
		RecordedAt       time.Time
	}
	if err := store.Read.Table("outbox_events").Order("position").Find(&rows).Error; err != nil {
		t.Fatal(err)
	}
	if len(rows) != 2 || rows[0].EventID == rows[1].EventID || rows[0].Position >= rows[1].Position {
		t.Fatalf("got %+v, want the two that were committed", rows)
	}
	if r := rows[0]; r.Payload != `{"to_state":"运行"}` || r.RequestID != event.RequestID || !r.OccurredAt.Equal(event.OccurredAt) || r.RecordedAt.IsZero() {
		t.Errorf("got %+v", r)
	}
	event.Payload = make(chan int)
	if err := outbox.Append(store.Write, event); err == nil {
		t.Error("a payload that is no JSON was recorded")
	}
}
