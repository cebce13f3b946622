package programs

import (
	"slices"
	"strings"

	"gorm.io/gorm"

	"github.com/yunqiao/yunqiao/programs/gyt345"
)

const listMember = "seriesPrograms"

// withList adds the list that a series had, for a message without one leaves it as it
// is. The list is the last member of its table.
func withList(data gyt345.Value, before string) gyt345.Value {
	if !strings.Contains(before, `"`+listMember+`":`) {
		return data
	}
	old, err := gyt345.Parse([]byte(before))
	if err != nil {
		return data // never: we wrote it
	}
	if list, ok := old.Member(listMember); ok {
		data.Members = append(slices.Clip(data.Members), gyt345.Member{Name: listMember, Value: list})
	}
	return data
}

// listsInMetadata gives the series of earlier releases their lists.
func listsInMetadata(tx *gorm.DB) error {
	var ids []string
	err := tx.Model(&recordRow{}).Where("kind = ? AND known = ? AND metadata NOT LIKE ?", KindSeries, true, `%"`+listMember+`":%`).
		Where("id IN (SELECT series_key FROM programs_relations)").Pluck("id", &ids).Error
	if err != nil {
		return err
	}
	for _, id := range ids {
		var items []string
		if err := tx.Model(&relationRow{}).Where("series_key = ?", id).Order("seq, program").Pluck("data", &items).Error; err != nil {
			return err
		}
		end := `,"` + listMember + `":[` + strings.Join(items, ",") + "]}"
		if err := tx.Exec("UPDATE programs_records SET metadata = substr(metadata, 1, length(metadata) - 1) || ? WHERE id = ?", end, id).Error; err != nil {
			return err
		}
	}
	return nil
}
