// Package db opens the store and keeps its schema: one GORM handle for reading
// and one for writing, over SQLite (embedded default) or PostgreSQL.
//
// It owns connections, migrations and the translation of constraint errors. It
// does not own tables: every package brings its own models and migrations, under
// its own prefix.
package db
