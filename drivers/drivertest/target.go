package drivertest

import (
	"context"
	"errors"

	"google.golang.org/grpc"
)

// ErrNotOurs is Crash's answer for a driver that the suite did not start.
var ErrNotOurs = errors.New("the driver was not started here")

// Target is a driver that runs.
type Target interface {
	// Conn reaches the driver; after Crash it is another one.
	Conn() grpc.ClientConnInterface
	// Log is everything that the driver has logged so far; empty where it is not seen.
	Log() string
	// Crash ends the driver without warning and starts it again, or returns ErrNotOurs.
	Crash(ctx context.Context) error
	// Name is the target for people: a path or an address.
	Name() string
}

// connTarget is a driver behind a connection of the caller.
type connTarget struct {
	conn grpc.ClientConnInterface
	name string
	log  func() string
}

// FromConn makes a target of a connection that the caller has opened and
// closes. log returns what the driver has logged so far; it may be nil.
func FromConn(conn grpc.ClientConnInterface, name string, log func() string) Target {
	return &connTarget{conn, name, log}
}

// Conn implements Target.
func (t *connTarget) Conn() grpc.ClientConnInterface { return t.conn }

// Log implements Target.
func (t *connTarget) Log() string {
	if t.log == nil {
		return ""
	}
	return t.log()
}

// Crash implements Target.
func (t *connTarget) Crash(context.Context) error { return ErrNotOurs }

// Name implements Target.
func (t *connTarget) Name() string { return t.name }
