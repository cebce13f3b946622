package media

import (
	"encoding/binary"
	"errors"
	"io"
	"math"
)

// Movie is what the movie box of an MP4 file tells.
type Movie struct {
	Seconds       float64 // 0: not told, as in files that are made of fragments
	Width, Height int     // of the first picture track; 0: there is none
	Tracks        int     // read up to the first with a picture
}

// Why a file cannot be played.
var (
	errNoMovie  = errors.New("the file has no movie box")
	errBadMovie = errors.New("the movie box has no header or no track")
	errBadBox   = errors.New("a box is longer than what it is in")
)

const maxBoxes = 256 // looked at in a file

// IsMP4 tells whether bytes begin as MP4 files do.
func IsMP4(head []byte) bool { return len(head) >= 12 && string(head[4:8]) == "ftyp" }

// ReadMovie walks over the boxes of a file and reads the headers of the movie and its
// tracks, and nothing else of it. A size below 0 is not known. Errors of the reader but
// for the end of the file are given as they are.
func ReadMovie(r io.ReaderAt, size int64) (Movie, error) {
	if size < 0 {
		size = math.MaxInt64
	}
	w := &walker{file: r}
	err := w.walk(0, size)
	switch {
	case errors.Is(err, io.EOF) && w.inMovie:
		return w.movie, errBadBox
	case errors.Is(err, io.EOF) || err == nil && !w.inMovie:
		return w.movie, errNoMovie
	case errors.Is(err, errFound):
		err = nil
	case err != nil:
		return w.movie, err
	}
	if !w.header || w.movie.Tracks == 0 {
		return w.movie, errBadMovie
	}
	return w.movie, err
}

var errFound = errors.New("all is found")

type walker struct {
	file            io.ReaderAt
	boxes           int
	inMovie, header bool
	movie           Movie
}

// walk looks at the boxes between two positions, until what is sought was found or the
// movie box has ended.
func (w *walker) walk(at, end int64) error {
	for end-at >= 8 {
		if w.boxes++; w.boxes > maxBoxes {
			return errBadMovie
		}
		var head [16]byte
		n := min(int64(len(head)), end-at)
		if got, err := w.file.ReadAt(head[:n], at); err != nil && got < 8 {
			return err
		}
		body, length := int64(8), int64(binary.BigEndian.Uint32(head[:4]))
		switch {
		case length == 1:
			body, length = 16, int64(binary.BigEndian.Uint64(head[8:])&math.MaxInt64)
		case length == 0:
			length = end - at
		}
		if length < body || length > end-at {
			return errBadBox
		}
		if err := w.box(string(head[4:8]), at+body, at+length); err != nil {
			return err
		}
		at += length
	}
	return nil
}

func (w *walker) box(kind string, at, end int64) error {
	switch {
	case kind == "moov" && !w.inMovie:
		w.inMovie = true
		if err := w.walk(at, end); err != nil {
			return err
		}
		return errFound
	case kind == "trak" && w.inMovie:
		return w.walk(at, end)
	case kind == "mvhd" && w.inMovie:
		return w.movieHeader(at, end)
	case kind == "tkhd" && w.inMovie:
		return w.trackHeader(at, end)
	}
	return nil
}

func (w *walker) movieHeader(at, end int64) error {
	var b [32]byte
	if err := w.read(b[:], at, end); err != nil {
		return err
	}
	scale, duration, unknown := binary.BigEndian.Uint32(b[12:]), uint64(binary.BigEndian.Uint32(b[16:])), uint64(math.MaxUint32)
	if b[0] == 1 { // times of 64 bits
		scale, duration, unknown = binary.BigEndian.Uint32(b[20:]), binary.BigEndian.Uint64(b[24:]), math.MaxUint64
	}
	if scale == 0 {
		return errBadMovie
	}
	w.header = true
	if duration != unknown {
		w.movie.Seconds = float64(duration) / float64(scale)
	}
	return w.done()
}

// trackHeader reads the size of the picture, which stands last, in 1/65536.
func (w *walker) trackHeader(at, end int64) error {
	var b [8]byte
	if end-at < 84 {
		return errBadMovie
	}
	if err := w.read(b[:], end-8, end); err != nil {
		return err
	}
	w.movie.Tracks++
	width, height := int(binary.BigEndian.Uint32(b[:])>>16), int(binary.BigEndian.Uint32(b[4:])>>16)
	if width > 0 && height > 0 && w.movie.Height == 0 {
		w.movie.Width, w.movie.Height = width, height
	}
	return w.done()
}

// done ends the walk once there is nothing more to find.
func (w *walker) done() error {
	if w.header && w.movie.Height > 0 {
		return errFound
	}
	return nil
}

func (w *walker) read(b []byte, at, end int64) error {
	if end-at < int64(len(b)) {
		return errBadMovie
	}
	if n, err := w.file.ReadAt(b, at); n < len(b) {
		return err
	}
	return nil
}
