package follow

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"time"
)

// generation is a file that is no longer at its place: finished, or to be found
// under another name, in a copy or compressed.
type generation struct {
	pos       Position
	tail      window
	seen      int64 // size when last looked at
	truncated bool
}

// stamp is a member of a family as it was when nothing more was to be read of it.
type stamp struct {
	size    int64
	changed time.Time
}

// verdict is what a member of a family turned out to be: a copy of an open file, a
// generation, or, with neither, a file that nobody has read.
type verdict struct {
	copy       bool
	generation *generation
	ahead      bool // the generation was read further than its copy goes
	size       int64
	end        window // last bytes of the content
}

// errUnfinished is of a compressed file that is still being written.
var errUnfinished = errors.New("is still being written")

// maxRetries bounds looks at compressed files that never become whole.
const maxRetries = 600

// coarse is how far the times of files lag behind the clock.
const coarse = 20 * time.Millisecond

// survey looks through the families of names for what was moved, copied or
// compressed, and for files that came and went under a name between two looks.
func (f *Follower) survey(ctx context.Context, live map[identity]string) error {
	f.surveyed = true
	var problems []error
	again := false
	for _, path := range f.names() {
		for _, m := range f.family(path) {
			if _, ok := live[m.id]; ok || f.sources[m.id] != nil || m.size == 0 || f.settled[m.id] == (stamp{m.size, m.changed}) {
				continue
			}
			err := f.member(ctx, path, m)
			if errors.Is(err, errUnfinished) && f.retries < maxRetries {
				again = true
			} else if err != nil {
				problems = append(problems, err)
			}
		}
	}
	if again || len(problems) > 0 {
		f.retries++
		f.surveyed = false
		return errors.Join(problems...)
	}
	f.retries = 0
	return f.giveUp(ctx)
}

// giveUp counts the files whose rest was nowhere.
func (f *Follower) giveUp(ctx context.Context) error {
	var ids []string
	for _, g := range slices.Clone(f.past) {
		switch {
		case g.truncated && g.pos.Finished: // found; but nobody sees what was written after the copy
			g.truncated = false
			f.lose(0, g.pos.Path, "was truncated: what was written between its copy and then is not known")
		case !g.pos.Finished:
			f.lose(max(0, g.seen-g.pos.Offset), g.pos.Path, "is gone or was truncated: what it held beyond the position is not known")
			ids = append(ids, g.pos.FileID)
			f.drop(g)
		}
	}
	if len(ids) == 0 {
		return nil
	}
	return f.keeper.Forget(ctx, ids)
}

