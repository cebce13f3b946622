// Package lease lets one replica at a time do a piece of work, by rows of a table in
// the shared store and the database's clock.
//
// It owns the form of such a table; the module that uses it owns the table and its
// name. What is done under a lease must still be safe to do twice: a replica that was
// stopped for long learns only afterwards that its lease is another's.
package lease
