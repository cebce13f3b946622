// Package entry stores and finds log entries.
//
// It owns the tables logging_entries, logging_terms (SQLite), logging_record_ids
// and logging_usage, the keys that order entries by time, the index of words and
// Chinese bigrams, and retention. It does not own how lines are read or where they
// come from.
//
// The key of an entry is its time in milliseconds, shifted by 20 bits, and a
// number: the primary key is the order of time, the id that clients see, the page
// token and the boundary of monthly partitions on PostgreSQL.
package entry
