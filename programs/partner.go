package programs

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"gorm.io/gorm"

	"github.com/yunqiao/yunqiao/internal/db"
	"github.com/yunqiao/yunqiao/internal/seal"
	"github.com/yunqiao/yunqiao/programs/gyt345"
)

// The states of a partner.
const (
	partnerActive    = "ACTIVE"
	partnerSuspended = "SUSPENDED" // its messages are refused, what it told stays
	partnerExited    = "EXITED"    // it has left, and with it what it told
)

// snapshotAge is for how long partners are taken from memory: a change made by another
// replica counts after it.
const snapshotAge = time.Second

// maxCredentials is how many public keys, and how many secrets, are active.
const maxCredentials = 2

// peer is a partner as messages need it.
type peer struct {
	row     partnerRow
	peer    gyt345.Peer
	secrets []string // newest first
	allowed []netip.Prefix
	clients []*x509.Certificate // one of which the caller must show; none: no matter
	tlsKey  string              // of our certificate
}

type snapshot struct {
	taken time.Time
	peers map[string]*peer
	// signing is our own key, if it is in the store.
	signing gyt345.Signer
	own     platformKeys
}

// partners keeps the partners and our own signing key.
type partners struct {
	store *db.Store
	box   *seal.Box
	now   func() time.Time

	current atomic.Pointer[snapshot]
	loading sync.Mutex

	mu      sync.Mutex
	buckets map[string]*bucket

	connections connections
}

// bucket limits a rate.
type bucket struct {
	left float64
	at   time.Time
}

var _ gyt345.Peers = (*partners)(nil)

// Peer implements gyt345.Peers.
func (p *partners) Peer(ctx context.Context, groupID string, from gyt345.Origin) (*gyt345.Peer, error) {
	now, err := p.snapshot(ctx)
	if err != nil {
		return nil, err
	}
	found := now.peers[groupID]
	if found == nil {
		return nil, gyt345.ErrUnknownPeer
	}
	if err := found.admits(from, p.now()); err != nil {
		return nil, gyt345.Forbidden("groupId", err)
	}
	return &found.peer, nil
}

// from tells whether a partner may call from an address.
func (p *peer) from(remoteIP string) bool {
	if len(p.allowed) == 0 {
		return true
	}
	address, err := netip.ParseAddr(remoteIP)
	return err == nil && slices.ContainsFunc(p.allowed, func(n netip.Prefix) bool { return n.Contains(address.Unmap()) })
}

// take takes one message from a partner's allowance; a second's worth may come at once.
func (p *partners) take(groupID string, perSecond int32) bool {
	if perSecond <= 0 {
		return true
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.now()
	b := p.buckets[groupID]
	if b == nil {
		b = &bucket{left: float64(perSecond), at: now}
		p.buckets[groupID] = b
	}
	return b.take(now, float64(perSecond))
}

// take takes one from a bucket that holds what comes in a second.
func (b *bucket) take(now time.Time, perSecond float64) bool {
	b.left = min(perSecond, b.left+max(0, now.Sub(b.at).Seconds())*perSecond)
	b.at = now
	if b.left < 1 {
		return false
	}
	b.left--
	return true
}

func (p *partners) snapshot(ctx context.Context) (*snapshot, error) {
	if s := p.current.Load(); s != nil && p.now().Sub(s.taken).Abs() < snapshotAge {
		return s, nil
	}
	return p.reload(ctx)
}

// reload reads all partners again.
func (p *partners) reload(ctx context.Context) (*snapshot, error) {
	p.loading.Lock()
	defer p.loading.Unlock()
	if s := p.current.Load(); s != nil && p.now().Sub(s.taken).Abs() < snapshotAge {
		return s, nil
	}
	return p.load(ctx)
}

// forget makes the next reader load anew, after a change.
func (p *partners) forget() { p.current.Store(nil) }

func (p *partners) load(ctx context.Context) (*snapshot, error) {
	s := &snapshot{taken: p.now(), peers: map[string]*peer{}}
	var rows []partnerRow
	if err := p.store.Read.WithContext(ctx).Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("load partners: %w", err)
	}
	for _, r := range rows {
		allow := func() bool { return p.take(r.GroupID, r.PerSecond) }
		s.peers[r.GroupID] = &peer{row: r, allowed: prefixes(r.AllowedIPs), clients: kept(r.ClientCertificates), peer: gyt345.Peer{
			Profile: gyt345.Profile{Parts: gyt345.Parts(r.Parts), Strict: r.Strict, Window: time.Duration(r.WindowSec) * time.Second, Variant: r.variant()},
			MaxBody: int64(r.MaxBody), Allow: allow, Paths: r.paths(),
		}}
	}
	var credentials []credentialRow
	if err := p.store.Read.WithContext(ctx).Order("id DESC").Find(&credentials).Error; err != nil {
		return nil, fmt.Errorf("load keys of partners: %w", err)
	}
	for _, c := range credentials {
		if err := p.add(s, c); err != nil {
			return nil, fmt.Errorf("key %s: %w", c.ID, err)
		}
	}
	p.current.Store(s)
	return s, nil
}

