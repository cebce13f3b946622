package programs

import (
	"context"
	"errors"
	"fmt"
	"io"
)

// maxParts is how many parts of a file a probe asks for.
const maxParts = 16

// errNoParts is that a file cannot be read behind its beginning.
var errNoParts = errors.New("the server gives no parts of files, or too many were needed")

// remoteFile reads a file at an address part by part.
type remoteFile struct {
	ctx     context.Context // of the one probe that it lives for; io.ReaderAt takes none
	prober  *prober
	address string
	size    int64 // below 0: not known
	start   int64 // of the window
	window  []byte
	parts   int
}

// ReadAt implements io.ReaderAt.
func (f *remoteFile) ReadAt(b []byte, at int64) (int, error) {
	end := at + int64(len(b))
	if f.size >= 0 && at >= f.size {
		return 0, io.EOF
	}
	known := f.start + int64(len(f.window))
	if at < f.start || end > known && known != f.size {
		if err := f.open(at); err != nil {
			return 0, err
		}
	}
	if at-f.start > int64(len(f.window)) {
		return 0, io.EOF
	}
	n := copy(b, f.window[at-f.start:])
	if n < len(b) {
		return n, io.EOF
	}
	return n, nil
}

func (f *remoteFile) open(at int64) error {
	if f.parts++; f.parts > maxParts {
		return errNoParts
	}
	got, err := f.prober.fetch(f.ctx, f.address, fmt.Sprintf("%d-%d", at, at+probedSegment-1), probedSegment)
	if err != nil {
		return fmt.Errorf("part of the file: %w", err)
	}
	if !got.part {
		return errNoParts
	}
	f.start, f.window = at, got.body
	return nil
}
