package db

import (
	"context"
	"database/sql"
	"sync"

	"gorm.io/gorm"
)

const (
	// maxStatements bounds what is kept prepared, on each connection. What a program
	// asks again and again is among the first; the others are prepared each time.
	maxStatements = 256
	// maxStatementBytes leaves out long statements: lists of ids, of which no two
	// have the same length.
	maxStatementBytes = 2048
)

// preparing runs statements prepared, where there is a prepared one, and else plainly.
type preparing struct {
	plain    gorm.ConnPool
	prepared func(ctx context.Context, query string) (*sql.Stmt, error) // nil: run it plainly
}

// PrepareContext implements gorm.ConnPool.
func (p preparing) PrepareContext(ctx context.Context, query string) (*sql.Stmt, error) {
	return p.plain.PrepareContext(ctx, query)
}

// ExecContext implements gorm.ConnPool.
func (p preparing) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	statement, err := p.prepared(ctx, query)
	if err != nil {
		return nil, err
	}
	if statement == nil {
		return p.plain.ExecContext(ctx, query, args...)
	}
	return statement.ExecContext(ctx, args...)
}

// QueryContext implements gorm.ConnPool.
func (p preparing) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	statement, err := p.prepared(ctx, query)
	if err != nil {
		return nil, err
	}
	if statement == nil {
		return p.plain.QueryContext(ctx, query, args...)
	}
	return statement.QueryContext(ctx, args...)
}

// QueryRowContext implements gorm.ConnPool.
func (p preparing) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	if statement, err := p.prepared(ctx, query); err == nil && statement != nil {
		return statement.QueryRowContext(ctx, args...)
	}
	return p.plain.QueryRowContext(ctx, query, args...) // with its error, if it has one
}

// statements is a pool that keeps the statements of single calls prepared. It takes
// the place of gorm's own cache, which holds a lock while it waits for a connection:
// there a transaction on the only connection and two equal statements beside it wait
// for each other for ever.
type statements struct {
	preparing
	pool *sql.DB

	mu   sync.RWMutex // never held while a connection is waited for
	kept map[string]*sql.Stmt
}

var (
	_ gorm.ConnPool         = (*statements)(nil)
	_ gorm.ConnPoolBeginner = (*statements)(nil)
	_ gorm.GetDBConnector   = (*statements)(nil)
)

func newStatements(pool *sql.DB) *statements {
	s := &statements{pool: pool, kept: map[string]*sql.Stmt{}}
	s.preparing = preparing{pool, s.keep}
	return s
}

// GetDBConn implements gorm.GetDBConnector.
func (s *statements) GetDBConn() (*sql.DB, error) { return s.pool, nil }

// find is a statement that is kept, or nil; room tells whether another may be.
func (s *statements) find(query string) (statement *sql.Stmt, room bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.kept[query], len(s.kept) < maxStatements && len(query) <= maxStatementBytes
}

// keep finds or prepares a statement; nil where it is not to be kept.
func (s *statements) keep(ctx context.Context, query string) (*sql.Stmt, error) {
	if statement, room := s.find(query); statement != nil || !room {
		return statement, nil
	}
	fresh, err := s.pool.PrepareContext(ctx, query)
	if err != nil {
		return nil, err
	}
	if kept := s.add(query, fresh); kept != fresh { // somebody was faster
		return kept, fresh.Close()
	}
	return fresh, nil
}

// add keeps a statement, or returns the one that is kept already.
func (s *statements) add(query string, fresh *sql.Stmt) *sql.Stmt {
	s.mu.Lock()
	defer s.mu.Unlock()
	if kept := s.kept[query]; kept != nil {
		return kept
	}
	s.kept[query] = fresh
	return fresh
}

// BeginTx implements gorm.ConnPoolBeginner.
func (s *statements) BeginTx(ctx context.Context, options *sql.TxOptions) (gorm.ConnPool, error) {
	tx, err := s.pool.BeginTx(ctx, options)
	if err != nil {
		return nil, err
	}
	t := &transaction{ctx: ctx, tx: tx, statements: s, own: map[string]*sql.Stmt{}}
	t.preparing = preparing{tx, t.keep}
	return t, nil
}

// transaction uses what the pool keeps prepared. What it prepares itself is its own:
// preparing for the pool would wait for another connection. After its end the pool
// prepares that too, for the next one. As any transaction, it is of one goroutine.
type transaction struct {
	preparing
	ctx        context.Context // of BeginTx; Commit has none
	tx         *sql.Tx
	statements *statements
	own        map[string]*sql.Stmt
	fresh      []string // of own, what the pool does not keep
}

var (
	_ gorm.ConnPool       = (*transaction)(nil)
	_ gorm.TxCommitter    = (*transaction)(nil)
	_ gorm.GetDBConnector = (*transaction)(nil)
)

// Commit implements gorm.TxCommitter.
func (t *transaction) Commit() error {
	err := t.tx.Commit()
	if err != nil {
		return err
	}
	for _, query := range t.fresh {
		if _, err := t.statements.keep(t.ctx, query); err != nil {
			break // it is prepared when it is needed, and the error is told then
		}
	}
	return nil
}

// Rollback implements gorm.TxCommitter.
func (t *transaction) Rollback() error { return t.tx.Rollback() }

// GetDBConn implements gorm.GetDBConnector.
func (t *transaction) GetDBConn() (*sql.DB, error) { return t.statements.pool, nil }

// keep finds or prepares a statement; nil where it is not to be kept.
func (t *transaction) keep(ctx context.Context, query string) (*sql.Stmt, error) {
	if statement := t.own[query]; statement != nil {
		return statement, nil
	}
	kept, room := t.statements.find(query)
	if kept != nil {
		t.own[query] = t.tx.StmtContext(ctx, kept)
		return t.own[query], nil
	}
	if len(t.own) >= maxStatements || len(query) > maxStatementBytes {
		return nil, nil
	}
	statement, err := t.tx.PrepareContext(ctx, query)
	if err != nil {
		return nil, err
	}
	t.own[query] = statement
	if room {
		t.fresh = append(t.fresh, query)
	}
	return statement, nil
}
