package follow

import (
	"bytes"
	"context"
	"io"
	"os"
	"syscall"
	"time"
)

// identity is a file, whatever its name.
type identity struct{ device, inode uint64 }

func identityOf(info os.FileInfo) identity {
	if s, ok := info.Sys().(*syscall.Stat_t); ok {
		return identity{uint64(s.Dev), s.Ino} //nolint:unconvert // Dev is narrower on some systems
	}
	return identity{}
}

// Position is how far a file has been read.
type Position struct {
	FileID   string // ours, for the life of the file
	Path     string // name under which it was found
	Device   uint64
	Inode    uint64
	Offset   int64
	Tail     []byte // up to keptTail bytes before Offset
	Finished bool   // rotated, read to its end: the file has Offset bytes
	Began    time.Time
}

func (p *Position) identity() identity { return identity{p.Device, p.Inode} }

// How many bytes before a position are known: in memory, to find where a copy ends
// that is behind us; kept; and compared before each read.
const (
	windowTail = 256 << 10
	keptTail   = 4 << 10
	checked    = 256
)

// window holds the last bytes before a position.
type window []byte

func (w window) add(b []byte) window {
	if len(b) >= windowTail {
		return append(w[:0], b[len(b)-windowTail:]...)
	}
	if over := len(w) + len(b) - windowTail; over > 0 {
		w = append(w[:0], w[over:]...)
	}
	return append(w, b...)
}

// kept is what is stored of it.
func (w window) kept() []byte { return bytes.Clone(w[max(0, len(w)-keptTail):]) }

// before is what stood in the checked bytes before a place at or before the
// position; nil: not known.
func (w window) before(offset, place int64) []byte {
	end := int64(len(w)) - (offset - place)
	if end <= 0 || end > int64(len(w)) {
		return nil
	}
	return w[max(0, end-checked):end]
}

// reads tells whether a file holds these bytes before a place.
func reads(file io.ReaderAt, place int64, want []byte) bool {
	got := make([]byte, len(want))
	n, err := file.ReadAt(got, place-int64(len(want)))
	return n == len(want) && (err == nil || err == io.EOF) && bytes.Equal(got, want)
}

// Record is one record of a file.
type Record struct {
	Bytes []byte // valid during the call only
	Path  string
}

// Keeper stores records and positions.
type Keeper interface {
	// Keep stores records and the position behind them, both or neither.
	Keep(ctx context.Context, records []Record, p Position) error
	// Positions are those that were kept.
	Positions(ctx context.Context) ([]Position, error)
	// Forget drops positions of files that are no more.
	Forget(ctx context.Context, fileIDs []string) error
}

// Losses are what is known, or not known, to be missing.
type Losses struct {
	LostBytes  int64 // seen in a file, gone before they were read
	Unverified int   // files truncated or gone while nobody could see whether all was read
}
