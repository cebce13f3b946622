package identity

import (
	"time"

	"gorm.io/gorm"

	"github.com/yunqiao/yunqiao/internal/db"
)

type organizationRow struct {
	ID          string `gorm:"primaryKey;size:32"`
	Name        string `gorm:"size:255;not null;uniqueIndex"`
	ParentID    string `gorm:"size:32;index"`
	Description string `gorm:"size:800"`
	Enabled     bool
	CreatedAt   time.Time
}

func (organizationRow) TableName() string { return "identity_organizations" }

type organizationAccountRow struct {
	OrganizationID string `gorm:"primaryKey;size:32"`
	AccountID      string `gorm:"primaryKey;size:32"`
}

func (organizationAccountRow) TableName() string { return "identity_organization_accounts" }

type quotaRow struct {
	OrganizationID string `gorm:"primaryKey;size:32"`
	ResourceType   string `gorm:"primaryKey;size:64"`
	AccountID      string `gorm:"primaryKey;size:32"` // "" for all accounts together
	Maximum        int32
}

func (quotaRow) TableName() string { return "identity_quotas" }

type userRow struct {
	ID             string `gorm:"primaryKey;size:32"`
	Name           string `gorm:"size:255;not null;uniqueIndex"`
	OrganizationID string `gorm:"size:32;not null;index"`
	Description    string `gorm:"size:800"`
	Enabled        bool
	PasswordHash   string `gorm:"size:255"` // "" until one is set: no log-in by password
	CreatedAt      time.Time
}

func (userRow) TableName() string { return "identity_users" }

// permissionsRow is a role or a permission group that is not built in.
type permissionsRow struct {
	ID          string `gorm:"primaryKey;size:32"`
	Kind        string `gorm:"size:8;not null;uniqueIndex:identity_permissions_name,priority:1"` // role, group
	Name        string `gorm:"size:255;not null;uniqueIndex:identity_permissions_name,priority:2"`
	Description string `gorm:"size:800"`
	Permissions string // JSON array
}

func (permissionsRow) TableName() string { return "identity_permissions" }

// grantRow gives a user a role or permission group in an organization and below.
type grantRow struct {
	OrganizationID string `gorm:"primaryKey;size:32"`
	UserID         string `gorm:"primaryKey;size:32;index"`
	Kind           string `gorm:"primaryKey;size:8"`
	TargetID       string `gorm:"primaryKey;size:32;index"`
}

func (grantRow) TableName() string { return "identity_grants" }

// tokenRow is a token, by the hash of its text.
type tokenRow struct {
	Hash           []byte `gorm:"primaryKey;size:32"`
	UserID         string `gorm:"size:32;not null;index"`
	OrganizationID string `gorm:"size:32;not null"`
	CreatedAt      time.Time
	ExpiresAt      *time.Time `gorm:"index"` // NULL: the first administrator's, until revoked
}

func (tokenRow) TableName() string { return "identity_tokens" }

// failureRow counts failed log-ins of a name, whether a user has it or not, so
// that the lock tells nothing about names.
type failureRow struct {
	NameHash    []byte `gorm:"primaryKey;size:32"`
	Failures    int32
	LockedUntil time.Time
}

func (failureRow) TableName() string { return "identity_login_failures" }

// keyRow is an access key. Secret is sealed; PublicKey is of SM2 keys.
type keyRow struct {
	ID          string `gorm:"primaryKey;size:32"`
	UserID      string `gorm:"size:32;not null;index"`
	Algorithm   int32
	Secret      []byte
	PublicKey   []byte
	Description string `gorm:"size:800"`
	Enabled     bool
	CreatedAt   time.Time
}

func (keyRow) TableName() string { return "identity_access_keys" }

// nonceRow is a nonce of a signed write, kept while its timestamp is acceptable.
type nonceRow struct {
	KeyID     string    `gorm:"primaryKey;size:32"`
	Nonce     string    `gorm:"primaryKey;size:128"`
	ExpiresAt time.Time `gorm:"index"`
}

func (nonceRow) TableName() string { return "identity_nonces" }

// revisionRow grows with every change, so that replicas notice.
type revisionRow struct {
	ID       int `gorm:"primaryKey"`
	Revision int64
}

func (revisionRow) TableName() string { return "identity_revision" }

// Migrations of the tables of identity.
func Migrations() db.Module {
	return db.Module{Name: "identity", Migrations: []db.Migration{
		{Version: 1, Name: "organizations, users, roles, tokens, keys", Up: func(tx *gorm.DB) error {
			return tx.Migrator().CreateTable(&organizationRow{}, &organizationAccountRow{}, &quotaRow{}, &userRow{},
				&permissionsRow{}, &grantRow{}, &tokenRow{}, &failureRow{}, &keyRow{}, &nonceRow{}, &revisionRow{})
		}},
	}}
}
