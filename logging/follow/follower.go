package follow

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/fsnotify/fsnotify"

	"github.com/yunqiao/yunqiao/logging/format"
)

// Options tunes a Follower. The zero value is ready for production.
type Options struct {
	Interval time.Duration // between looks, beside what the system tells; default 1 s
	Idle     time.Duration // a rotated file that does not grow is closed after; default 10 min
	Joining  format.Joining
	// Allowed tells whether a file may be read, by its path without symbolic links;
	// nil: every file.
	Allowed func(path string) bool
	Now     func() time.Time
	// NoNotify leaves the kernel's notices unused: for file systems without them.
	NoNotify bool
	// Since is the time from which on rotated files are read that nobody has followed;
	// zero: the start.
	Since time.Time
}

// Status is how a Follower does.
type Status struct {
	Files    int
	LagBytes int64
	Losses   Losses
	Err      error
}

// Follower follows the files that a pattern names.
type Follower struct {
	log     *slog.Logger
	pattern string
	keeper  Keeper
	opts    Options

	sources  map[identity]*source // open
	past     []*generation        // no longer at their place: read to the end, or looked for
	settled  map[identity]stamp   // members of families of which nothing is to be read
	loaded   bool
	began    time.Time // older rotated files are not read
	surveyed bool      // false: families are to be looked through
	retries  int

	mu     sync.Mutex
	status Status
}

// New follows a pattern of path/filepath.Match. Run must be called.
func New(log *slog.Logger, pattern string, keeper Keeper, opts Options) *Follower {
	if opts.Interval == 0 {
		opts.Interval = time.Second
	}
	if opts.Idle == 0 {
		opts.Idle = 10 * time.Minute
	}
	if opts.Now == nil {
		opts.Now = time.Now
	}
	if opts.Joining.Timeout == 0 {
		opts.Joining.Timeout = 5 * time.Second
	}
	return &Follower{
		log: log, pattern: pattern, keeper: keeper, opts: opts, sources: map[identity]*source{}, settled: map[identity]stamp{}, surveyed: true,
	}
}

// Status is how it does at present.
func (f *Follower) Status() Status {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.status
}

// leastPause is between two looks, however much the system tells.
const leastPause = 50 * time.Millisecond

// Run follows until the context ends.
func (f *Follower) Run(ctx context.Context) error {
	defer f.close()
	events, stop := f.notices()
	defer stop()
	tick := time.NewTicker(f.opts.Interval)
	defer tick.Stop()
	for {
		f.Look(ctx)
		pause := time.NewTimer(leastPause)
		select {
		case <-pause.C:
		case <-ctx.Done():
			pause.Stop()
			return nil
		}
		select {
		case <-tick.C:
		case <-events:
		case <-ctx.Done():
			return nil
		}
	}
}

// notices tells of changes in the folder of the pattern, where the system does. The
// looks by time find everything, too: only later.
func (f *Follower) notices() (<-chan struct{}, func()) {
	dir := filepath.Dir(f.pattern)
	if f.opts.NoNotify || strings.ContainsAny(dir, `*?[`) {
		return nil, func() {}
	}
	watcher, err := fsnotify.NewWatcher()
	if err != nil {
		return nil, func() {}
	}
	if err := watcher.Add(dir); err != nil {
		_ = watcher.Close() // nothing was watched
		return nil, func() {}
	}
	out := make(chan struct{}, 1)
	var work sync.WaitGroup
	work.Go(func() {
		for range watcher.Events {
			select {
			case out <- struct{}{}:
			default:
			}
		}
	})
	work.Go(func() {
		for range watcher.Errors { // an overflow: the next look by time finds what it was about
		}
	})
	return out, func() {
		_ = watcher.Close()
		work.Wait()
	}
}

func (f *Follower) close() {
	for _, s := range f.sources {
		_ = s.file.Close() // only read
	}
	f.sources = map[identity]*source{}
}

// Look reads what is new, once. It is what Run repeats.
func (f *Follower) Look(ctx context.Context) {
	err := f.look(ctx)
	var lag int64
	for _, s := range f.sources {
		lag += max(0, s.seen-s.pos.Offset)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.status.Files, f.status.LagBytes, f.status.Err = len(f.sources), lag, err
}

func (f *Follower) lose(bytes int64, path, why string) {
	f.log.Warn("log file cannot be checked", slog.String("path", path), slog.String("why", why), slog.Int64("lost_bytes", bytes))
	f.mu.Lock()
	defer f.mu.Unlock()
	f.status.Losses.LostBytes += bytes
	f.status.Losses.Unverified++
}

func (f *Follower) look(ctx context.Context) error {
	if err := f.load(ctx); err != nil {
		return err
	}
	live, fresh, err := f.glob()
	problems := []error{err}
	for _, s := range f.ordered() {
		path, ok := live[s.pos.identity()]
		switch {
		case ok && path != s.pos.Path && !s.rotated:
			s.pos.Path = path
		case !ok && !s.rotated:
			s.rotated, s.changed, f.surveyed = true, f.opts.Now(), false
		}
	}
	for _, path := range fresh {
		problems = append(problems, f.begin(path))
	}
	for _, s := range f.ordered() {
		problems = append(problems, f.verify(s))
		if s.rotated { // its last lines stand before those of its successors
			problems = append(problems, f.advance(ctx, s))
		}
	}
	if !f.surveyed {
		problems = append(problems, f.survey(ctx, live))
	}
	for _, s := range f.ordered() {
		problems = append(problems, f.advance(ctx, s))
	}
	return errors.Join(problems...)
}

// glob lists the files that the pattern names, and those that are not open yet.
func (f *Follower) glob() (live map[identity]string, fresh []string, err error) {
	paths, err := filepath.Glob(f.pattern)
	if err != nil {
		return nil, nil, fmt.Errorf("pattern %s: %w", f.pattern, err)
	}
	live = map[identity]string{}
	var problems []error
	for _, path := range paths {
		info, err := os.Stat(path)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			problems = append(problems, err)
			continue
		}
		if !info.Mode().IsRegular() || packed(path) {
			continue
		}
		id := identityOf(info)
		live[id] = path
		if f.sources[id] == nil {
			fresh = append(fresh, path)
		}
	}
	return live, fresh, errors.Join(problems...)
}

