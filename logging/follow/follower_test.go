package follow_test

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/yunqiao/yunqiao/logging/follow"
	"github.com/yunqiao/yunqiao/logging/format"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// keeper keeps in memory what a store would keep on disk.
type keeper struct {
	lines     []string
	positions map[string]follow.Position
	fail      func() bool
}

func newKeeper() *keeper { return &keeper{positions: map[string]follow.Position{}} }

func key(p follow.Position) string { return p.FileID }

func (k *keeper) Keep(_ context.Context, records []follow.Record, p follow.Position) error {
	if k.fail != nil && k.fail() {
		return errors.New("disk full")
	}
	for _, r := range records {
		k.lines = append(k.lines, string(r.Bytes))
	}
	k.positions[key(p)] = p
	return nil
}

func (k *keeper) Positions(context.Context) ([]follow.Position, error) {
	var all []follow.Position
	for _, p := range k.positions {
		p.Tail = slices.Clone(p.Tail)
		all = append(all, p)
	}
	return all, nil
}

func (k *keeper) Forget(_ context.Context, ids []string) error {
	for id, p := range k.positions {
		if slices.Contains(ids, p.FileID) {
			delete(k.positions, id)
		}
	}
	return nil
}

func follower(t testing.TB, path string, k *keeper, opts follow.Options) *follow.Follower {
	return follow.New(slog.New(slog.DiscardHandler), path, k, opts)
}

