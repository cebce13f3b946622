package identity

import (
	"cmp"
	"crypto/sha256"
	"sync"
	"time"

	"github.com/yunqiao/yunqiao/gateway/identity/signature"
)

// maxReadNonces bounds the memory of one generation of nonces: about 50 MiB.
const maxReadNonces = 1 << 20

// nonceLife is how long a signature may be taken from when it was first seen: our
// clock may be behind the signer's.
const nonceLife = 2 * signature.Window

// readNonces remembers the nonces of signed reads that this process has served. They
// are not in the store, as those of writes are: a read that another replica is sent
// again changes nothing, and a row for each read would cost more than the read. Beyond
// two generations of maxReadNonces the oldest are forgotten.
type readNonces struct {
	most          int // of a generation; 0: maxReadNonces
	mu            sync.Mutex
	recent, older map[[16]byte]struct{}
	began         time.Time // of recent
}

// first tells whether a nonce of a key is new, and remembers it.
func (n *readNonces) first(keyID, nonce string, now time.Time) bool {
	sum := sha256.Sum256([]byte(keyID + " " + nonce))
	hash := [16]byte(sum[:])
	n.mu.Lock()
	defer n.mu.Unlock()
	if now.Sub(n.began) > nonceLife || len(n.recent) >= cmp.Or(n.most, maxReadNonces) {
		n.recent, n.older, n.began = map[[16]byte]struct{}{}, n.recent, now
	}
	if _, used := n.recent[hash]; used {
		return false
	}
	if _, used := n.older[hash]; used {
		return false
	}
	n.recent[hash] = struct{}{}
	return true
}
