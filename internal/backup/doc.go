// Package backup writes all that the store holds into one file, from SQLite or
// PostgreSQL, and restores it into either.
//
// It owns the file: a zip of manifest.json (versions, tables, counts) and a file of
// JSON lines for each table. It knows tables by the schema alone, so a new module
// needs nothing here. The key that seals secrets in the store is not in the file:
// whoever has only the file can open none of them.
package backup
