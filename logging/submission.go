package logging

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"regexp"
	"sync"
	"time"

	"github.com/gosnmp/gosnmp"
	"golang.org/x/time/rate"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/yunqiao/yunqiao/internal/refuse"
	"github.com/yunqiao/yunqiao/logging/collect"
	"github.com/yunqiao/yunqiao/logging/entry"
	"github.com/yunqiao/yunqiao/logging/format"
	loggingv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/logging/v1"
)

// submissionRow is a way of submitting. Document is the public message as JSON: its
// members are read whole and never looked for. Secrets are sealed.
type submissionRow struct {
	ID        string `gorm:"primaryKey;size:32"`
	TenantID  string `gorm:"size:64;index"`
	Document  string
	Secrets   []byte
	TokenHash []byte
	UpdatedAt time.Time
}

func (submissionRow) TableName() string { return "logging_submissions" }

// secrets are what is never shown.
type secrets struct {
	Community string                   `json:"community"`
	Passwords map[string]passwordsPair `json:"passwords"` // by user
}

type passwordsPair struct {
	Auth, Privacy string
}

// submission is a way of submitting, ready for use. It is never changed: an update
// makes another.
type submission struct {
	public  *loggingv1.Submission
	secrets secrets
	token   []byte
	rules   *format.Rules
	joining format.Joining
	allowed []netip.Prefix
	snmp    *collect.SNMP
	limit   *quota
}

// quota bounds what is accepted.
type quota struct {
	records *rate.Limiter // nil: no limit

	mu    sync.Mutex
	day   int64
	bytes int64
	most  int64 // a day; 0: no limit
}

// take counts records, all or none.
func (q *quota) take(now time.Time, records []entry.Record) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if day := now.Unix() / 86400; day != q.day {
		q.day, q.bytes = day, 0
	}
	var size int64
	for i := range records {
		size += int64(records[i].Bytes())
	}
	if q.most > 0 && q.bytes+size > q.most || q.records != nil && !q.records.AllowN(now, len(records)) {
		return false
	}
	q.bytes += size
	return true
}

// compile checks a way of submitting and makes it ready; the errors are for clients.
func (m *Module) compile(public *loggingv1.Submission, hidden secrets, token []byte, old *submission) (*submission, error) {
	s := &submission{public: public, secrets: hidden, token: token}
	var err error
	s.rules, err = format.New(format.Config{
		Kind: format.Kind(public.GetFormat()), Pattern: public.GetPattern(), GB18030: public.GetCharset() == loggingv1.Charset_CHARSET_GB18030,
		Zone: public.GetTimeZone(), Now: m.opts.Now,
	})
	if problem, ok := errors.AsType[*format.FieldError](err); ok {
		return nil, refuse.Invalid(problem.Field, problem.Problem)
	}
	if err != nil {
		return nil, err
	}
	lines := public.GetMultiline()
	s.joining = format.Joining{MaxLines: int(lines.GetMaxLines()), Timeout: time.Duration(lines.GetTimeoutSeconds()) * time.Second}
	if start := lines.GetStartPattern(); start != "" {
		if s.joining.Start, err = regexp.Compile(start); err != nil {
			return nil, refuse.Invalid("multiline.start_pattern", "is no RE2 expression: "+err.Error())
		}
	}
	for i, source := range public.GetAllowedSources() {
		prefix, err := netip.ParsePrefix(source)
		if err != nil {
			return nil, refuse.Invalid(fmt.Sprintf("allowed_sources[%d]", i), "is no CIDR such as 10.0.0.0/8")
		}
		s.allowed = append(s.allowed, prefix)
	}
	if s.snmp, err = m.compileSNMP(public, hidden); err != nil {
		return nil, err
	}
	s.limit = &quota{most: int64(public.GetDailyQuotaMib()) << 20}
	if n := public.GetRecordsPerSecond(); n > 0 {
		s.limit.records = rate.NewLimiter(rate.Limit(n), max(int(n), 5000)) // a burst holds a batch
	}
	if old != nil {
		old.limit.mu.Lock()
		s.limit.day, s.limit.bytes = old.limit.day, old.limit.bytes
		old.limit.mu.Unlock()
	}
	return s, nil
}

func (m *Module) compileSNMP(public *loggingv1.Submission, hidden secrets) (*collect.SNMP, error) {
	access := public.GetSnmp()
	if public.GetMethod() != loggingv1.SubmissionMethod_SUBMISSION_METHOD_SNMP {
		if access != nil {
			return nil, refuse.Invalid("snmp", "is for the method SNMP only")
		}
		return nil, nil
	}
	if hidden.Community == "" && len(access.GetUsers()) == 0 {
		return nil, refuse.Invalid("snmp", "needs a community for v2c or users for v3")
	}
	var users []collect.User
	for i, u := range access.GetUsers() {
		passwords := hidden.Passwords[u.GetName()]
		if len(passwords.Auth) < 8 {
			return nil, refuse.Invalid(fmt.Sprintf("snmp.users[%d].auth_password", i), "needs at least 8 characters")
		}
		if u.GetPrivacy() != loggingv1.SnmpPrivacy_SNMP_PRIVACY_UNSPECIFIED && len(passwords.Privacy) < 8 {
			return nil, refuse.Invalid(fmt.Sprintf("snmp.users[%d].privacy_password", i), "needs at least 8 characters")
		}
		engine, err := hexBytes(u.GetEngineId())
		if err != nil {
			return nil, refuse.Invalid(fmt.Sprintf("snmp.users[%d].engine_id", i), "needs an even number of hexadecimal digits")
		}
		users = append(users, collect.User{
			Name: u.GetName(), AuthPassword: passwords.Auth, PrivacyPassword: passwords.Privacy, EngineID: engine,
			Auth: map[loggingv1.SnmpAuth]gosnmp.SnmpV3AuthProtocol{
				loggingv1.SnmpAuth_SNMP_AUTH_SHA: gosnmp.SHA, loggingv1.SnmpAuth_SNMP_AUTH_SHA256: gosnmp.SHA256,
				loggingv1.SnmpAuth_SNMP_AUTH_SHA512: gosnmp.SHA512,
			}[u.GetAuth()],
			Privacy: map[loggingv1.SnmpPrivacy]gosnmp.SnmpV3PrivProtocol{
				loggingv1.SnmpPrivacy_SNMP_PRIVACY_AES: gosnmp.AES, loggingv1.SnmpPrivacy_SNMP_PRIVACY_AES256: gosnmp.AES256C,
			}[u.GetPrivacy()],
		})
	}
	return collect.NewSNMP(hidden.Community, users, m.engine), nil
}

