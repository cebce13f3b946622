package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"

	"github.com/jackc/pgx/v5/stdlib"
	"gorm.io/gorm"
)

// sessions is a pool of PostgreSQL whose transactions know their connection, so that
// COPY can be a part of them.
type sessions struct{ *sql.DB }

var (
	_ gorm.ConnPool         = sessions{}
	_ gorm.ConnPoolBeginner = sessions{}
	_ gorm.GetDBConnector   = sessions{}
)

// GetDBConn implements gorm.GetDBConnector.
func (s sessions) GetDBConn() (*sql.DB, error) { return s.DB, nil }

// BeginTx implements gorm.ConnPoolBeginner.
func (s sessions) BeginTx(ctx context.Context, options *sql.TxOptions) (gorm.ConnPool, error) {
	conn, err := s.Conn(ctx)
	if err != nil {
		return nil, err
	}
	tx, err := conn.BeginTx(ctx, options)
	if err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return &session{Tx: tx, conn: conn, pool: s.DB}, nil
}

// session is a transaction with its connection, which goes back to the pool with it.
type session struct {
	*sql.Tx
	conn *sql.Conn
	pool *sql.DB
}

var (
	_ gorm.ConnPool       = (*session)(nil)
	_ gorm.TxCommitter    = (*session)(nil)
	_ gorm.GetDBConnector = (*session)(nil)
)

// Commit implements gorm.TxCommitter.
func (s *session) Commit() error { return s.ended(s.Tx.Commit()) }

// Rollback implements gorm.TxCommitter.
func (s *session) Rollback() error { return s.ended(s.Tx.Rollback()) }

// ended gives the connection back. A second end finds it gone, which is no error.
func (s *session) ended(err error) error {
	if closing := s.conn.Close(); err == nil && !errors.Is(closing, sql.ErrConnDone) {
		err = closing
	}
	return err
}

// GetDBConn implements gorm.GetDBConnector.
func (s *session) GetDBConn() (*sql.DB, error) { return s.pool, nil }

// ErrNoCopy is the error of Copy outside of a transaction of PostgreSQL.
var ErrNoCopy = errors.New("COPY goes with a transaction of PostgreSQL only")

// Copy runs a statement COPY … FROM STDIN in a transaction of PostgreSQL, with content
// as what is copied.
func Copy(tx *gorm.DB, statement string, content io.Reader) error {
	s, ok := tx.Statement.ConnPool.(*session)
	if !ok {
		return ErrNoCopy
	}
	return s.conn.Raw(func(driver any) error {
		conn, ok := driver.(*stdlib.Conn)
		if !ok {
			return fmt.Errorf("a connection of %T cannot copy", driver)
		}
		_, err := conn.Conn().PgConn().CopyFrom(tx.Statement.Context, content, statement)
		return err
	})
}
