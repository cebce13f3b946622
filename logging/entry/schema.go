package entry

import (
	"fmt"
	"time"

	"gorm.io/gorm"

	"github.com/yunqiao/yunqiao/internal/db"
)

const columns = `key BIGINT NOT NULL, tenant_id TEXT NOT NULL, resource_id TEXT NOT NULL, level SMALLINT NOT NULL,
	at_us BIGINT NOT NULL, received_us BIGINT NOT NULL, process_name TEXT NOT NULL, process_id TEXT NOT NULL,
	message TEXT NOT NULL, request_id TEXT NOT NULL, attributes TEXT NOT NULL, submission_id TEXT NOT NULL,
	location_id TEXT NOT NULL, source TEXT NOT NULL, record_id TEXT NOT NULL, size INTEGER NOT NULL`

// Migrations are the tables of this package, as steps of the module "logging".
func Migrations() []db.Migration {
	return []db.Migration{{Version: 1, Name: "entries", Up: createEntries}}
}

func createEntries(tx *gorm.DB) error {
	statements := []string{
		`CREATE TABLE logging_entries (` + columns + `, original BLOB, PRIMARY KEY (key))`,
		`CREATE VIRTUAL TABLE logging_terms USING fts5(terms, content='', contentless_delete=1, detail=none, tokenize='ascii')`,
	}
	if tx.Name() == "postgres" {
		statements = []string{
			`CREATE TABLE logging_entries (` + columns + `, original BYTEA, terms TSVECTOR NOT NULL, PRIMARY KEY (key)) PARTITION BY RANGE (key)`,
			`CREATE INDEX logging_entries_terms ON logging_entries USING GIN (terms)`,
		}
	}
	statements = append(statements,
		`CREATE INDEX logging_entries_resource ON logging_entries (resource_id, level, key)`,
		`CREATE INDEX logging_entries_tenant ON logging_entries (tenant_id, level, key)`,
		`CREATE INDEX logging_entries_request ON logging_entries (request_id, key) WHERE request_id <> ''`,
		`CREATE TABLE logging_record_ids (tenant_id TEXT NOT NULL, record_id TEXT NOT NULL, key BIGINT NOT NULL, PRIMARY KEY (tenant_id, record_id))`,
		`CREATE TABLE logging_usage (tenant_id TEXT NOT NULL, hour BIGINT NOT NULL, bytes BIGINT NOT NULL, entries BIGINT NOT NULL, PRIMARY KEY (tenant_id, hour))`,
	)
	for _, statement := range statements {
		if err := tx.Exec(statement).Error; err != nil {
			return fmt.Errorf("%s: %w", statement[:40], err)
		}
	}
	return nil
}

// month is the first moment of a time's month and of the next, UTC.
func month(at time.Time) (first, next time.Time) {
	y, m, _ := at.UTC().Date()
	first = time.Date(y, m, 1, 0, 0, 0, 0, time.UTC)
	return first, first.AddDate(0, 1, 0)
}

// partitionOf makes a month's partition on PostgreSQL. Replicas that want the same
// one wait for each other.
func partitionOf(tx *gorm.DB, at time.Time) error {
	first, next := month(at)
	if err := db.Exclusive(tx, "logging partitions"); err != nil {
		return err
	}
	return tx.Exec(fmt.Sprintf(`CREATE TABLE IF NOT EXISTS logging_entries_%s PARTITION OF logging_entries FOR VALUES FROM (%d) TO (%d)`,
		first.Format("200601"), keyAt(first), keyAt(next))).Error
}
