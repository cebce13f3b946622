package outbox

import (
	"fmt"
	"time"

	"gorm.io/gorm"
)

// Stored is an event as it was written.
type Stored struct {
	Position     int64 // grows with each event; of events written side by side, in any order
	EventID      string
	Type         string
	ResourceID   string
	ResourceType string
	AccountID    string
	TenantID     string
	Source       string
	Sequence     int32
	OperationID  string
	RequestID    string
	ActorID      string
	OccurredAt   time.Time
	RecordedAt   time.Time
	Payload      string // JSON
}

// Settling is how long a writer may take from an event to its commit. A reader
// keeps its position before events that are younger, reads those again, and drops
// what it has had by event id: positions are given before transactions commit.
const Settling = 2 * time.Minute

// Read returns at most limit events of the types after a position, in its order;
// no types stand for all.
func Read(tx *gorm.DB, after int64, limit int, types ...string) ([]Stored, error) {
	query := tx.Model(&row{}).Where("position > ?", after).Order("position").Limit(limit)
	if len(types) > 0 {
		query = query.Where("type IN ?", types)
	}
	var events []Stored
	if err := query.Find(&events).Error; err != nil {
		return nil, fmt.Errorf("read events after %d: %w", after, err)
	}
	return events, nil
}
