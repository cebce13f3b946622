package monitor

import "github.com/yunqiao/yunqiao/internal/db"

// save writes what the commands have changed. What was stored before goes first: a
// new alarm can take the place of one that is cleared now.
func (w *work) save() error {
	for _, row := range w.fresh {
		delete(w.dirty, row.ID)
		row.setInstance()
	}
	if err := w.update(); err != nil {
		return err
	}
	if err := db.InsertAll(w.tx, w.fresh); err != nil {
		return err
	}
	if len(w.changes) == 0 {
		return nil
	}
	if err := db.InsertAll(w.tx, w.changes); err != nil {
		return err
	}
	for name, value := range map[string]int64{"serial": w.serial, "number": w.number} {
		if err := w.tx.Model(&counterRow{}).Where("name = ?", name).Update("value", value).Error; err != nil {
			return err
		}
	}
	return nil
}

// update writes alarms that were stored before, the cleared first: only one of an
// identity may be active.
func (w *work) update() error {
	var cleared, active []*alarmRow
	for _, row := range w.dirty {
		row.setInstance()
		if row.Active {
			active = append(active, row)
		} else {
			cleared = append(cleared, row)
		}
	}
	for _, rows := range [][]*alarmRow{cleared, active} {
		if err := db.UpsertAll(w.tx, rows); err != nil {
			return err
		}
	}
	return nil
}
