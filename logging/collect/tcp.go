package collect

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strconv"
	"sync"
	"time"
)

const (
	maxConnections = 1024
	maxFrame       = 2 << 20
	idle           = 10 * time.Minute
)

// errFrame is of bytes that are no frame of syslog over TCP.
var errFrame = errors.New("no frame of RFC 6587")

// ServeTCP accepts connections that send syslog messages, each with its length or
// with a line's end (RFC 6587), until the context ends. A connection whose messages
// cannot be stored is closed, so that the sender keeps them.
func ServeTCP(ctx context.Context, listener net.Listener, counters *Counters, allowed func(netip.Addr) bool,
	handle func(ctx context.Context, batch []Datagram) error) error {
	stop := context.AfterFunc(ctx, func() { _ = listener.Close() })
	defer stop()
	var work sync.WaitGroup
	defer work.Wait()
	slots := make(chan struct{}, maxConnections)
	for {
		conn, err := listener.Accept()
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return fmt.Errorf("accept at %s: %w", listener.Addr(), err)
		}
		from, err := netip.ParseAddrPort(conn.RemoteAddr().String())
		if err == nil {
			from = netip.AddrPortFrom(from.Addr().Unmap(), from.Port())
		}
		select {
		case slots <- struct{}{}:
		default:
			err = errors.New("too many connections")
		}
		if err != nil || !allowed(from.Addr()) {
			counters.Refused.Add(1)
			_ = conn.Close()
			continue
		}
		work.Go(func() {
			defer func() { <-slots }()
			end := context.AfterFunc(ctx, func() { _ = conn.Close() })
			defer end()
			defer func() { _ = conn.Close() }()
			if err := serve(ctx, conn, from, counters, handle); err != nil {
				counters.Refused.Add(1)
			}
		})
	}
}

func serve(ctx context.Context, conn net.Conn, from netip.AddrPort, counters *Counters, handle func(ctx context.Context, batch []Datagram) error) error {
	reader := bufio.NewReaderSize(conn, 64<<10)
	for {
		if err := conn.SetReadDeadline(time.Now().Add(idle)); err != nil {
			return err
		}
		var batch []Datagram
		for {
			frame, err := ReadFrame(reader)
			if len(frame) > 0 {
				counters.Received.Add(1)
				batch = append(batch, Datagram{Bytes: frame, From: from})
			}
			if err != nil {
				if len(batch) > 0 {
					err = errors.Join(err, handle(context.WithoutCancel(ctx), batch))
				}
				if errors.Is(err, errFrame) {
					return err
				}
				return nil // the sender went, or we do
			}
			if reader.Buffered() == 0 || len(batch) == batchLength {
				break
			}
		}
		if err := handle(ctx, batch); err != nil {
			return err
		}
	}
}

// ReadFrame reads one message: "12 <34>1 …" or a line.
func ReadFrame(r *bufio.Reader) ([]byte, error) {
	first, err := r.Peek(1)
	if err != nil {
		return nil, err
	}
	if first[0] < '1' || first[0] > '9' {
		return readLine(r)
	}
	head, err := r.Peek(8)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	digits, _, found := bytes.Cut(head, []byte{' '})
	if !found {
		return readLine(r)
	}
	n, err := strconv.Atoi(string(digits))
	if err != nil {
		return readLine(r)
	}
	if n > maxFrame {
		return nil, errFrame
	}
	if _, err := r.Discard(len(digits) + 1); err != nil {
		return nil, err
	}
	frame := make([]byte, n)
	_, err = io.ReadFull(r, frame)
	return bytes.TrimRight(frame, "\r\n"), err
}

func readLine(r *bufio.Reader) ([]byte, error) {
	var line []byte
	for {
		part, err := r.ReadSlice('\n')
		line = append(line, part...)
		if errors.Is(err, bufio.ErrBufferFull) && len(line) <= maxFrame {
			continue
		}
		if len(line) > maxFrame {
			return nil, errFrame
		}
		return bytes.TrimRight(line, "\r\n\x00"), err
	}
}
