package inventory

import "time"

// row is one resource. Body is the resource's message with native ids as the
// driver last gave it.
type row struct {
	ID                string     `gorm:"primaryKey;size:512"`
	Type              string     `gorm:"size:64;not null;index:inventory_list,priority:1"`
	AccountID         string     `gorm:"size:32;not null;index:inventory_list,priority:2"`
	TenantID          string     `gorm:"size:64;not null;index"`
	OwnerID           string     `gorm:"size:64"`
	OwnedSince        *time.Time // NULL: nobody owns it
	Managed           int32
	DeletionProtected bool
	OperationID       string `gorm:"size:32"`
	Name              string `gorm:"size:255"`
	State             string `gorm:"size:64"`
	Body              []byte
	Spec              string `gorm:"type:text"` // JSON object; "" or NULL: not known
	Listed            string `gorm:"size:32"`   // digest of the resource in the last listing
	Sequence          int32
	CreatedAt         time.Time
	ObservedAt        time.Time
	GoneAt            *time.Time `gorm:"index:inventory_list,priority:3"`
}

func (row) TableName() string { return "inventory_resources" }
