package monitor

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"gorm.io/gorm"

	monitorv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/monitor/v1"
)

// postedAlert is an alert of Alertmanager's API v2 (postableAlert).
type postedAlert struct {
	Labels       map[string]string `json:"labels"`
	Annotations  map[string]string `json:"annotations,omitempty"`
	StartsAt     time.Time         `json:"startsAt,omitzero"`
	EndsAt       time.Time         `json:"endsAt,omitzero"`
	GeneratorURL string            `json:"generatorURL,omitempty"`
	Status       string            `json:"status,omitempty"` // of the webhook: firing, resolved
}

// Where alarms come from.
const (
	sourceAPI          = "api"
	sourceAlertmanager = "alertmanager"
	sourceGateway      = "gateway" // what is wrong with the gateway
	sourceEvent        = "event"   // told by another module
	sourceRule         = "rule"    // thresholds of metrics
	sourceCloud        = "cloud"   // found by a cloud's own monitoring
)

const (
	maxAlertBody = 16 << 20
	maxAlerts    = 10000
	// resolveTimeout is how long an alert without an end lasts, as in Alertmanager.
	resolveTimeout = 5 * time.Minute
)

// PostAlerts takes alerts as Prometheus and amtool send them (POST /api/v2/alerts).
// The answer comes when they are on disk. Its caller must be known by the context.
func (m *Module) PostAlerts() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var alerts []postedAlert
		if !readJSON(w, r, &alerts) {
			return
		}
		now := m.opts.Now()
		for i := range alerts {
			if alerts[i].EndsAt.IsZero() {
				alerts[i].EndsAt = now.Add(resolveTimeout)
			}
		}
		m.take(w, r, alerts)
	})
}

// Webhook takes the notifications of an Alertmanager's webhook receiver. An alert
// lasts until a notification says that it is resolved.
func (m *Module) Webhook() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var message struct {
			Alerts []postedAlert `json:"alerts"`
		}
		if !readJSON(w, r, &message) {
			return
		}
		for i := range message.Alerts {
			if message.Alerts[i].Status != "resolved" {
				message.Alerts[i].EndsAt = time.Time{}
			}
		}
		m.take(w, r, message.Alerts)
	})
}

func readJSON(w http.ResponseWriter, r *http.Request, into any) bool {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxAlertBody))
	if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
		http.Error(w, "the body must not exceed 16 MiB", http.StatusRequestEntityTooLarge)
		return false
	}
	if err != nil || json.Unmarshal(body, into) != nil {
		http.Error(w, "the body is not as Alertmanager's API v2 wants it", http.StatusBadRequest)
		return false
	}
	return true
}

func (m *Module) take(w http.ResponseWriter, r *http.Request, alerts []postedAlert) {
	if len(alerts) > maxAlerts {
		http.Error(w, "at most 10000 alerts at once", http.StatusRequestEntityTooLarge)
		return
	}
	commands, problem := m.commandsOf(r.Context(), alerts)
	if problem != "" {
		http.Error(w, problem, http.StatusBadRequest)
		return
	}
	if err := m.submit(r.Context(), commands); err != nil {
		m.log.WarnContext(r.Context(), "alerts not stored", slog.String("error", err.Error()))
		w.Header().Set("Retry-After", strconv.Itoa(int(retryAfter.Seconds())))
		http.Error(w, "the store cannot write at present", http.StatusServiceUnavailable)
		return
	}
	w.WriteHeader(http.StatusOK)
}

func (m *Module) commandsOf(ctx context.Context, alerts []postedAlert) (commands []*command, problem string) {
	tenant := m.access.Caller(ctx).TenantID
	now := m.opts.Now()
	for i := range alerts {
		a := &alerts[i]
		name := a.Labels["alertname"]
		size := 0
		for k, v := range a.Labels {
			if k == "" || !utf8.ValidString(k) || !utf8.ValidString(v) || strings.ContainsRune(k+v, 0) {
				return nil, "alerts[" + strconv.Itoa(i) + "]: a label is empty or not valid UTF-8"
			}
			size += len(k) + len(v)
		}
		if len(a.Labels) == 0 || size > 16<<10 || len(name) > 128 {
			return nil, "alerts[" + strconv.Itoa(i) + "]: needs labels, at most 16 KiB, alertname at most 128 characters"
		}
		if name == "" {
			name = "unnamed"
		}
		object := firstOf(a.Labels, "object_id", "instance", "host", "job")
		if object == "" {
			object = "unknown"
		}
		c := &command{identity: identity(tenant, name, object, a.Labels)}
		commands = append(commands, c)
		if !a.EndsAt.IsZero() && !a.EndsAt.After(now) {
			c.clear, c.at = monitorv1.ClearType_CLEAR_TYPE_AUTOMATIC, a.EndsAt
			continue
		}
		description := firstOf(a.Annotations, "description", "summary", "message")
		c.raise = &raise{
			tenant: tenant, name: name, object: cutText(object, 512), description: cutText(strings.ReplaceAll(description, "\x00", ""), 2000), source: sourceAlertmanager, labels: a.Labels,
			dataType: int32(monitorv1.AlarmDataType_ALARM_DATA_TYPE_METRIC), severity: int32(severityOf(a.Labels["severity"])), at: a.StartsAt, expires: a.EndsAt,
		}
	}
	return commands, ""
}

func firstOf(from map[string]string, names ...string) string {
	for _, name := range names {
		if from[name] != "" {
			return from[name]
		}
	}
	return ""
}

