package programs

import (
	"errors"
	"fmt"

	"gorm.io/gorm"

	"github.com/yunqiao/yunqiao/internal/db"
)

// leaner ends the indexes that each message wrote at random places: versions of a
// record become a chain, and the list of a series is kept in the order of its key.
func leaner(tx *gorm.DB) error {
	if !tx.Migrator().HasColumn(&recordRow{}, "last_change") { // else made by version 1 of this release
		if err := chain(tx); err != nil {
			return fmt.Errorf("chain of versions: %w", err)
		}
	}
	if tx.Migrator().HasColumn(&relationRow{}, "series_id") {
		if err := rebuildRelations(tx); err != nil {
			return fmt.Errorf("lists of series: %w", err)
		}
	}
	return dropIndex(tx, &seenRow{}, "idx_programs_seen_at")
}

// partnerSettings adds what partners are agreed with beside the profile.
func partnerSettings(tx *gorm.DB) error {
	if err := db.AddColumns(tx, &partnerRow{}, "Variant", "Paths", "ClientCertificates", "ServerAuthorities", "Certificate"); err != nil {
		return err
	}
	return keyed(tx).Migrator().CreateTable(&leniencyRow{})
}

func dropIndex(tx *gorm.DB, table any, name string) error {
	if !tx.Migrator().HasIndex(table, name) {
		return nil
	}
	return tx.Migrator().DropIndex(table, name)
}

// chain gives each version the position of the one before it.
func chain(tx *gorm.DB) error {
	err := errors.Join(tx.Migrator().AddColumn(&changeRow{}, "Previous"), tx.Migrator().AddColumn(&recordRow{}, "LastChange"))
	if err != nil {
		return err
	}
	for _, statement := range []string{
		`UPDATE programs_changes SET previous = older.position FROM (SELECT position AS at, LAG(position) OVER (PARTITION BY record_key ORDER BY version) AS position
			FROM programs_changes) AS older WHERE programs_changes.position = older.at AND older.position IS NOT NULL`,
		`UPDATE programs_records SET last_change = newest.position FROM (SELECT record_key, MAX(position) AS position FROM programs_changes GROUP BY record_key) AS newest
			WHERE programs_records.id = newest.record_key`,
	} {
		if err := tx.Exec(statement).Error; err != nil {
			return err
		}
	}
	return dropIndex(tx, &changeRow{}, "programs_changes_record")
}

// rebuildRelations gives the table another primary key.
func rebuildRelations(tx *gorm.DB) error {
	const columns = "series_key, program, program_key, seq, data"
	if err := tx.Exec("CREATE TABLE programs_relations_before AS SELECT " + columns + " FROM programs_relations").Error; err != nil {
		return err
	}
	if err := tx.Migrator().DropTable(&relationRow{}); err != nil {
		return err
	}
	if err := keyed(tx).Migrator().CreateTable(&relationRow{}); err != nil {
		return err
	}
	if err := tx.Exec("INSERT INTO programs_relations (" + columns + ") SELECT " + columns + " FROM programs_relations_before").Error; err != nil {
		return err
	}
	return tx.Exec("DROP TABLE programs_relations_before").Error
}
