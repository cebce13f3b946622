package cache

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestCacheHoldsAndForgets(t *testing.T) {
	t.Parallel()
	now := time.Unix(1000, 0)
	c := New[int](time.Minute, func() time.Time { return now })
	loads := 0
	load := func(context.Context) (int, error) { loads++; return loads, nil }
	get := func(maxAge time.Duration) int {
		t.Helper()
		v, err := c.GetFresh(t.Context(), "k", maxAge, load)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	if got := get(time.Minute); got != 1 {
		t.Errorf("first: %d", got)
	}
	now = now.Add(30 * time.Second)
	if got := get(time.Minute); got != 1 {
		t.Errorf("held: %d", got)
	}
	if got := get(10 * time.Second); got != 2 {
		t.Errorf("wanted fresher: %d", got)
	}
	now = now.Add(time.Minute)
	if _, ok := c.Peek("k"); ok {
		t.Error("an old value was shown")
	}
	c.Put("k", 7)
	if got := get(time.Minute); got != 7 {
		t.Errorf("put: %d", got)
	}
	c.Forget("k")
	if got := get(time.Minute); got != 3 {
		t.Errorf("forgotten: %d", got)
	}
	_, err := c.Get(t.Context(), "bad", func(context.Context) (int, error) { return 0, errors.New("x") })
	if _, ok := c.Peek("bad"); err == nil || ok {
		t.Errorf("an error was held: %v", err)
	}
}

func TestCacheLoadsOnceForAll(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := New[int](time.Minute, time.Now)
		var loads atomic.Int32
		load := func(context.Context) (int, error) { time.Sleep(time.Second); return int(loads.Add(1)), nil }
		var wg sync.WaitGroup
		for range 10 {
			wg.Go(func() {
				if v, err := c.Get(t.Context(), "k", load); v != 1 || err != nil {
					t.Errorf("got %d, %v", v, err)
				}
			})
		}
		synctest.Wait()
		impatient, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := c.Get(impatient, "k", load); !errors.Is(err, context.Canceled) {
			t.Errorf("a caller that has gone: %v", err)
		}
		wg.Wait()
	})
}
