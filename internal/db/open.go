package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/stdlib"
	"gorm.io/driver/postgres"
	"gorm.io/driver/sqlite"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"
	sqlitedriver "modernc.org/sqlite"
	sqlitelib "modernc.org/sqlite/lib"
)

// Config says where the store is.
type Config struct {
	// DSN is "postgres://…" or the path of a SQLite file.
	DSN string
	// MaxConnections bounds the pool; default 16.
	MaxConnections int
}

// Postgres tells whether the DSN is of PostgreSQL.
func (c Config) Postgres() bool {
	return strings.HasPrefix(c.DSN, "postgres://") || strings.HasPrefix(c.DSN, "postgresql://")
}

// Store is an open database. Write is one connection on SQLite, so that writers
// queue in Go instead of failing with SQLITE_BUSY.
type Store struct {
	Read  *gorm.DB
	Write *gorm.DB
	// Embedded tells that this process is the only user of the store.
	Embedded bool
}

// Open connects; it does not migrate.
func Open(ctx context.Context, config Config) (*Store, error) {
	if config.MaxConnections == 0 {
		config.MaxConnections = 16
	}
	if config.Postgres() {
		return openPostgres(ctx, config)
	}
	return openSQLite(ctx, config)
}

func gormConfig() *gorm.Config {
	return &gorm.Config{
		Logger:                 logger.Discard,
		NowFunc:                func() time.Time { return time.Now().UTC() },
		SkipDefaultTransaction: true,
		QueryFields:            true, // a replica of an older version goes on reading when columns are added
	}
}

func openPostgres(ctx context.Context, config Config) (*Store, error) {
	parsed, err := pgx.ParseConfig(config.DSN)
	if err != nil {
		return nil, errors.New("the DSN of postgres cannot be read") // the driver's text can hold its password
	}
	pool := stdlib.OpenDB(*parsed, stdlib.OptionAfterConnect(scanUTC))
	handle, err := gorm.Open(postgres.New(postgres.Config{Conn: sessions{pool}}), gormConfig()) // the driver keeps statements itself
	if err != nil {
		return nil, errors.Join(unreachable(err), pool.Close())
	}
	if err := limit(ctx, handle, config.MaxConnections); err != nil {
		return nil, errors.Join(unreachable(err), pool.Close())
	}
	return &Store{Read: handle, Write: handle}, nil
}

// scanUTC makes times come back in UTC, whatever the zones of server and host.
func scanUTC(_ context.Context, conn *pgx.Conn) error {
	conn.TypeMap().RegisterType(&pgtype.Type{
		Name: "timestamptz", OID: pgtype.TimestamptzOID, Codec: &pgtype.TimestamptzCodec{ScanLocation: time.UTC},
	})
	return nil
}

// unreachable words why there is no connection by the server's code alone: the
// driver's text can hold the DSN with its password.
func unreachable(err error) error {
	if refused, ok := errors.AsType[*pgconn.PgError](err); ok {
		return fmt.Errorf("connect to postgres: the server refused with SQLSTATE %s", refused.Code)
	}
	return errors.New("connect to postgres: the server cannot be reached")
}

func openSQLite(ctx context.Context, config Config) (*Store, error) {
	path, err := filepath.Abs(config.DSN)
	if err != nil {
		return nil, fmt.Errorf("path of the store: %w", err)
	}
	pragmas := "?_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=busy_timeout(10000)&_pragma=foreign_keys(1)"
	open := func(suffix string, connections int) (*gorm.DB, error) {
		dsn := "file:" + (&url.URL{Path: path}).EscapedPath() + pragmas + suffix
		pool, err := sql.Open("sqlite", dsn)
		if err != nil {
			return nil, fmt.Errorf("open store %s: %w", path, err)
		}
		handle, err := gorm.Open(sqlite.New(sqlite.Config{Conn: newStatements(pool)}), gormConfig())
		if err != nil {
			return nil, errors.Join(fmt.Errorf("open store %s: %w", path, err), pool.Close())
		}
		return handle, limit(ctx, handle, connections)
	}
	// The one connection that writes keeps 16 MiB of pages, so that keys at random places
	// are not read again for each row, and moves pages to the file every 64 MiB of log.
	write, err := open("&_txlock=immediate&_pragma=cache_size(-16384)&_pragma=wal_autocheckpoint(16384)", 1)
	if err != nil {
		return nil, err
	}
	read, err := open("&_pragma=query_only(1)", config.MaxConnections)
	if err != nil {
		return nil, errors.Join(err, closeHandle(write))
	}
	return &Store{Read: read, Write: write, Embedded: true}, nil
}

func limit(ctx context.Context, handle *gorm.DB, connections int) error {
	pool, err := handle.DB()
	if err != nil {
		return err
	}
	pool.SetMaxOpenConns(connections)
	pool.SetMaxIdleConns(connections)
	if err := pool.PingContext(ctx); err != nil {
		return fmt.Errorf("reach the store: %w", err)
	}
	return nil
}

// Ping tells whether the store answers.
func (s *Store) Ping(ctx context.Context) error {
	pool, err := s.Write.DB()
	if err != nil {
		return err
	}
	return pool.PingContext(ctx)
}

// Close ends all connections.
func (s *Store) Close() error {
	if s.Read == s.Write {
		return closeHandle(s.Write)
	}
	return errors.Join(closeHandle(s.Read), closeHandle(s.Write))
}

func closeHandle(handle *gorm.DB) error {
	pool, err := handle.DB()
	if err != nil {
		return err
	}
	return pool.Close()
}

// Exclusive lets one transaction at a time go on, of all that ask for the same
// name, until it ends. On SQLite a writing transaction is alone in any case.
func Exclusive(tx *gorm.DB, name string) error {
	if tx.Name() != "postgres" {
		return nil
	}
	if err := tx.Exec("SELECT pg_advisory_xact_lock(hashtextextended(?, 835501))", name).Error; err != nil {
		return fmt.Errorf("lock %s: %w", name, err)
	}
	return nil
}

// NowMillis is an expression for the database's own clock in milliseconds: leases
// of several replicas must not depend on their clocks.
func NowMillis(tx *gorm.DB) string {
	if tx.Name() == "postgres" {
		return "CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT)"
	}
	return "CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)"
}

// IsDuplicate tells whether an error is the violation of a unique constraint,
// on either database.
func IsDuplicate(err error) bool {
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok {
		return pg.Code == "23505"
	}
	if lite, ok := errors.AsType[*sqlitedriver.Error](err); ok {
		return lite.Code() == sqlitelib.SQLITE_CONSTRAINT_UNIQUE || lite.Code() == sqlitelib.SQLITE_CONSTRAINT_PRIMARYKEY
	}
	return false
}
