package db

import (
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"net"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
	sqlitedriver "modernc.org/sqlite"
	sqlitelib "modernc.org/sqlite/lib"
)

// IsAway tells whether an error says that the database could not do its work now,
// and may later: it cannot be reached, restarts, is full, read-only or too busy. What
// was asked of it may have been done or not.
func IsAway(err error) bool {
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok {
		return awayPostgres(pg.Code)
	}
	if lite, ok := errors.AsType[*sqlitedriver.Error](err); ok {
		return awaySQLite(lite.Code())
	}
	if _, ok := errors.AsType[*pgconn.ConnectError](err); ok {
		return true
	}
	if _, ok := errors.AsType[*net.OpError](err); ok {
		return true
	}
	return errors.Is(err, driver.ErrBadConn) || errors.Is(err, sql.ErrConnDone) || errors.Is(err, io.ErrUnexpectedEOF) ||
		pgconn.SafeToRetry(err) || pgconn.Timeout(err)
}

// awayPostgres reads a SQLSTATE: classes 08 (connection), 53 (resources: disk, memory,
// connections), 57P (shut down, starting), 58 (system), and a server that only reads.
func awayPostgres(state string) bool {
	const readOnly = "25006"
	for _, class := range []string{"08", "53", "57P", "58", readOnly} {
		if strings.HasPrefix(state, class) {
			return true
		}
	}
	return false
}

// awaySQLite reads a result code; its low byte is the kind.
func awaySQLite(code int) bool {
	switch code & 0xff {
	case sqlitelib.SQLITE_FULL, sqlitelib.SQLITE_READONLY, sqlitelib.SQLITE_IOERR, sqlitelib.SQLITE_CANTOPEN,
		sqlitelib.SQLITE_BUSY, sqlitelib.SQLITE_LOCKED, sqlitelib.SQLITE_NOMEM:
		return true
	default:
		return false
	}
}
