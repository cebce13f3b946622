package ledger

import (
	"fmt"
	"reflect"

	"gorm.io/gorm"
)

// Stream reads the lines of a filter by beginning and id and shows each to visit,
// which must not keep it. It holds one line at a time.
func Stream(tx *gorm.DB, f Filter, visit func(r *Row) error) error {
	names, err := columns()
	if err != nil {
		return err
	}
	rows, err := f.apply(tx.Model(&Row{})).Select(names).Order("begins, id").Rows()
	if err != nil {
		return fmt.Errorf("read lines of cost: %w", err)
	}
	defer func() { _ = rows.Close() }()
	var r Row
	value := reflect.ValueOf(&r).Elem()
	into := make([]any, value.NumField())
	for n := range into {
		into[n] = value.Field(n).Addr().Interface()
	}
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return fmt.Errorf("read lines of cost: %w", err)
		}
		if err := visit(&r); err != nil {
			return err
		}
	}
	return rows.Err()
}
