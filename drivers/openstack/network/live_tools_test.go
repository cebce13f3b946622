package network_test

import (
	"context"
	"net/http"
	"testing"
	"time"
)

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// contextOf is a context that outlives the test for its clean-up.
func contextOf(t *testing.T) context.Context { return context.WithoutCancel(t.Context()) }

// pauseTest waits between two looks at a real cloud.
func pauseTest() { <-time.After(250 * time.Millisecond) }