func (f *Follower) ordered() []*source {
	all := make([]*source, 0, len(f.sources))
	for _, s := range f.sources {
		all = append(all, s)
	}
	slices.SortFunc(all, func(a, b *source) int { return cmp.Compare(a.pos.FileID, b.pos.FileID) })
	return all
}

// load reads the positions, once.
func (f *Follower) load(ctx context.Context) error {
	if f.loaded {
		return nil
	}
	positions, err := f.keeper.Positions(ctx)
	if err != nil {
		return fmt.Errorf("read positions: %w", err)
	}
	if f.began = f.opts.Since; f.began.IsZero() {
		f.began = f.opts.Now()
	}
	for _, p := range positions {
		f.past = append(f.past, &generation{pos: p, tail: p.Tail, seen: p.Offset})
		if p.Began.Before(f.began) {
			f.began = p.Began
		}
	}
	slices.SortFunc(f.past, func(a, b *generation) int { return cmp.Compare(a.pos.FileID, b.pos.FileID) })
	f.loaded, f.surveyed = true, len(f.past) == 0
	return nil
}

// begin opens a file that was not open before.
func (f *Follower) begin(path string) error {
	file, info, err := f.open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	id := identityOf(info)
	if f.sources[id] != nil {
		return file.Close()
	}
	v, err := f.classify(file, info, member{path: path, id: id, size: info.Size(), changed: info.ModTime()})
	if err != nil || v.copy {
		return errors.Join(err, file.Close())
	}
	var known *Position
	if v.generation != nil && !v.ahead {
		f.drop(v.generation)
		known = &v.generation.pos
	}
	for _, g := range f.past {
		if g.pos.identity() == id && !g.pos.Finished {
			g.truncated = true // or another file of the same number: nobody can tell
		}
	}
	f.sources[id], f.surveyed = f.newSource(file, info, path, known), false
	return nil
}

// verify finds out whether a file was cut, or replaced in place: what was not read
// of it is looked for in its copies then.
func (f *Follower) verify(s *source) error {
	info, err := s.file.Stat()
	if err != nil {
		return fmt.Errorf("look at %s: %w", s.pos.Path, err)
	}
	if !s.intact(info.Size()) {
		f.past = append(f.past, &generation{pos: s.pos, tail: s.tail, seen: s.seen, truncated: true})
		s.restart()
		f.surveyed = false
	}
	if info.Size() == s.seen && !info.ModTime().Equal(s.modified) && !s.modified.IsZero() { // perhaps cut, and written as far as before
		f.surveyed = false
	}
	return nil
}

// advance reads what is new in a file. One that was cut since it was verified is
// left for the next look.
func (f *Follower) advance(ctx context.Context, s *source) error {
	info, err := s.file.Stat()
	if err != nil {
		return fmt.Errorf("look at %s: %w", s.pos.Path, err)
	}
	if !s.intact(info.Size()) || f.sources[s.pos.identity()] != s {
		return nil
	}
	now := f.opts.Now()
	if info.Size() > s.seen {
		s.changed = now
	}
	s.seen, s.modified = info.Size(), info.ModTime()
	if s.seen > s.pos.Offset {
		if err := f.read(ctx, s, s.reader(s.seen), false); err != nil {
			return err
		}
	}
	if s.rotated && (gone(info) || now.Sub(s.changed) > f.opts.Idle) {
		return f.finish(ctx, s)
	}
	return nil
}

// finish keeps the last line, though it has no end, and closes a rotated file.
func (f *Follower) finish(ctx context.Context, s *source) error {
	info, err := s.file.Stat()
	if err != nil {
		return err
	}
	if info.Size() > s.seen { // still written
		s.seen, s.changed = info.Size(), f.opts.Now()
		return nil
	}
	if err := f.read(ctx, s, s.reader(s.seen), true); err != nil {
		return err
	}
	f.past = append(f.past, &generation{pos: s.pos, tail: s.tail.kept(), seen: s.seen})
	delete(f.sources, s.pos.identity())
	return errors.Join(s.file.Close(), f.prune(ctx, s.pos.Path))
}

// keptGenerations is how many files are remembered that rotation may still rename
// and compress, for each path.
const keptGenerations = 64

// prune forgets the oldest finished files of a path.
func (f *Follower) prune(ctx context.Context, path string) error {
	var finished []*generation
	for _, g := range f.past {
		if g.pos.Path == path && g.pos.Finished {
			finished = append(finished, g)
		}
	}
	var ids []string
	for len(finished) > keptGenerations {
		ids = append(ids, finished[0].pos.FileID)
		f.drop(finished[0])
		finished = finished[1:]
	}
	if len(ids) == 0 {
		return nil
	}
	return f.keeper.Forget(ctx, ids)
}

func (f *Follower) drop(g *generation) {
	f.past = slices.DeleteFunc(f.past, func(other *generation) bool { return other == g })
}
