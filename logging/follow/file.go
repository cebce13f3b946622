package follow

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/yunqiao/yunqiao/internal/rowid"
	"github.com/yunqiao/yunqiao/logging/format"
)

// Bounds of one transaction, and of one line.
const (
	batchRecords = 4000
	batchBytes   = 4 << 20
	chunk        = 256 << 10
	maxLine      = 4 << 20
)

// source is an open file that is read.
type source struct {
	file    *os.File
	pos     Position
	tail    window
	seen    int64     // size when last looked at
	changed time.Time // when it was seen to grow
	// modified is the file's own time when it was last read.
	modified time.Time
	joiner   *format.Joiner
	rotated  bool // its name belongs to another file now, or to none
}

var errNotAllowed = errors.New("is outside of the folders that the configuration allows")

// open opens a regular file that is allowed, without following it elsewhere.
func (f *Follower) open(path string) (*os.File, os.FileInfo, error) {
	file, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, nil, err
	}
	info, err := file.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%s is no regular file", path)
	}
	if err == nil && f.opts.Allowed != nil {
		var real string
		if real, err = os.Readlink(fmt.Sprintf("/proc/self/fd/%d", file.Fd())); err == nil && !f.opts.Allowed(strings.TrimSuffix(real, " (deleted)")) {
			err = fmt.Errorf("%s %w", path, errNotAllowed)
		}
	}
	if err != nil {
		return nil, nil, errors.Join(err, file.Close())
	}
	return file, info, nil
}

func (f *Follower) newSource(file *os.File, info os.FileInfo, path string, known *Position) *source {
	id := identityOf(info)
	s := &source{file: file, joiner: format.NewJoiner(f.opts.Joining), changed: f.opts.Now()}
	s.pos = Position{FileID: rowid.New(), Began: f.opts.Now()}
	if known != nil {
		s.pos = *known
		s.pos.Finished = false
		s.tail = bytes.Clone(known.Tail)
		s.seen = known.Offset
	}
	s.pos.Path, s.pos.Device, s.pos.Inode = path, id.device, id.inode
	return s
}

// intact tells whether the file is still the one that the position belongs to.
func (s *source) intact(size int64) bool {
	if size < s.pos.Offset || size < s.seen {
		return false
	}
	want := s.tail.before(s.pos.Offset, s.pos.Offset)
	return len(want) == 0 || reads(s.file, s.pos.Offset, want)
}

// restart begins the file anew, as another one.
func (s *source) restart() {
	s.pos.FileID, s.pos.Offset, s.pos.Tail, s.pos.Finished = rowid.New(), 0, nil, false
	s.tail, s.seen = nil, 0
}

// read keeps all whole records from the position to the end; to the last byte where
// nothing can follow any more (final).
func (f *Follower) read(ctx context.Context, s *source, from io.Reader, final bool) error {
	s.joiner = format.NewJoiner(f.opts.Joining) // lines that it holds are read again
	b := &batch{f: f, s: s, offset: s.pos.Offset}
	var line []byte // begun, not ended
	buffer := make([]byte, chunk)
	for {
		n, err := from.Read(buffer)
		for rest := buffer[:n]; len(rest) > 0; {
			i := bytes.IndexByte(rest, '\n')
			if i < 0 {
				line = append(line, rest...)
				if len(line) < maxLine {
					break
				}
				b.add(line, line) // longer than any line: handed out in pieces
				line = line[:0]
				break
			}
			whole := rest[:i+1]
			if len(line) > 0 {
				line = append(line, whole...)
				whole = line
			}
			b.add(bytes.TrimSuffix(whole[:len(whole)-1], []byte{'\r'}), whole)
			line, rest = line[:0], rest[i+1:]
			if b.full() {
				if err := b.keep(ctx); err != nil {
					return err
				}
			}
		}
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return errors.Join(fmt.Errorf("read %s: %w", s.pos.Path, err), b.keep(ctx))
		}
	}
	if final && len(line) > 0 {
		b.add(line, line)
	}
	if final || f.opts.Now().Sub(s.changed) >= f.opts.Joining.Timeout {
		b.flush()
	}
	b.final = final
	return b.keep(ctx)
}

// batch is what one transaction keeps.
type batch struct {
	f       *Follower
	s       *source
	offset  int64 // behind the last line added
	text    []byte
	ends    []int
	final   bool   // the file has been read to its end
	pending []byte // bytes since the position, for the window
}

// add takes a line, and its bytes with the line's end.
func (b *batch) add(line, whole []byte) {
	b.s.joiner.Add(line, b.offset, b.record)
	b.offset += int64(len(whole))
	b.pending = append(b.pending, whole...)
}

func (b *batch) record(record []byte) {
	b.text = append(b.text, record...)
	b.ends = append(b.ends, len(b.text))
}

func (b *batch) flush() { b.s.joiner.Flush(b.record) }

func (b *batch) full() bool { return len(b.ends) >= batchRecords || len(b.pending) >= batchBytes }

// keep stores what there is. The position is behind the last record that was handed
// out: lines that are held for joining are read again after a crash.
func (b *batch) keep(ctx context.Context) error {
	if len(b.ends) == 0 && !b.final {
		return nil
	}
	position, tail := b.s.pos, b.s.tail
	position.Finished = b.final
	end := b.offset
	if begin, held := b.s.joiner.Held(); held {
		end = begin
	}
	advance := end - position.Offset
	tail = tail.add(b.pending[:advance])
	position.Offset, position.Tail = end, tail.kept()
	records := make([]Record, len(b.ends))
	begin := 0
	for i, end := range b.ends {
		records[i] = Record{Bytes: b.text[begin:end], Path: position.Path}
		begin = end
	}
	if err := b.f.keeper.Keep(ctx, records, position); err != nil {
		b.s.tail = b.s.tail[:0].add(b.s.pos.Tail)
		return fmt.Errorf("store lines of %s: %w", position.Path, err)
	}
	b.s.pos, b.s.tail = position, tail
	b.text, b.ends, b.pending = b.text[:0], b.ends[:0], append(b.pending[:0], b.pending[advance:]...)
	return nil
}

// reader reads the file from its position.
func (s *source) reader(size int64) io.Reader {
	return io.NewSectionReader(s.file, s.pos.Offset, size-s.pos.Offset)
}
