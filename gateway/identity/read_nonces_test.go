package identity

import (
	"fmt"
	"testing"
	"time"
)

func TestReadNonces(t *testing.T) {
	t.Parallel()
	n := &readNonces{}
	now := time.Unix(1_786_000_000, 0)
	if !n.first("k", "a", now) || n.first("k", "a", now.Add(nonceLife)) {
		t.Error("a nonce is taken once while its signature may be")
	}
	if !n.first("l", "a", now) {
		t.Error("another key's nonce is another")
	}
	n.first("k", "b", now.Add(nonceLife+time.Second))
	if n.first("k", "a", now.Add(nonceLife+2*time.Second)) {
		t.Error("forgotten with the first turn")
	}
	n.first("k", "c", now.Add(2*nonceLife+3*time.Second))
	if !n.first("k", "a", now.Add(2*nonceLife+4*time.Second)) {
		t.Error("kept when the signature is long stale")
	}
}

func TestReadNoncesAreBounded(t *testing.T) {
	t.Parallel()
	n := &readNonces{most: 100}
	now := time.Unix(1_786_000_000, 0)
	for i := range 1000 {
		n.first("k", fmt.Sprint(i), now)
	}
	if held := len(n.recent) + len(n.older); held > 200 {
		t.Errorf("%d nonces are held", held)
	}
}