// takeSecrets moves what is never shown out of a message.
func takeSecrets(access *loggingv1.SnmpAccess) secrets {
	hidden := secrets{Community: access.GetCommunity(), Passwords: map[string]passwordsPair{}}
	if access == nil {
		return hidden
	}
	access.Community = ""
	for _, u := range access.GetUsers() {
		hidden.Passwords[u.GetName()] = passwordsPair{u.GetAuthPassword(), u.GetPrivacyPassword()}
		u.AuthPassword, u.PrivacyPassword = "", ""
	}
	return hidden
}

// accepts tells whether an address may send.
func (s *submission) accepts(from netip.Addr) bool {
	if !s.public.GetEnabled() {
		return false
	}
	for _, prefix := range s.allowed {
		if prefix.Contains(from.Unmap()) {
			return true
		}
	}
	return len(s.allowed) == 0
}

// newToken makes a token and what is kept of it.
func newToken() (token string, hash []byte) {
	raw := make([]byte, 32)
	_, _ = rand.Read(raw) // never fails, see crypto/rand
	token = "yql_" + base64.RawURLEncoding.EncodeToString(raw)
	sum := sha256.Sum256([]byte(token))
	return token, sum[:]
}

func submissionLabel(id string) string { return "logging_submissions/" + id }

// save writes a way of submitting and puts it to use.
func (m *Module) save(ctx context.Context, s *submission) error {
	document, err := protojson.Marshal(s.public)
	if err != nil {
		return fmt.Errorf("write submission %s: %w", s.public.GetId(), err)
	}
	hidden, err := json.Marshal(s.secrets)
	if err != nil {
		return fmt.Errorf("write submission %s: %w", s.public.GetId(), err)
	}
	row := submissionRow{
		ID: s.public.GetId(), TenantID: s.public.GetTenantId(), Document: string(document), TokenHash: s.token,
		Secrets: m.box.Seal(hidden, submissionLabel(s.public.GetId())), UpdatedAt: m.opts.Now().UTC(),
	}
	if err := m.store.Write.WithContext(ctx).Save(&row).Error; err != nil {
		return fmt.Errorf("store submission %s: %w", row.ID, err)
	}
	m.use(s)
	return nil
}

func (m *Module) use(s *submission) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.put(s)
}

// drop takes a way of submitting out of use; the lock must be held.
func (m *Module) drop(id string) {
	if old := m.submissions[id]; old != nil && len(old.token) == sha256.Size {
		delete(m.tokens, [sha256.Size]byte(old.token))
	}
	delete(m.submissions, id)
}

// put puts a way of submitting to use; the lock must be held.
func (m *Module) put(s *submission) {
	id := s.public.GetId()
	m.drop(id)
	m.submissions[id] = s
	if len(s.token) == sha256.Size {
		m.tokens[[sha256.Size]byte(s.token)] = s
	}
	m.wake()
}

// wake has the collectors looked at.
func (m *Module) wake() {
	select {
	case m.changed <- struct{}{}:
	default:
	}
}

// open reads a stored way of submitting, with its secrets.
func (m *Module) open(row *submissionRow, public *loggingv1.Submission, before *submission) (*submission, error) {
	plain, err := m.box.Open(row.Secrets, submissionLabel(row.ID))
	if err != nil {
		return nil, fmt.Errorf("open the secrets of submission %s: %w", row.ID, err)
	}
	var hidden secrets
	if err := json.Unmarshal(plain, &hidden); err != nil {
		return nil, fmt.Errorf("read the secrets of submission %s: %w", row.ID, err)
	}
	s, err := m.compile(public, hidden, row.TokenHash, before)
	if err != nil {
		return nil, fmt.Errorf("submission %s: %w", row.ID, err)
	}
	return s, nil
}

// submissionOf finds one that the caller sees.
func (m *Module) submissionOf(ctx context.Context, field, id string) (*submission, error) {
	m.mu.RLock()
	s := m.submissions[id]
	m.mu.RUnlock()
	if s == nil || !m.sees(ctx, s.public.GetTenantId()) {
		return nil, refuse.NotFound(field, "submission")
	}
	return s, nil
}

func (m *Module) sees(ctx context.Context, tenant string) bool {
	_, err := m.tenant(ctx, tenant)
	return err == nil
}

func cloneOf[T proto.Message](message T) T { return proto.CloneOf(message) }
