package kit

import (
	"context"
	"sync"
	"time"

	"github.com/yunqiao/yunqiao/programs/gyt345"
)

// Group is a groupId with what verifies the other side's messages.
type Group struct {
	ID      string
	Secrets []string // groupSecret, at most two
	Keys    []string // public keys of the caller: 04||X||Y in hexadecimal or PEM
	Profile gyt345.Profile
}

// Memory is a receiver's store in memory: peers, nonces, known msgIds. Apply is called
// once for each message that is accepted, in their order.
type Memory struct {
	peers map[string]*gyt345.Peer
	apply func(ctx context.Context, r *gyt345.Received) error

	mu     sync.Mutex
	nonces map[string]time.Time // groupId, space, nonce: until when
	seen   map[string]string    // groupId, space, msgId: digest
}

var (
	_ gyt345.Peers   = (*Memory)(nil)
	_ gyt345.Settler = (*Memory)(nil)
)

// NewMemory makes a store of groups. Apply may be nil.
func NewMemory(groups []Group, apply func(ctx context.Context, r *gyt345.Received) error) (*Memory, error) {
	m := &Memory{peers: map[string]*gyt345.Peer{}, apply: apply, nonces: map[string]time.Time{}, seen: map[string]string{}}
	for _, g := range groups {
		peer := &gyt345.Peer{Profile: g.Profile}
		for _, text := range g.Keys {
			key, err := gyt345.ParsePublicKey(text)
			if err != nil {
				return nil, err
			}
			peer.Keys = append(peer.Keys, key)
		}
		for _, secret := range g.Secrets {
			key, err := g.Profile.Variant.MACKey(secret, g.ID)
			if err != nil {
				return nil, err
			}
			peer.MACKeys = append(peer.MACKeys, key)
		}
		m.peers[g.ID] = peer
	}
	return m, nil
}

// Peer implements gyt345.Peers.
func (m *Memory) Peer(_ context.Context, groupID string, _ gyt345.Origin) (*gyt345.Peer, error) {
	if p := m.peers[groupID]; p != nil {
		return p, nil
	}
	return nil, gyt345.ErrUnknownPeer
}

// Settle implements gyt345.Settler.
func (m *Memory) Settle(ctx context.Context, r *gyt345.Received) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for name, until := range m.nonces {
		if until.Before(r.At) {
			delete(m.nonces, name)
		}
	}
	nonce := r.GroupID + " " + r.Nonce
	if _, used := m.nonces[nonce]; used {
		return gyt345.Invalid("nonce", "used before")
	}
	m.nonces[nonce] = r.NonceUntil
	if r.Verdict != nil {
		return r.Verdict
	}
	id := r.GroupID + " " + r.Message.ID
	if digest, known := m.seen[id]; known {
		if digest != r.Digest {
			return gyt345.Invalid("msgId", "other content under the same msgId")
		}
		return nil
	}
	if m.apply != nil {
		if err := m.apply(ctx, r); err != nil {
			return err
		}
	}
	m.seen[id] = r.Digest
	return nil
}

// Refused implements gyt345.Settler; the receiver's log has told of it.
func (m *Memory) Refused(context.Context, *gyt345.Received) {}
