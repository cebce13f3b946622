package entry

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"strings"
)

const (
	insertColumns = `key, tenant_id, resource_id, level, at_us, received_us, process_name, process_id, message, request_id,
	attributes, submission_id, location_id, source, record_id, size, original`
	columnCount = 17
	// rowsAtOnce is enough that the calls cost little; a longer statement is slower to prepare.
	rowsAtOnce = 20
)

// insertSQLite writes rows and their terms.
func (s *Store) insertSQLite(ctx context.Context, tx *sql.Tx, records []*Record) error {
	whole := len(records) / rowsAtOnce * rowsAtOnce
	if err := insertRows(ctx, tx, records[:whole], rowsAtOnce); err != nil {
		return err
	}
	if err := insertRows(ctx, tx, records[whole:], 1); err != nil {
		return err
	}
	return insertTerms(ctx, tx, records)
}

// insertRows writes so many records at once. OR FAIL spares the copies of pages from
// which one statement alone could be taken back: an error ends the transaction.
func insertRows(ctx context.Context, tx *sql.Tx, records []*Record, atOnce int) (err error) {
	if len(records) == 0 {
		return nil
	}
	row := "(" + strings.Repeat("?,", columnCount-1) + "?)"
	statement, err := tx.PrepareContext(ctx, `INSERT OR FAIL INTO logging_entries (`+insertColumns+`) VALUES `+strings.Repeat(row+",", atOnce-1)+row)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, statement.Close()) }()
	args := make([]any, 0, atOnce*columnCount)
	for some := range slices.Chunk(records, atOnce) {
		args = args[:0]
		for _, r := range some {
			var original any
			if r.Original != nil {
				original = r.Original
			}
			args = append(args, r.Key, r.TenantID, r.ResourceID, int64(r.Level), r.At.UnixMicro(), r.ReceivedAt.UnixMicro(), r.ProcessName,
				r.ProcessID, r.Message, r.RequestID, encode(r.Attributes), r.SubmissionID, r.LocationID, r.Source, r.RecordID, int64(r.Bytes()), original)
		}
		if _, err := statement.ExecContext(ctx, args...); err != nil {
			return err
		}
	}
	return nil
}

// insertTerms indexes messages one by one: at each statement of several rows the index
// would write out what it has gathered.
func insertTerms(ctx context.Context, tx *sql.Tx, records []*Record) (err error) {
	statement, err := tx.PrepareContext(ctx, `INSERT INTO logging_terms (rowid, terms) VALUES (?, ?)`)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, statement.Close()) }()
	for _, r := range records {
		if _, err := statement.ExecContext(ctx, r.Key, strings.Join(terms(r.Message), " ")); err != nil {
			return err
		}
	}
	return nil
}