func appendTo(t testing.TB, path, text string) {
	t.Helper()
	file, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err == nil {
		_, err = file.WriteString(text)
		err = errors.Join(err, file.Close())
	}
	if err != nil {
		t.Fatal(err)
	}
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func copyFile(t testing.TB, from, to string) {
	t.Helper()
	raw, err := os.ReadFile(from)
	check(t, err)
	check(t, os.WriteFile(to, raw, 0o600))
}

// compress does what gzip does: the time of the file stays.
func compress(t testing.TB, path string) {
	t.Helper()
	info, err := os.Stat(path)
	check(t, err)
	in, err := os.Open(path)
	check(t, err)
	out, err := os.Create(path + ".gz")
	check(t, err)
	zip := gzip.NewWriter(out)
	_, err = io.Copy(zip, in)
	check(t, errors.Join(err, zip.Close(), out.Close(), in.Close(), os.Chtimes(path+".gz", info.ModTime(), info.ModTime()), os.Remove(path)))
}

func TestRotations(t *testing.T) {
	t.Parallel()
	same := strings.Repeat("=", 1000) + "\n"
	for name, tc := range map[string]struct {
		away   bool // nobody reads while it happens
		rotate func(t *testing.T, path string)
		want   string
		lost   follow.Losses
		inode  bool // whether more is counted depends on the number that the new file gets
	}{
		"rename": {rotate: func(t *testing.T, path string) {
			appendTo(t, path, "2\n")
			check(t, os.Rename(path, path+".1"))
			appendTo(t, path, "3\n")
			appendTo(t, path+".1", "late\n")
		}, want: "1 2 late 3"},
		"rename twice": {rotate: func(t *testing.T, path string) {
			appendTo(t, path, "2\n")
			check(t, os.Rename(path, path+".2"))
			appendTo(t, path, same+"3\n")
			check(t, os.Rename(path, path+".1"))
			appendTo(t, path, same+"4\n")
		}, want: "1 2 = 3 = 4"},
		"rename and remove": {rotate: func(t *testing.T, path string) {
			appendTo(t, path, "2\nno end")
			check(t, os.Remove(path))
			appendTo(t, path, "3\n")
		}, want: "1 2 no end 3"},
		"rename and compress": {rotate: func(t *testing.T, path string) {
			appendTo(t, path, "2\n")
			check(t, os.Rename(path, path+".1"))
			compress(t, path+".1")
			appendTo(t, path, "3\n")
		}, want: "1 2 3"},
		"copy and truncate": {rotate: func(t *testing.T, path string) {
			appendTo(t, path, "2\n")
			copyFile(t, path, path+".1")
			check(t, os.Truncate(path, 0))
			appendTo(t, path, "3\n")
		}, want: "1 2 3", lost: follow.Losses{Unverified: 1}},
		"copy and truncate, grown beyond": {rotate: func(t *testing.T, path string) {
			appendTo(t, path, "2\n")
			copyFile(t, path, path+".1")
			check(t, os.Truncate(path, 0))
			appendTo(t, path, same+same+"3\n")
		}, want: "1 2 = = 3", lost: follow.Losses{Unverified: 1}},
		"copy twice": {rotate: func(t *testing.T, path string) {
			appendTo(t, path, "2\n")
			copyFile(t, path, path+".2")
			check(t, os.Truncate(path, 0))
			time.Sleep(10 * time.Millisecond) // the file system's clock is coarse
			appendTo(t, path, "3\n")
			copyFile(t, path, path+".1")
			check(t, os.Truncate(path, 0))
			appendTo(t, path, "4\n")
		}, want: "1 2 3 4", lost: follow.Losses{Unverified: 1}},
		"truncated without a copy": {rotate: func(t *testing.T, path string) {
			check(t, os.Truncate(path, 0))
			appendTo(t, path, "3\n")
		}, want: "1 3", lost: follow.Losses{Unverified: 1}},
		"away, rename": {away: true, rotate: func(t *testing.T, path string) {
			appendTo(t, path, "2\n")
			check(t, os.Rename(path, path+".1"))
			appendTo(t, path, "3\n")
		}, want: "1 2 3"},
		"away, rename twice and compress": {away: true, rotate: func(t *testing.T, path string) {
			appendTo(t, path, "2\n")
			check(t, os.Rename(path, path+".2"))
			compress(t, path+".2")
			time.Sleep(10 * time.Millisecond)
			appendTo(t, path, "3\n")
			check(t, os.Rename(path, path+".1"))
			compress(t, path+".1")
			appendTo(t, path, "4\n")
		}, want: "1 2 3 4", inode: true},
		"away, copy, truncate and compress": {away: true, rotate: func(t *testing.T, path string) {
			appendTo(t, path, "2\n")
			copyFile(t, path, path+".1")
			check(t, os.Truncate(path, 0))
			compress(t, path+".1")
			appendTo(t, path, "3\n")
		}, want: "1 2 3", lost: follow.Losses{Unverified: 1}},
		"away, removed": {away: true, rotate: func(t *testing.T, path string) {
			check(t, os.Remove(path))
			appendTo(t, path+"x", "")
			appendTo(t, path, "3\n")
		}, want: "1 3", inode: true},
		"away, nothing": {away: true, rotate: func(*testing.T, string) {}, want: "1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "app.log")
			k := newKeeper()
			f := follower(t, path, k, follow.Options{})
			appendTo(t, path, "1\n")
			f.Look(t.Context())
			if tc.away {
				f = follower(t, path, k, follow.Options{})
			}
			tc.rotate(t, path)
			for range 4 {
				f.Look(t.Context())
			}
			again := follower(t, path, k, follow.Options{})
			again.Look(t.Context())
			got := strings.ReplaceAll(strings.Join(k.lines, " "), strings.TrimSpace(same), "=")
			if got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
			if status := f.Status(); status.Losses != tc.lost && !tc.inode || status.Err != nil {
				t.Errorf("got %+v, want losses %+v", status, tc.lost)
			}
		})
	}
}

func TestLines(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "a.log")
	k := newKeeper()
	now := time.Now()
	f := follower(t, filepath.Join(filepath.Dir(path), "*.log"), k, follow.Options{
		Now: func() time.Time { return now }, Joining: format.Joining{Start: regexp.MustCompile(`^\S`)},
	})
	long := strings.Repeat("长", 1<<20/3)
	for _, part := range []string{"x par", "tial\r\n", long, "\n", "trace\n", "  at a\n", "  at b\n"} {
		appendTo(t, path, part)
		f.Look(t.Context())
	}
	if got := len(k.lines); got != 2 {
		t.Fatalf("got %d records before the end of the last", got)
	}
	now = now.Add(6 * time.Second)
	f.Look(t.Context())
	if want := []string{"x partial", long, "trace\n  at a\n  at b"}; !slices.Equal(k.lines, want) {
		t.Errorf("got %d lines: %.60q", len(k.lines), k.lines)
	}
}

