// Package dbtest gives tests fresh stores on both databases.
//
// It owns the PostgreSQL server of a test process: the one that
// YUNQIAO_TEST_POSTGRES names, or one of its own, made of the programs that
// Debian's package postgresql installs and gone with the process. A machine
// without either fails the test, so that no change is only tried on SQLite.
package dbtest
