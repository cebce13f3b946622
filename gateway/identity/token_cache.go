package identity

import (
	"crypto/sha256"
	"sync"
	"time"
)

// maxCachedTokens bounds the memory that unknown and known tokens take.
const maxCachedTokens = 100_000

type tokenHash = [sha256.Size]byte

// cachedToken is what the store said of a token. A token that it does not know
// has no user.
type cachedToken struct {
	userID, organizationID string
	expiresAt              time.Time // zero: never
}

func (t cachedToken) expired(now time.Time) bool {
	return !t.expiresAt.IsZero() && now.After(t.expiresAt)
}

// tokenCache remembers look-ups by hash until the next reload.
type tokenCache struct {
	mu         sync.RWMutex
	byHash     map[tokenHash]cachedToken
	generation int // grows with every clear
}

func (c *tokenCache) init() { c.byHash = map[tokenHash]cachedToken{} }

// get also tells the generation, for the put of what is then looked up.
func (c *tokenCache) get(hash tokenHash) (t cachedToken, ok bool, generation int) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	t, ok = c.byHash[hash]
	return t, ok, c.generation
}

// put does nothing if the cache was cleared since the generation was told: what
// was looked up may be from before a revocation.
func (c *tokenCache) put(hash tokenHash, t cachedToken, generation int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if generation != c.generation {
		return
	}
	if len(c.byHash) >= maxCachedTokens {
		clear(c.byHash)
	}
	c.byHash[hash] = t
}

func (c *tokenCache) clear() {
	c.mu.Lock()
	defer c.mu.Unlock()
	clear(c.byHash)
	c.generation++
}