func TestNotAllowed(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	check(t, os.Mkdir(filepath.Join(dir, "logs"), 0o700))
	appendTo(t, filepath.Join(dir, "secret"), "s\n")
	check(t, os.Symlink(filepath.Join(dir, "secret"), filepath.Join(dir, "logs", "a.log")))
	k := newKeeper()
	f := follower(t, filepath.Join(dir, "logs", "*.log"), k, follow.Options{Allowed: func(path string) bool {
		return strings.HasPrefix(path, filepath.Join(dir, "logs")+"/")
	}})
	f.Look(t.Context())
	if len(k.lines) > 0 || f.Status().Err == nil {
		t.Errorf("got %q, %v", k.lines, f.Status().Err)
	}
}

// TestRandomDays writes numbered lines while files are rotated in all ways, the
// store fails, and the reader is killed, each at random. Everything that no
// truncation can have taken is there once.
func TestRandomDays(t *testing.T) {
	t.Parallel()
	for seed := range uint64(60) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			random := rand.New(rand.NewPCG(seed, 1))
			path := filepath.Join(t.TempDir(), "app.log")
			k := newKeeper()
			k.fail = func() bool { return random.IntN(10) == 0 }
			since := follow.Options{Since: time.Now().Add(-time.Second)}
			f := follower(t, path, k, since)
			number, generation := 0, 0
			header := strings.Repeat("same first bytes\n", 60)
			appendTo(t, path, header)
			f.Look(t.Context())
			for range 300 {
				switch random.IntN(12) {
				case 0:
					generation++
					to := fmt.Sprintf("%s.%d", path, generation)
					if random.IntN(2) == 0 {
						check(t, os.Rename(path, to))
					} else {
						copyFile(t, path, to)
						check(t, os.Truncate(path, 0))
					}
					time.Sleep(5 * time.Millisecond) // the file system's clock is coarse
					if random.IntN(2) == 0 {
						compress(t, to)
					}
					appendTo(t, path, header)
				case 1:
					f = follower(t, path, k, since) // killed
				case 2, 3, 4, 5:
					f.Look(t.Context())
				default:
					var text strings.Builder
					for range random.IntN(200) {
						number++
						fmt.Fprintf(&text, "line %d\n", number)
					}
					appendTo(t, path, text.String())
				}
			}
			k.fail = nil
			for range 5 {
				f.Look(t.Context())
			}
			seen := map[string]int{}
			for _, line := range k.lines {
				seen[line]++
			}
			missing, twice := 0, 0
			for i := range number {
				switch n := seen[fmt.Sprintf("line %d", i+1)]; {
				case n == 0:
					missing++
				case n > 1:
					twice++
				}
			}
			if missing > 0 || twice > 0 {
				t.Errorf("of %d lines in %d files %d are missing, %d are there twice; %+v", number, generation, missing, twice, f.Status())
			}
		})
	}
}

func TestRunStops(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "app.log")
	stored := make(chan string, 10)
	f := follow.New(slog.New(slog.DiscardHandler), path, sending(stored), follow.Options{Interval: time.Hour})
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- f.Run(ctx) }()
	appendTo(t, path, "noticed\n")
	if got := <-stored; got != "noticed" {
		t.Errorf("got %q", got)
	}
	stop()
	check(t, <-ended)
}

// sending is a keeper that hands lines on.
type sending chan string

func (s sending) Keep(_ context.Context, records []follow.Record, _ follow.Position) error {
	for _, r := range records {
		s <- string(r.Bytes)
	}
	return nil
}

func (s sending) Positions(context.Context) ([]follow.Position, error) { return nil, nil }
func (s sending) Forget(context.Context, []string) error               { return nil }
