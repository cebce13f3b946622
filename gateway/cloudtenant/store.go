package cloudtenant

import (
	"context"
	"errors"
	"time"

	"gorm.io/gorm"

	"github.com/yunqiao/yunqiao/drivers/sdk"
	"github.com/yunqiao/yunqiao/internal/db"
	"github.com/yunqiao/yunqiao/internal/lease"
	accountv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/account/v1"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
)

const leaseTable = "cloudtenant_leases"

// row is one tenant. It holds no secret.
type row struct {
	ID             string `gorm:"primaryKey;size:32"`
	AdminAccountID string `gorm:"size:32;not null;index"`
	OrganizationID string `gorm:"size:32;not null;index"`
	Description    string `gorm:"size:800"`
	Native         string `gorm:"size:256"` // the cloud's id; empty: not known
	CredentialID   string `gorm:"size:256"` // the cloud's id of the credentials in use
	CredentialsAt  *time.Time
	Mark           string           `gorm:"size:26;not null"`
	Quotas         map[string]int32 `gorm:"serializer:json"`
	State          int32            `gorm:"not null"`
	Before         int32            // state that a refused deletion goes back to
	Step           step             `gorm:"size:16;not null;index"`
	Reason         int32            // why the step does not go on, or why it has failed
	Cause          int32            // why the creation is undone; 0: it is not
	KeyTenant      string           `gorm:"size:32;not null;index:cloudtenant_key,priority:1"`
	RequestKey     string           `gorm:"size:128;not null;index:cloudtenant_key,priority:2"`
	RequestHash    []byte
	RotationKey    string `gorm:"size:128"`
	CreatedAt      time.Time
}

func (row) TableName() string { return "cloudtenant_tenants" }

// Migrations of the table of tenants.
func Migrations() db.Module {
	return db.Module{Name: "cloudtenant", Migrations: []db.Migration{
		{Version: 1, Name: "tenants", Up: func(tx *gorm.DB) error {
			if err := tx.Migrator().CreateTable(&row{}); err != nil {
				return err
			}
			return lease.CreateTable(tx, leaseTable)
		}},
	}}
}

const failed = accountv1.CloudTenantState_CLOUD_TENANT_STATE_FAILED

type store struct{ db *db.Store }

// get reads one; the error is NOT_FOUND.
func (s *store) get(ctx context.Context, id string) (*row, error) {
	r := &row{}
	err := s.db.Write.WithContext(ctx).First(r, "id = ?", id).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return nil, absent()
	}
	return r, err
}

func absent() error {
	return sdk.NewError(apiv1.Reason_REASON_NOT_FOUND, sdk.Violation("id", "there is no such cloud tenant"))
}

// byKey finds what a request with an idempotency key has made; nil: nothing.
func (s *store) byKey(ctx context.Context, tenant, key string, since time.Time) (*row, error) {
	var found []row
	err := s.db.Write.WithContext(ctx).Where("key_tenant = ? AND request_key = ? AND created_at > ? AND state <> ?", tenant, key, since, int32(failed)).
		Limit(1).Find(&found).Error
	if err != nil || len(found) == 0 {
		return nil, err
	}
	return &found[0], nil
}

// insert stores a new one, in the place of one of its name that has failed.
func (s *store) insert(ctx context.Context, r *row) error {
	return s.db.Write.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		if err := tx.Delete(&row{}, "id = ? AND state = ?", r.ID, int32(failed)).Error; err != nil {
			return err
		}
		return tx.Create(r).Error
	})
}

func (s *store) save(ctx context.Context, r *row) error {
	return s.db.Write.WithContext(ctx).Save(r).Error
}

// dropFailed forgets one that has failed, of which nothing is left.
func (s *store) dropFailed(ctx context.Context, id string) (dropped bool, err error) {
	result := s.db.Write.WithContext(ctx).Delete(&row{}, "id = ? AND state = ?", id, int32(failed))
	return result.RowsAffected > 0, result.Error
}

func (s *store) remove(ctx context.Context, id string) error {
	return s.db.Write.WithContext(ctx).Delete(&row{}, "id = ?", id).Error
}

// query is what a list asks for; empty fields ask for nothing.
type query struct {
	admin, organization, after string
	organizations              []string // nil: all
	limit                      int
}

func (s *store) list(ctx context.Context, q query) ([]row, error) {
	read := s.db.Read.WithContext(ctx).Order("id").Limit(q.limit).Where("id > ?", q.after)
	if q.admin != "" {
		read = read.Where("admin_account_id = ?", q.admin)
	}
	if q.organization != "" {
		read = read.Where("organization_id = ?", q.organization)
	}
	if q.organizations != nil {
		read = read.Where("organization_id IN ?", q.organizations)
	}
	var rows []row
	return rows, read.Find(&rows).Error
}

// unfinished are the tenants that have a step to make.
func (s *store) unfinished(ctx context.Context) ([]string, error) {
	var ids []string
	return ids, s.db.Read.WithContext(ctx).Model(&row{}).Where("step <> ?", "").Order("id").Pluck("id", &ids).Error
}

func names(tx *gorm.DB, condition string, values ...any) ([]string, error) {
	var ids []string
	return ids, tx.Model(&row{}).Where("state <> ?", int32(failed)).Where(condition, values...).Order("id").Pluck("id", &ids).Error
}
