package identity

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"gorm.io/gorm"

	"github.com/yunqiao/yunqiao/internal/db"
	"github.com/yunqiao/yunqiao/internal/rowid"
	"github.com/yunqiao/yunqiao/internal/seal"
	"github.com/yunqiao/yunqiao/plugin-proto/contract"
)

// Options tunes an Identity. The zero value is ready for production.
type Options struct {
	// TokenLife is how long a token holds; default 12h.
	TokenLife time.Duration
	// Refresh is how often changes by other replicas are looked for; default 1s.
	Refresh time.Duration
	Now     func() time.Time
	// KeepToken is given the first administrator's token before it is stored, so
	// that a crash in between leaves no token that nobody knows.
	KeepToken func(token string) error
}

// Identity holds who may call and do what. Reading takes no database: the
// snapshot is in memory, at most Refresh old on other replicas than the one that
// made a change.
type Identity struct {
	log         *slog.Logger
	store       *db.Store
	box         *seal.Box
	permissions []string // all of the contract
	types       []string // of resources that clouds make and organizations own
	builtIn     []*permissionSet
	opts        Options

	changing sync.Mutex // one change at a time in this process
	current  atomic.Pointer[snapshot]
	tokens   tokenCache
	reads    readNonces
}

// rootName is the name of the first organization.
const rootName = "default"

// adminName is the name of the first user.
const adminName = "admin"

// Open reads identity, or makes the root organization, its administrator and a
// token without end at the first start. The token is returned then, and never again.
func Open(ctx context.Context, log *slog.Logger, store *db.Store, box *seal.Box, c *contract.Contract, opts Options) (identity *Identity, firstToken string, err error) {
	if opts.TokenLife == 0 {
		opts.TokenLife = 12 * time.Hour
	}
	if opts.Refresh == 0 {
		opts.Refresh = time.Second
	}
	if opts.Now == nil {
		opts.Now = time.Now
	}
	i := &Identity{log: log, store: store, box: box, permissions: permissionsIn(c), types: typesIn(c), builtIn: builtInRoles(c), opts: opts}
	i.tokens.init()
	err = store.Write.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		var n int64
		if err := tx.Model(&organizationRow{}).Count(&n).Error; err != nil || n > 0 {
			return err
		}
		firstToken = newToken()
		if err := i.firstStart(tx, firstToken); err != nil || opts.KeepToken == nil {
			return err
		}
		return opts.KeepToken(firstToken)
	})
	if db.IsDuplicate(err) { // another replica had its first start at the same time
		firstToken, err = "", nil
	}
	if err != nil {
		return nil, "", fmt.Errorf("prepare identity: %w", err)
	}
	return i, firstToken, i.reload(ctx)
}

func (i *Identity) firstStart(tx *gorm.DB, token string) error {
	now := i.now()
	root := organizationRow{ID: rowid.New(), Name: rootName, Description: "root of all organizations", Enabled: true, CreatedAt: now}
	admin := userRow{ID: rowid.New(), Name: adminName, OrganizationID: root.ID, Description: "first administrator", Enabled: true, CreatedAt: now}
	for _, row := range []any{
		&root, &admin,
		&grantRow{OrganizationID: root.ID, UserID: admin.ID, Kind: kindRole, TargetID: i.builtIn[0].ID},
		&tokenRow{Hash: hashToken(token), UserID: admin.ID, OrganizationID: root.ID, CreatedAt: now},
		&revisionRow{ID: 1, Revision: 1},
	} {
		if err := tx.Create(row).Error; err != nil {
			return err
		}
	}
	return nil
}

// reload reads the snapshot anew and drops what is remembered of tokens.
func (i *Identity) reload(ctx context.Context) error {
	var next *snapshot
	err := i.store.Read.WithContext(ctx).Transaction(func(tx *gorm.DB) (err error) {
		next, err = load(tx, i.builtIn)
		return err
	})
	if err != nil {
		return err
	}
	i.current.Store(next)
	i.tokens.clear()
	return nil
}

// change makes a change in a transaction, raises the revision and reloads.
func (i *Identity) change(ctx context.Context, f func(tx *gorm.DB, now *snapshot) error) error {
	i.changing.Lock()
	defer i.changing.Unlock()
	err := i.store.Write.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		// The first statement locks the row, so that changes of replicas queue.
		if err := tx.Model(&revisionRow{}).Where("id = 1").Update("revision", gorm.Expr("revision + 1")).Error; err != nil {
			return err
		}
		now, err := load(tx, i.builtIn)
		if err != nil {
			return err
		}
		return f(tx, now)
	})
	if err != nil {
		return err
	}
	return i.reload(ctx)
}

// Run looks for changes by other replicas, and clears what has expired, until the
// context ends.
func (i *Identity) Run(ctx context.Context) error {
	ticker := time.NewTicker(i.opts.Refresh)
	defer ticker.Stop()
	for n := 0; ; n++ {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
		if err := i.refresh(ctx, n); err != nil && ctx.Err() == nil {
			i.log.LogAttrs(ctx, slog.LevelWarn, "identity not refreshed", slog.String("error", err.Error()))
		}
	}
}

func (i *Identity) refresh(ctx context.Context, n int) error {
	if n%300 == 0 {
		if err := i.clearExpired(ctx); err != nil {
			return err
		}
	}
	var r revisionRow
	if err := i.store.Read.WithContext(ctx).Limit(1).Find(&r).Error; err != nil {
		return err
	}
	if r.Revision == i.current.Load().revision {
		return nil
	}
	return i.reload(ctx)
}

func (i *Identity) clearExpired(ctx context.Context) error {
	now := i.now()
	write := i.store.Write.WithContext(ctx)
	if err := write.Where("expires_at < ?", now).Delete(&tokenRow{}).Error; err != nil {
		return err
	}
	if err := write.Where("expires_at < ?", now).Delete(&nonceRow{}).Error; err != nil {
		return err
	}
	return write.Where("locked_until < ?", now.Add(-24*time.Hour)).Delete(&failureRow{}).Error
}

func (i *Identity) now() time.Time { return i.opts.Now().UTC() }

// tokenPrefix makes a leaked token findable by scanners.
const tokenPrefix = "yq_"

func newToken() string {
	var raw [32]byte
	_, _ = rand.Read(raw[:]) // never fails, see crypto/rand
	return tokenPrefix + base64.RawURLEncoding.EncodeToString(raw[:])
}

func hashToken(token string) []byte {
	sum := sha256.Sum256([]byte(token))
	return sum[:]
}
