package db

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
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
	if u, err := url.Parse(config.DSN); err == nil && (u.Scheme == "postgres" || u.Scheme == "postgresql") {
		return openPostgres(ctx, config)
	}
	return openSQLite(ctx, config)
}

func gormConfig() *gorm.Config {
	return &gorm.Config{
		Logger:                 logger.Discard,
		NowFunc:                func() time.Time { return time.Now().UTC() },
		SkipDefaultTransaction: true,
		PrepareStmt:            true,
	}
}

func openPostgres(ctx context.Context, config Config) (*Store, error) {
	handle, err := gorm.Open(postgres.Open(config.DSN), gormConfig())
	if err != nil {
		// The driver's text can hold the DSN with its password.
		return nil, errors.New("connect to postgres: the server refused or cannot be reached")
	}
	if err := limit(ctx, handle, config.MaxConnections); err != nil {
		return nil, err
	}
	return &Store{Read: handle, Write: handle}, nil
}

func openSQLite(ctx context.Context, config Config) (*Store, error) {
	path, err := filepath.Abs(config.DSN)
	if err != nil {
		return nil, fmt.Errorf("path of the store: %w", err)
	}
	pragmas := "?_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=busy_timeout(10000)&_pragma=foreign_keys(1)"
	open := func(suffix string, connections int) (*gorm.DB, error) {
		dsn := "file:" + (&url.URL{Path: path}).EscapedPath() + pragmas + suffix
		handle, err := gorm.Open(sqlite.New(sqlite.Config{DriverName: "sqlite", DSN: dsn}), gormConfig())
		if err != nil {
			return nil, fmt.Errorf("open store %s: %w", path, err)
		}
		return handle, limit(ctx, handle, connections)
	}
	write, err := open("&_txlock=immediate", 1)
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
