package programs

import (
	"maps"
	"slices"

	"gorm.io/gorm"

	"github.com/yunqiao/yunqiao/internal/db"
)

// takenURLs gives emergencies from before this table what they would have noted, as
// far as it is known by now, and locks of the programs in their series.
func takenURLs(tx *gorm.DB) error {
	if err := db.AddColumns(tx, &lockRow{}, "Series"); err != nil {
		return err
	}
	if err := keyed(tx).Migrator().CreateTable(&takenRow{}); err != nil {
		return err
	}
	err := tx.Model(&lockRow{}).Where("emergency_id IN (SELECT id FROM programs_emergencies WHERE kind = ?)", KindSeries).Update("series", true).Error
	if err != nil {
		return err
	}
	var emergencies []emergencyRow
	err = tx.Select("id", "group_id", "kind", "records", "state").
		Where("state = ? OR id IN (SELECT emergency_id FROM programs_deliveries WHERE state = ?)", emergencyActive, deliveryPending).Find(&emergencies).Error
	if err != nil {
		return err
	}
	for i := range emergencies {
		if err := takenBefore(tx, &emergencies[i]); err != nil {
			return err
		}
	}
	return nil
}

func takenBefore(tx *gorm.DB, e *emergencyRow) error {
	keys, err := affected(tx, e)
	if err != nil {
		return err
	}
	taken := map[takenRow]bool{}
	for _, part := range chunks(keys) {
		var rows []recordRow
		if err := tx.Select("id", "metadata").Where(db.AnyOf(tx, "id", part)).Where("kind = ?", KindProgram).Find(&rows).Error; err != nil {
			return err
		}
		for _, r := range rows {
			for _, row := range takenOf(e.ID, r.ID, r.Metadata) {
				taken[row] = true
			}
		}
	}
	if e.State == emergencyActive {
		if err := db.UpsertAll(tx, e.locks(keys)); err != nil {
			return err
		}
	}
	return db.UpsertAll(tx, slices.Collect(maps.Keys(taken)))
}
