package operation

import (
	"time"

	"google.golang.org/protobuf/proto"
	"gorm.io/gorm"

	"github.com/yunqiao/yunqiao/internal/db"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
)

// row is one operation.
type row struct {
	ID             string  `gorm:"primaryKey;size:32"`
	TenantID       string  `gorm:"size:64;not null;uniqueIndex:operation_key,priority:1"`
	Method         string  `gorm:"size:128;not null;uniqueIndex:operation_key,priority:2"`
	IdempotencyKey *string `gorm:"size:192;uniqueIndex:operation_key,priority:3"` // NULL: none, or forgotten
	MessageHash    []byte
	Request        []byte // native request, sealed; NULL once ended
	AccountID      string `gorm:"size:32;not null;index"`
	ResourceType   string `gorm:"size:64;not null"`
	ResourceID     string `gorm:"size:512;index"` // public id; empty until known
	ActorID        string `gorm:"size:64"`
	RequestID      string `gorm:"size:64;not null"` // of the call that began it; the token at the cloud derives from it
	ParentID       string `gorm:"size:32;index"`
	Protect        bool   // deletion protection asked for at creation
	Status         int32  `gorm:"not null;index:operation_due,priority:1"`
	Attempts       int32
	NextStep       string     `gorm:"size:2048"`
	Undo           bool       // the steps are being taken back
	Verify         bool       // a repeated create waits to see whether a twin turns up
	Chaining       bool       // the resource has settled, its chain runs
	ResourceState  string     `gorm:"size:64"`
	Answer         []byte     // first answer to the client, public ids
	Error          []byte     // cloud.api.v1.Error
	Calls          []byte     // what the driver was called for, JSON of cloudCall
	CallbackURL    string     `gorm:"size:2048"`
	CallbackDueAt  *time.Time `gorm:"index"`
	CallbackTries  int32
	LastAttemptAt  time.Time
	CreatedAt      time.Time `gorm:"index"`
	StartedAt      *time.Time
	FinishedAt     *time.Time
	DeadlineAt     time.Time
	NextPollAt     *time.Time
	LeaseOwner     string `gorm:"size:32;index"`
	LeaseUntil     int64  `gorm:"index:operation_due,priority:2"` // database clock, milliseconds
	Fence          int64  // grows with each owner; every write carries it
}

func (row) TableName() string { return "operation_operations" }

// Migrations of the table of operations.
func Migrations() db.Module {
	return db.Module{Name: "operation", Migrations: []db.Migration{
		{Version: 1, Name: "operations", Up: func(tx *gorm.DB) error { return tx.Migrator().CreateTable(&row{}) }},
	}}
}

func (r *row) status() apiv1.OperationStatus { return apiv1.OperationStatus(r.Status) }

// error is why the operation failed, as a client may know it. One that cannot be
// read shows as INTERNAL.
func (r *row) error() *apiv1.Error {
	stored := &apiv1.Error{}
	if err := proto.Unmarshal(r.Error, stored); err != nil || stored.GetCode() == 0 {
		return &apiv1.Error{Code: int32(apiv1.Reason_REASON_INTERNAL), OperationId: r.ID}
	}
	return stored
}

func (r *row) ended() bool { return isFinal(r.status()) }

func isFinal(s apiv1.OperationStatus) bool {
	switch s {
	case apiv1.OperationStatus_OPERATION_STATUS_SUCCEEDED, apiv1.OperationStatus_OPERATION_STATUS_FAILED,
		apiv1.OperationStatus_OPERATION_STATUS_CANCELLED, apiv1.OperationStatus_OPERATION_STATUS_TIMED_OUT:
		return true
	default:
		return false
	}
}

// openStatuses are those that a sweeper takes up.
var openStatuses = []int32{
	int32(apiv1.OperationStatus_OPERATION_STATUS_PENDING),
	int32(apiv1.OperationStatus_OPERATION_STATUS_RUNNING),
	int32(apiv1.OperationStatus_OPERATION_STATUS_UNKNOWN_OUTCOME),
}
