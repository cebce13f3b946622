package account

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"gorm.io/gorm"

	"github.com/yunqiao/yunqiao/internal/db"
	"github.com/yunqiao/yunqiao/internal/seal"
	accountv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/account/v1"
)

// row is one account as stored. A deleted account keeps its row, without
// credentials, so that its name is never used again.
type row struct {
	ID          string `gorm:"primaryKey;size:32"`
	Driver      string `gorm:"size:63;not null"`
	CloudKind   int32  `gorm:"not null"`
	Description string `gorm:"size:800"`
	Settings    string // JSON object
	Sealed      []byte // JSON object of the credentials, sealed
	FromConfig  bool
	Disabled    bool `gorm:"not null;default:false"`
	CreatedAt   time.Time
	UpdatedAt   time.Time
	RemovedAt   *time.Time
}

func (row) TableName() string { return "account_accounts" }

// Migrations of the table of accounts.
func Migrations() db.Module {
	return db.Module{Name: "account", Migrations: []db.Migration{
		{Version: 1, Name: "accounts", Up: func(tx *gorm.DB) error { return tx.Migrator().CreateTable(&rowV1{}) }},
		{Version: 2, Name: "disabled", Up: func(tx *gorm.DB) error { return tx.Migrator().AddColumn(&row{}, "Disabled") }},
	}}
}

// rowV1 is the table of accounts as version 1 made it.
type rowV1 struct {
	ID          string `gorm:"primaryKey;size:32"`
	Driver      string `gorm:"size:63;not null"`
	CloudKind   int32  `gorm:"not null"`
	Description string `gorm:"size:800"`
	Settings    string
	Sealed      []byte
	FromConfig  bool
	CreatedAt   time.Time
	UpdatedAt   time.Time
	RemovedAt   *time.Time
}

func (rowV1) TableName() string { return "account_accounts" }

// record is one account with its credentials in clear: only on its way between
// the store and a driver.
type record struct {
	account     *Account
	credentials map[string]string
}

type store struct {
	db  *db.Store
	box *seal.Box
}

func sealLabel(id string) string { return "account_accounts/" + id }

// load reads all accounts that are not deleted.
func (s *store) load(ctx context.Context) ([]record, error) {
	var rows []row
	if err := s.db.Read.WithContext(ctx).Where("removed_at IS NULL").Order("id").Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("load accounts: %w", err)
	}
	records := make([]record, 0, len(rows))
	for _, r := range rows {
		rec, err := s.fromRow(r)
		if err != nil {
			return nil, err
		}
		records = append(records, rec)
	}
	return records, nil
}

// versions tells when each account that is not deleted was last changed.
func (s *store) versions(ctx context.Context) (map[string]time.Time, error) {
	var rows []row
	if err := s.db.Read.WithContext(ctx).Select("id", "updated_at").Where("removed_at IS NULL").Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("look for changed accounts: %w", err)
	}
	at := make(map[string]time.Time, len(rows))
	for _, r := range rows {
		at[r.ID] = r.UpdatedAt
	}
	return at, nil
}

// find reads an account, unless it is deleted or was never made.
func (s *store) find(ctx context.Context, id string) (rec record, lives bool, err error) {
	var r row
	found := s.db.Read.WithContext(ctx).Where("id = ? AND removed_at IS NULL", id).Limit(1).Find(&r)
	if found.Error != nil {
		return record{}, false, fmt.Errorf("load account %s: %w", id, found.Error)
	}
	if found.RowsAffected == 0 {
		return record{}, false, nil
	}
	rec, err = s.fromRow(r)
	return rec, err == nil, err
}

// used tells whether a name is taken, by an account that lives or has lived.
func (s *store) used(ctx context.Context, id string) (bool, error) {
	var n int64
	err := s.db.Read.WithContext(ctx).Model(&row{}).Where("id = ?", id).Count(&n).Error
	return n > 0, err
}

func (s *store) save(ctx context.Context, rec record) error {
	r, err := s.toRow(rec)
	if err != nil {
		return err
	}
	return s.db.Write.WithContext(ctx).Save(&r).Error
}

func (s *store) insert(ctx context.Context, rec record) error {
	r, err := s.toRow(rec)
	if err != nil {
		return err
	}
	return s.db.Write.WithContext(ctx).Create(&r).Error
}

func (s *store) remove(ctx context.Context, id string, at time.Time) error {
	return s.db.Write.WithContext(ctx).Model(&row{}).Where("id = ?", id).
		Updates(map[string]any{"removed_at": at, "sealed": nil, "settings": "{}"}).Error
}

func (s *store) toRow(rec record) (row, error) {
	settings, err := json.Marshal(rec.account.Settings)
	if err != nil {
		return row{}, err
	}
	credentials, err := json.Marshal(rec.credentials)
	if err != nil {
		return row{}, err
	}
	a := rec.account
	return row{
		ID: a.ID, Driver: a.Driver, CloudKind: int32(a.Kind), Description: a.Description, FromConfig: a.FromConfig, Disabled: a.Disabled,
		Settings: string(settings), Sealed: s.box.Seal(credentials, sealLabel(a.ID)), CreatedAt: a.CreatedAt,
	}, nil
}

func (s *store) fromRow(r row) (record, error) {
	rec := record{account: &Account{
		ID: r.ID, Driver: r.Driver, Kind: accountv1.CloudKind(r.CloudKind), Description: r.Description,
		FromConfig: r.FromConfig, CreatedAt: r.CreatedAt.UTC(), State: accountv1.AccountState_ACCOUNT_STATE_OPENING, Disabled: r.Disabled,
	}}
	if r.Disabled {
		rec.account = rec.account.shut()
	}
	plain, err := s.box.Open(r.Sealed, sealLabel(r.ID))
	if err != nil {
		return record{}, fmt.Errorf("credentials of account %s: %w", r.ID, err)
	}
	if err := json.Unmarshal(plain, &rec.credentials); err != nil {
		return record{}, fmt.Errorf("credentials of account %s: %w", r.ID, err)
	}
	if err := json.Unmarshal([]byte(r.Settings), &rec.account.Settings); err != nil {
		return record{}, fmt.Errorf("settings of account %s: %w", r.ID, err)
	}
	rec.account.CredentialNames = slices.Sorted(maps.Keys(rec.credentials))
	return rec, nil
}
