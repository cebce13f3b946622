package db

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"
	"gorm.io/gorm/schema"
)

// arrayRows is how many rows are handed to PostgreSQL at once.
const arrayRows = 2000

// InsertAll writes rows of one table beneath GORM, which costs more than the database
// does where rows are many. A column that counts by itself is left to the database,
// unless the first row has a number in it. It knows texts, whole numbers, truth values,
// times and bytes. After an error the transaction must be rolled back.
func InsertAll[T any](tx *gorm.DB, rows []T) error { return writeAll(tx, rows, false) }

// UpsertAll writes rows as InsertAll does, over those with the same primary key. No two
// of the rows may have the same one.
func UpsertAll[T any](tx *gorm.DB, rows []T) error { return writeAll(tx, rows, true) }

func writeAll[T any](tx *gorm.DB, rows []T, over bool) error {
	if len(rows) == 0 {
		return nil
	}
	statement := &gorm.Statement{DB: tx}
	if err := statement.Parse(new(T)); err != nil {
		return err
	}
	first := reflect.ValueOf(&rows[0]).Elem()
	fields := slices.DeleteFunc(slices.Clone(statement.Schema.Fields), func(f *schema.Field) bool {
		return f.DBName == "" || f.AutoIncrement && f.ReflectValueOf(tx.Statement.Context, first).IsZero()
	})
	w := &bulkWriter{ctx: tx.Statement.Context, pool: tx.Statement.ConnPool, fields: fields}
	names := make([]string, len(fields))
	for i, f := range fields {
		names[i] = quoted(f)
		if arrayOf(f.FieldType) == "" {
			return fmt.Errorf("column %s of %s: its type %s is not written in bulk", f.DBName, statement.Schema.Table, f.FieldType)
		}
	}
	insert := "INSERT INTO "
	if tx.Name() != "postgres" {
		insert = "INSERT OR FAIL INTO "
	}
	w.into = insert + statement.Schema.Table + " (" + strings.Join(names, ",") + ") "
	if over {
		w.after = replacing(statement.Schema, fields)
	}
	all := reflect.ValueOf(rows)
	if tx.Name() == "postgres" {
		return w.arrays(all)
	}
	return w.values(all)
}

func quoted(f *schema.Field) string { return `"` + f.DBName + `"` }

func replacing(s *schema.Schema, fields []*schema.Field) string {
	var keys, sets []string
	for _, f := range s.PrimaryFields {
		keys = append(keys, quoted(f))
	}
	for _, f := range fields {
		if !f.PrimaryKey {
			sets = append(sets, quoted(f)+"=excluded."+quoted(f))
		}
	}
	if len(sets) == 0 {
		return " ON CONFLICT (" + strings.Join(keys, ",") + ") DO NOTHING"
	}
	return " ON CONFLICT (" + strings.Join(keys, ",") + ") DO UPDATE SET " + strings.Join(sets, ",")
}

type bulkWriter struct {
	ctx         context.Context // of the transaction
	pool        gorm.ConnPool
	fields      []*schema.Field
	into, after string
}

// values writes with statements of a power of two of rows each, so that there are few
// different ones, each short enough to be kept prepared.
func (w *bulkWriter) values(rows reflect.Value) error {
	one := "(?" + strings.Repeat(",?", len(w.fields)-1) + ")"
	n := 1
	for n < 64 && len(w.into)+len("VALUES ")+2*n*(len(one)+1)+len(w.after) <= maxStatementBytes {
		n *= 2
	}
	args := make([]any, 0, n*len(w.fields))
	for done := 0; done < rows.Len(); {
		for done+n > rows.Len() {
			n /= 2
		}
		args = args[:0]
		for i := range n {
			row := rows.Index(done + i)
			for _, f := range w.fields {
				args = append(args, plain(f.ReflectValueOf(w.ctx, row)))
			}
		}
		text := w.into + "VALUES " + strings.Repeat(one+",", n-1) + one + w.after
		if _, err := w.pool.ExecContext(w.ctx, text, args...); err != nil {
			return err
		}
		done += n
	}
	return nil
}

// plain is a value as drivers take it without looking at its type.
func plain(v reflect.Value) any {
	switch v.Kind() {
	case reflect.String:
		return v.String()
	case reflect.Int, reflect.Int32, reflect.Int64:
		return v.Int()
	case reflect.Bool:
		return v.Bool()
	default:
		return v.Interface()
	}
}

// arrays hands over each column as one array.
func (w *bulkWriter) arrays(rows reflect.Value) error {
	casts := make([]string, len(w.fields))
	for i, f := range w.fields {
		casts[i] = fmt.Sprintf("$%d::%s[]", i+1, arrayOf(f.FieldType))
	}
	text := w.into + "SELECT * FROM unnest(" + strings.Join(casts, ",") + ")" + w.after
	for done := 0; done < rows.Len(); done += arrayRows {
		part := rows.Slice(done, min(done+arrayRows, rows.Len()))
		args := make([]any, len(w.fields))
		for i, f := range w.fields {
			args[i] = column(w.ctx, f, part)
		}
		if _, err := w.pool.ExecContext(w.ctx, text, args...); err != nil {
			return err
		}
	}
	return nil
}

// arrayOf is what PostgreSQL calls the elements of a column; empty: it is not known.
func arrayOf(t reflect.Type) string {
	switch t.Kind() {
	case reflect.String:
		return "text"
	case reflect.Int32:
		return "integer"
	case reflect.Int, reflect.Int64:
		return "bigint"
	case reflect.Bool:
		return "boolean"
	}
	switch t {
	case reflect.TypeFor[time.Time](), reflect.TypeFor[*time.Time]():
		return "timestamptz"
	case reflect.TypeFor[[]byte]():
		return "bytea"
	}
	return ""
}

// column is the values of a field in all rows, as a slice of a plain type.
func column(ctx context.Context, f *schema.Field, rows reflect.Value) any {
	element := f.FieldType
	switch element.Kind() {
	case reflect.String:
		element = reflect.TypeFor[string]()
	case reflect.Int:
		element = reflect.TypeFor[int64]()
	}
	out := reflect.MakeSlice(reflect.SliceOf(element), rows.Len(), rows.Len())
	for i := range rows.Len() {
		out.Index(i).Set(f.ReflectValueOf(ctx, rows.Index(i)).Convert(element))
	}
	return out.Interface()
}

// AnyOf is the condition that a text column has one of the values. Its statement is the
// same for any number of them, and so stays prepared.
func AnyOf(tx *gorm.DB, column string, values []string) clause.Expression {
	list, _ := json.Marshal(append([]string{}, values...)) // texts can always be marshalled
	if tx.Name() == "postgres" {
		return clause.Expr{SQL: column + " = ANY(ARRAY(SELECT jsonb_array_elements_text(CAST(? AS jsonb))))", Vars: []any{string(list)}}
	}
	return clause.Expr{SQL: column + " IN (SELECT value FROM json_each(?))", Vars: []any{string(list)}}
}