func cutText(text string, n int) string {
	if len(text) <= n {
		return text
	}
	for n > 0 && !utf8.RuneStart(text[n]) {
		n--
	}
	return text[:n]
}

// severityOf maps the words that rules use for severity.
func severityOf(word string) monitorv1.Severity {
	switch strings.ToLower(word) {
	case "critical", "crit", "fatal", "page", "p1", "disaster":
		return monitorv1.Severity_SEVERITY_CRITICAL
	case "major", "error", "high", "p2":
		return monitorv1.Severity_SEVERITY_MAJOR
	case "minor", "average", "medium", "p3":
		return monitorv1.Severity_SEVERITY_MINOR
	case "warning", "warn", "low", "p4":
		return monitorv1.Severity_SEVERITY_WARNING
	default:
		return monitorv1.Severity_SEVERITY_INDETERMINATE
	}
}

// gettableAlert is an alert as Alertmanager's API v2 shows it.
type gettableAlert struct {
	postedAlert
	Fingerprint string           `json:"fingerprint"`
	UpdatedAt   time.Time        `json:"updatedAt"`
	Receivers   []map[string]any `json:"receivers"`
	Status      alertStatus      `json:"status"`
}

type alertStatus struct {
	State       string   `json:"state"`
	SilencedBy  []string `json:"silencedBy"`
	InhibitedBy []string `json:"inhibitedBy"`
	MutedBy     []string `json:"mutedBy"`
}

// maxShown bounds the alerts of one answer: API v2 has no pages.
const maxShown = 100000

// filtersOf reads the parameters filter.
func filtersOf(w http.ResponseWriter, r *http.Request) (filters []matcher, ok bool) {
	for _, text := range r.URL.Query()["filter"] {
		f, ok := parseMatcher(text)
		if !ok {
			http.Error(w, "a filter must be name=\"value\", also with !=, =~ or !~", http.StatusBadRequest)
			return nil, false
		}
		filters = append(filters, f)
	}
	return filters, true
}

// GetAlerts shows active alarms as Alertmanager does (GET /api/v2/alerts). Those that a
// silence of the caller's organization, or of one above it, matches are suppressed.
func (m *Module) GetAlerts() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		filters, ok := filtersOf(w, r)
		if !ok {
			return
		}
		all, err := m.silences(r.Context(), m.opts.Now())
		query := m.visible(r.Context(), m.store.Read.WithContext(r.Context())).Where("active")
		for _, f := range filters {
			query = f.narrow(query)
		}
		var rows []alarmRow
		if err == nil {
			err = query.Order("serial DESC").Limit(maxShown).Find(&rows).Error
		}
		if err != nil {
			http.Error(w, "the store cannot be read at present", http.StatusServiceUnavailable)
			return
		}
		acting := m.silencing(all, m.access.Caller(r.Context()).TenantID, m.opts.Now())
		wanted := r.URL.Query()
		out := []gettableAlert{}
		for i := range rows {
			a := m.asAlert(&rows[i], acting)
			if wanted.Get(a.Status.State) == "false" || a.Status.State == suppressed && wanted.Get("silenced") == "false" || !matchAll(filters, a.Labels) {
				continue
			}
			out = append(out, a)
		}
		writeV2(w, out)
	})
}

// narrow keeps rows from being read that an equality cannot match; what is read is
// matched again.
func (f matcher) narrow(query *gorm.DB) *gorm.DB {
	if f.pattern != nil || f.not || f.value == "" {
		return query
	}
	switch f.name {
	case "alertname":
		return query.Where("name = ?", f.value)
	case "object_id":
		return query.Where("object_id = ?", cutText(f.value, 512))
	case labelInstance:
		return query.Where("instance IN ?", []string{cutText(f.value, maxInstance), unknownInstance})
	}
	member, err := json.Marshal(map[string]string{f.name: f.value}) // as labels are stored
	if err != nil {
		return query
	}
	text := strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(string(member[1 : len(member)-1]))
	return query.Where(`labels LIKE ? ESCAPE '\'`, "%"+text+"%")
}

// States of an alert in API v2.
const (
	firing     = "active"
	suppressed = "suppressed"
)

func (m *Module) asAlert(row *alarmRow, acting []*silence) gettableAlert {
	labels := map[string]string{}
	maps.Copy(labels, labelsOf(row))
	labels["alertname"] = row.Name
	if row.Source != sourceAlertmanager {
		labels["object_id"] = row.ObjectID
	}
	a := gettableAlert{
		postedAlert: postedAlert{Labels: labels, Annotations: map[string]string{"description": row.Description, "alarm_id": row.ID}, StartsAt: row.RaisedAt},
		Fingerprint: row.Identity[:16], UpdatedAt: row.LastRaisedAt, Receivers: []map[string]any{{"name": "yunqiao"}},
		Status: alertStatus{State: firing, SilencedBy: []string{}, InhibitedBy: []string{}, MutedBy: []string{}},
	}
	if len(acting) > 0 {
		for _, id := range silencedBy(acting, allLabels(toProtoAlarm(row))) {
			a.Status.State, a.Status.SilencedBy = suppressed, append(a.Status.SilencedBy, dashed(id))
		}
	}
	a.EndsAt = m.opts.Now().UTC().Add(farEnd)
	if row.DueAt != nil {
		a.EndsAt = *row.DueAt
	}
	return a
}

// farEnd is the end of an alert that lasts until somebody clears it; API v2 wants one.
const farEnd = 365 * 24 * time.Hour
