package logging

import (
	"context"
	"fmt"
	"math"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/types/known/timestamppb"
	"gorm.io/gorm/clause"

	"github.com/yunqiao/yunqiao/internal/refuse"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	loggingv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/logging/v1"
)

// locationRow is a place and what its collector has counted.
type locationRow struct {
	ID        string `gorm:"primaryKey;size:32"`
	TenantID  string `gorm:"size:64;index"`
	Document  string // the public message as JSON, without how the collector does
	Stored    int64
	Lost      int64
	LostBytes int64
	Refused   int64
	UpdatedAt time.Time

	// How the collector does, told by the replica in which it runs.
	State     int32
	LastError string
	ErrorAt   *time.Time
	RecordAt  *time.Time
	LostAt    *time.Time // when the last loss was counted
	Lag       int64      // bytes
}

func (locationRow) TableName() string { return "logging_locations" }

// collector is a place and what collects from it.
type collector struct {
	place atomic.Pointer[loggingv1.Location] // what it points to is never changed

	totals
	saving sync.Mutex

	mu         sync.Mutex
	here       bool // it runs in this replica
	state      loggingv1.LocationState
	lastError  string
	errorAt    time.Time
	lastRecord time.Time
	lag        int64
	stop       context.CancelFunc // of what runs; nil: nothing does
	done       chan struct{}
	runs       *submission // that it runs with
	runsPublic *loggingv1.Location
}

func (c *collector) fail(now time.Time, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.state, c.lastError, c.errorAt = loggingv1.LocationState_LOCATION_STATE_FAILING, err.Error(), now
}

func (c *collector) well() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.state = loggingv1.LocationState_LOCATION_STATE_RUNNING
}

func (c *collector) note(now time.Time, text string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.lastError, c.errorAt = text, now
}

// show is the public message with how the collector does.
func (c *collector) show() *loggingv1.Location {
	out := cloneOf(c.place.Load())
	c.mu.Lock()
	defer c.mu.Unlock()
	out.State, out.LastError, out.LagKib = c.state, c.lastError, count32((c.lag+1023)/1024)
	if !c.errorAt.IsZero() {
		out.LastErrorAt = timestamppb.New(c.errorAt)
	}
	if !c.lastRecord.IsZero() {
		out.LastRecordAt = timestamppb.New(c.lastRecord)
	}
	out.StoredCount, out.LostCount = count32(c.stored.Load()), count32(c.lost.Load())
	out.LostKib, out.RefusedCount = count32((c.lostBytes.Load()+1023)/1024), count32(c.refused.Load())
	return out
}

func count32(n int64) int32 { return int32(min(n, math.MaxInt32)) }

// checkAddress refuses what the way of submitting or the configuration does not allow.
func (m *Module) checkAddress(ctx context.Context, method loggingv1.SubmissionMethod, address string) error {
	bad := func(why string) error { return refuse.Invalid("address", why) }
	if method != loggingv1.SubmissionMethod_SUBMISSION_METHOD_HTTP && m.access.Tenants(m.access.Caller(ctx).TenantID) != nil {
		return refuse.With(apiv1.Reason_REASON_PERMISSION_DENIED, "address", "is a file or port of the gateway's own machine: the root organization names them")
	}
	switch method {
	case loggingv1.SubmissionMethod_SUBMISSION_METHOD_FILE:
		if _, err := filepath.Match(address, ""); err != nil || !filepath.IsAbs(address) || filepath.Clean(address) != address {
			return bad("must be an absolute path or pattern such as /var/log/app/*.log")
		}
		fixed := address
		if i := strings.IndexAny(fixed, `*?[\`); i >= 0 {
			fixed = fixed[:i]
		}
		if !m.mayRead(fixed) {
			return refuse.With(apiv1.Reason_REASON_PERMISSION_DENIED, "address", "is outside of logging.file_roots of the configuration")
		}
	case loggingv1.SubmissionMethod_SUBMISSION_METHOD_HTTP:
		u, err := url.Parse(address)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil {
			return bad("must be http(s)://host/path without credentials")
		}
	case loggingv1.SubmissionMethod_SUBMISSION_METHOD_SNMP, loggingv1.SubmissionMethod_SUBMISSION_METHOD_SYSLOG:
		scheme, host, ok := strings.Cut(address, "://")
		tcp := scheme == "tcp" && method == loggingv1.SubmissionMethod_SUBMISSION_METHOD_SYSLOG
		if u, err := url.Parse("x://" + host); !ok || err != nil || u.Port() == "" || scheme != "udp" && !tcp {
			return bad("must be udp://address:port; for SYSLOG also tcp://address:port")
		}
	}
	return nil
}

// mayRead tells whether a file, by its path without symbolic links, is in a folder
// of the configuration.
func (m *Module) mayRead(path string) bool {
	for _, root := range m.opts.FileRoots {
		root = strings.TrimSuffix(filepath.Clean(root), "/") + "/"
		if strings.HasPrefix(path, root) {
			return true
		}
	}
	return false
}

func (m *Module) saveLocation(ctx context.Context, public *loggingv1.Location) error {
	document, err := protojson.Marshal(public)
	if err != nil {
		return fmt.Errorf("write location %s: %w", public.GetId(), err)
	}
	row := locationRow{ID: public.GetId(), TenantID: public.GetTenantId(), Document: string(document), UpdatedAt: m.opts.Now().UTC()}
	upsert := clause.OnConflict{Columns: []clause.Column{{Name: "id"}}, DoUpdates: clause.AssignmentColumns([]string{"document", "updated_at"})}
	if err := m.store.Write.WithContext(ctx).Clauses(upsert).Create(&row).Error; err != nil {
		return fmt.Errorf("store location %s: %w", row.ID, err)
	}
	return nil
}

func (m *Module) locationOf(ctx context.Context, id string) (*collector, error) {
	m.mu.RLock()
	c := m.locations[id]
	m.mu.RUnlock()
	if c == nil || !m.sees(ctx, c.place.Load().GetTenantId()) {
		return nil, refuse.NotFound("id", "location")
	}
	return c, nil
}