// names are the paths whose families are looked through.
func (f *Follower) names() []string {
	var all []string
	for _, s := range f.sources {
		all = append(all, s.pos.Path)
	}
	for _, g := range f.past {
		all = append(all, g.pos.Path)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// member reads what is to be read of a member of a path's family.
func (f *Follower) member(ctx context.Context, path string, m member) error {
	file, info, err := f.open(m.path)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	kept := false
	defer func() {
		if !kept {
			_ = file.Close() // only read
		}
	}()
	v, err := f.classify(file, info, m)
	if err != nil || v.copy {
		return err
	}
	g := v.generation
	switch {
	case g == nil && m.changed.Before(f.began.Add(-coarse)):
	case g != nil && g.pos.Finished:
	case g != nil && v.ahead:
		end := g.pos
		end.Offset, end.Tail, end.Finished = v.size, v.end.kept(), true
		if err = f.keeper.Keep(ctx, nil, end); err == nil {
			g.pos, g.tail = end, v.end
		}
	case !packed(m.path) && (g == nil || g.pos.identity() == m.id): // moved: it may still be written
		var known *Position
		if g != nil {
			known = &g.pos
			f.drop(g)
		}
		s := f.newSource(file, info, path, known)
		s.rotated, kept = true, true
		f.sources[m.id] = s
		return f.advance(ctx, s)
	default:
		err = f.readCopy(ctx, file, info, path, m, g)
	}
	if err == nil {
		f.settled[m.id] = stamp{m.size, m.changed}
	}
	return err
}

// readCopy reads a copy from where its file was read to.
func (f *Follower) readCopy(ctx context.Context, file *os.File, info os.FileInfo, path string, m member, g *generation) error {
	var known *Position
	if g != nil {
		known = &g.pos
	}
	s := f.newSource(file, info, path, known)
	content, err := contentOf(file, m.path)
	if err == nil {
		_, err = io.CopyN(io.Discard, content, s.pos.Offset)
	}
	if err != nil {
		return fmt.Errorf("read %s: %w", m.path, err)
	}
	if g != nil {
		s.tail, s.pos.Device, s.pos.Inode = bytes.Clone(g.tail), g.pos.Device, g.pos.Inode
	}
	err = f.read(ctx, s, content, true)
	if g == nil {
		if s.pos.Offset > 0 {
			f.past = append(f.past, &generation{pos: s.pos, tail: s.tail.kept()})
		}
		return err
	}
	g.pos, g.tail = s.pos, s.tail.kept()
	if err != nil {
		return err
	}
	if lost := g.seen - s.pos.Offset; lost > 0 && g.truncated {
		f.lose(lost, g.pos.Path, "was truncated after more had been written than was copied")
		g.truncated = false
	}
	return nil
}

func contentOf(file *os.File, path string) (io.Reader, error) {
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	if !packed(path) {
		return file, nil
	}
	content, err := gzip.NewReader(file)
	if err != nil {
		return nil, fmt.Errorf("%s %w", path, errUnfinished)
	}
	return content, nil
}

// classify finds out what a file is, by its bytes alone: names, inodes and times
// are all reused by rotation.
func (f *Follower) classify(file *os.File, info os.FileInfo, m member) (verdict, error) {
	var candidates []*generation
	for _, g := range f.past {
		if relative(g.pos.Path, m.path) && g.pos.Offset > 0 {
			candidates = append(candidates, g)
		}
	}
	v, agrees, err := f.compare(file, info, m, candidates)
	if err != nil {
		return v, err
	}
	moved := func(g *generation) bool {
		return agrees[g] && g.pos.identity() == m.id && !packed(m.path) && !g.truncated
	}
	for _, g := range candidates { // at its place, or moved
		if moved(g) && !g.pos.Finished && (v.generation == nil || g.pos.Offset > v.generation.pos.Offset) {
			v.generation = g
		}
	}
	if v.generation != nil {
		return v, nil
	}
	for _, g := range candidates { // read to its end
		if agrees[g] && g.pos.Finished && g.pos.Offset == v.size {
			v.generation = g
			return v, nil
		}
	}
	for _, s := range f.sources { // beside an open file
		if s.pos.identity() == m.id || !relative(s.pos.Path, m.path) {
			continue
		}
		open, err := s.file.Stat()
		if err != nil {
			return v, err
		}
		if end := v.end[max(0, len(v.end)-checked):]; v.size <= open.Size() && len(end) > 0 && reads(s.file, v.size, end) {
			v.copy = true
			return v, nil
		}
	}
	for _, g := range slices.Backward(candidates) {
		if g.pos.Finished {
			continue
		}
		if agrees[g] && (v.generation == nil || g.pos.Offset > v.generation.pos.Offset) {
			v.generation = g
		}
		if behind := g.tail.before(g.pos.Offset, v.size); v.size < g.pos.Offset && len(behind) > 0 && bytes.HasSuffix(v.end, behind) {
			v.generation, v.ahead = g, true
			return v, nil
		}
	}
	if v.generation != nil {
		return v, nil
	}
	for _, g := range candidates { // written again after its end was taken for the last
		if moved(g) {
			g.pos.Finished = false
			v.generation = g
			break
		}
	}
	return v, nil
}

// compare reads what is needed of a file's content: its size, its end, and which
// generations' last bytes stand where they must.
func (f *Follower) compare(file *os.File, info os.FileInfo, m member, candidates []*generation) (verdict, map[*generation]bool, error) {
	agrees := map[*generation]bool{}
	if !packed(m.path) {
		v := verdict{size: info.Size()}
		end := make([]byte, min(v.size, keptTail))
		if _, err := file.ReadAt(end, v.size-int64(len(end))); err != nil && !errors.Is(err, io.EOF) {
			return v, nil, fmt.Errorf("read %s: %w", m.path, err)
		}
		v.end = end
		for _, g := range candidates {
			agrees[g] = g.pos.Offset <= v.size && reads(file, g.pos.Offset, g.tail[max(0, len(g.tail)-keptTail):])
		}
		return v, agrees, nil
	}
	content, err := contentOf(file, m.path)
	if err != nil {
		return verdict{}, nil, err
	}
	var v verdict
	buffer := make([]byte, chunk)
	for {
		n, err := io.ReadFull(content, buffer)
		for _, g := range candidates {
			if at := g.pos.Offset - v.size; at > 0 && at <= int64(n) {
				here := slices.Concat(v.end, buffer[:at])
				agrees[g] = bytes.HasSuffix(here, g.tail[max(0, len(g.tail)-keptTail):])
			}
		}
		v.end = append(window(nil), v.end.add(buffer[:n])...)
		v.size += int64(n)
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) && n > 0 && atEnd(content) {
			return v, agrees, nil
		}
		if err != nil {
			return v, nil, fmt.Errorf("%s %w: %w", m.path, errUnfinished, err)
		}
	}
}

// atEnd tells a short last chunk from a file that ends early.
func atEnd(content io.Reader) bool {
	_, err := content.Read(make([]byte, 1))
	return err == io.EOF
}