func (p *partners) add(s *snapshot, c credentialRow) error {
	to := s.peers[c.GroupID]
	switch {
	case c.GroupID == "":
		if s.own.add(c); c.Kind != credentialSigning || s.signing != nil {
			return nil
		}
		secret, err := p.box.Open(c.Sealed, sealLabel(c))
		if err != nil {
			return err
		}
		key, err := gyt345.ParsePrivateKey(string(secret))
		if err != nil {
			return err
		}
		s.signing = key
	case to == nil:
		return nil
	case c.Kind == credentialPublic:
		valid, err := gyt345.ValidityOf(c.Text)
		if err != nil || !valid.Holds(s.taken) {
			return err
		}
		key, err := gyt345.ParsePublicKey(c.Public)
		if err != nil {
			return err
		}
		to.peer.Keys = append(to.peer.Keys, key)
	case c.Kind == credentialTLS:
		secret, err := p.box.Open(c.Sealed, sealLabel(c))
		if err != nil {
			return err
		}
		to.tlsKey = string(secret)
	default:
		secret, err := p.box.Open(c.Sealed, sealLabel(c))
		if err != nil {
			return err
		}
		key, err := to.peer.Profile.Variant.MACKey(string(secret), c.GroupID)
		if err != nil {
			return err
		}
		to.secrets = append(to.secrets, string(secret))
		to.peer.MACKeys = append(to.peer.MACKeys, key)
	}
	return nil
}

func sealLabel(c credentialRow) string { return "programs_credentials/" + c.ID }

func prefixes(text string) []netip.Prefix {
	var out []netip.Prefix
	for part := range strings.SplitSeq(text, ",") {
		if prefix, err := parsePrefix(part); err == nil {
			out = append(out, prefix)
		}
	}
	return out
}

// parsePrefix reads an address or a network.
func parsePrefix(text string) (netip.Prefix, error) {
	if address, err := netip.ParseAddr(text); err == nil {
		return netip.PrefixFrom(address, address.BitLen()), nil
	}
	return netip.ParsePrefix(text)
}

// list gives the partners by groupId.
func (p *partners) list(ctx context.Context) ([]*peer, error) {
	s, err := p.load(ctx)
	if err != nil {
		return nil, err
	}
	var out []*peer
	for _, id := range slices.Sorted(maps.Keys(s.peers)) {
		out = append(out, s.peers[id])
	}
	return out, nil
}

// credentials gives the keys and secrets of a partner, newest first.
func (p *partners) credentials(tx *gorm.DB, groupID string) ([]credentialRow, error) {
	var rows []credentialRow
	err := tx.Where("group_id = ?", groupID).Order("id DESC").Find(&rows).Error
	return rows, err
}

// client sends messages to a partner.
func (p *partners) client(ctx context.Context, groupID string, signer gyt345.Signer, options gyt345.ClientOptions) (*gyt345.Client, *partnerRow, error) {
	s, err := p.snapshot(ctx)
	if err != nil {
		return nil, nil, err
	}
	to := s.peers[groupID]
	switch {
	case to == nil:
		return nil, nil, errors.New("the partner is unknown")
	case len(to.secrets) == 0 && to.peer.Profile.Parts != gyt345.PartsSignature:
		return nil, nil, errors.New("the partner has no secret")
	}
	if signer == nil {
		signer = s.signing
	}
	options.Parts, options.Variant = to.peer.Profile.Parts, to.peer.Profile.Variant
	own, err := p.connections.client(groupID, outgoing{to.row.ServerAuthorities, to.row.Certificate, to.tlsKey})
	if err != nil {
		return nil, nil, err
	}
	if own != nil {
		options.HTTP = own
	}
	secret := ""
	if len(to.secrets) > 0 {
		secret = to.secrets[len(to.secrets)-1] // the older one, which the partner has for sure
	}
	client, err := gyt345.NewClient(groupID, secret, signer, options)
	return client, &to.row, err
}
