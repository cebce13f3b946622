package identity

import "testing"

// TestTokenCacheGeneration: what was looked up before a revocation is not remembered
// after it.
func TestTokenCacheGeneration(t *testing.T) {
	var cache tokenCache
	cache.init()
	hash := tokenHash(hashToken("yq_token"))
	_, _, generation := cache.get(hash)
	cache.clear() // the revocation, between the look-up's reading and its end
	cache.put(hash, cachedToken{userID: "wang"}, generation)
	if _, ok, _ := cache.get(hash); ok {
		t.Error("a token that has been revoked is remembered")
	}
	_, _, generation = cache.get(hash)
	cache.put(hash, cachedToken{userID: "wang"}, generation)
	if _, ok, _ := cache.get(hash); !ok {
		t.Error("a token is not remembered")
	}
}
