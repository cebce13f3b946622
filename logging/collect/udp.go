package collect

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// Datagram is one message.
type Datagram struct {
	Bytes []byte
	From  netip.AddrPort
}

// Counters are what a receiver has seen.
type Counters struct {
	Received atomic.Int64
	Refused  atomic.Int64 // not allowed, or not readable
	Dropped  atomic.Int64 // by the kernel, for lack of room
}

const (
	socketBuffer = 64 << 20
	queueLength  = 1 << 16
	batchLength  = 4000
)

// UDP reads datagrams from one socket.
type UDP struct {
	conn     *net.UDPConn
	counters *Counters
	queue    chan Datagram
}

// ListenUDP opens the socket.
func ListenUDP(ctx context.Context, address string, counters *Counters) (*UDP, error) {
	var config net.ListenConfig
	packet, err := config.ListenPacket(ctx, "udp", address)
	if err != nil {
		return nil, err
	}
	conn, ok := packet.(*net.UDPConn)
	if !ok {
		return nil, errors.Join(fmt.Errorf("%s is no UDP address", address), packet.Close())
	}
	raw, err := conn.SyscallConn()
	if err == nil {
		err = raw.Control(func(fd uintptr) {
			if unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, socketBuffer) != nil { // needs a privilege
				_ = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUF, socketBuffer) // as much as the system allows
			}
			_ = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RXQ_OVFL, 1) // without it Dropped stays 0
		})
	}
	if err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return &UDP{conn: conn, counters: counters, queue: make(chan Datagram, queueLength)}, nil
}

// Address is where it listens.
func (u *UDP) Address() net.Addr { return u.conn.LocalAddr() }

// Reply sends an answer.
func (u *UDP) Reply(b []byte, to netip.AddrPort) error {
	_, err := u.conn.WriteToUDPAddrPort(b, to)
	return err
}

// Run reads until the context ends, and hands what came to handle, as many at once
// as have come. An error of handle is its own to count; the datagrams are gone.
func (u *UDP) Run(ctx context.Context, handle func(ctx context.Context, batch []Datagram)) error {
	stop := context.AfterFunc(ctx, func() { _ = u.conn.SetReadDeadline(time.Unix(1, 0)) }) // wakes the reader
	defer stop()
	var work sync.WaitGroup
	work.Go(func() {
		batch := make([]Datagram, 0, batchLength)
		for first := range u.queue {
			batch = append(batch[:0], first)
		gather:
			for len(batch) < batchLength {
				select {
				case next, ok := <-u.queue:
					if !ok {
						break gather
					}
					batch = append(batch, next)
				default:
					break gather
				}
			}
			handle(context.WithoutCancel(ctx), batch)
		}
	})
	err := u.read(ctx)
	close(u.queue)
	work.Wait()
	return errors.Join(err, u.conn.Close())
}

func (u *UDP) read(ctx context.Context) error {
	buffer := make([]byte, 65536)
	control := make([]byte, 128)
	var overflow uint32
	for {
		n, c, _, from, err := u.conn.ReadMsgUDPAddrPort(buffer, control)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read from %s: %w", u.conn.LocalAddr(), err)
		}
		if now, ok := dropped(control[:c]); ok && now != overflow {
			u.counters.Dropped.Add(int64(now - overflow))
			overflow = now
		}
		u.counters.Received.Add(1)
		message := make([]byte, n)
		copy(message, buffer)
		u.queue <- Datagram{Bytes: message, From: netip.AddrPortFrom(from.Addr().Unmap(), from.Port())}
	}
}

// dropped reads the kernel's counter of a socket (SO_RXQ_OVFL, socket(7)).
func dropped(control []byte) (uint32, bool) {
	messages, err := unix.ParseSocketControlMessage(control)
	if err != nil {
		return 0, false
	}
	for _, m := range messages {
		if m.Header.Level == unix.SOL_SOCKET && m.Header.Type == unix.SO_RXQ_OVFL && len(m.Data) >= 4 {
			return binary.NativeEndian.Uint32(m.Data), true
		}
	}
	return 0, false
}
