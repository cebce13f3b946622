package monitor

import (
	"encoding/json"
	"net/http"
	"path"
	"slices"
	"strings"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/yunqiao/yunqiao/internal/fault"
	monitorv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/monitor/v1"
)

// v2Silence is a silence of Alertmanager's API v2 (gettableSilence, postableSilence).
type v2Silence struct {
	ID        string      `json:"id,omitempty"`
	Matchers  []v2Matcher `json:"matchers"`
	StartsAt  time.Time   `json:"startsAt"`
	EndsAt    time.Time   `json:"endsAt"`
	UpdatedAt *time.Time  `json:"updatedAt,omitempty"`
	CreatedBy string      `json:"createdBy"`
	Comment   string      `json:"comment"`
	Status    *v2State    `json:"status,omitempty"`
}

type v2State struct {
	State string `json:"state"`
}

type v2Matcher struct {
	Name    string `json:"name"`
	Value   string `json:"value"`
	IsRegex bool   `json:"isRegex"`
	IsEqual *bool  `json:"isEqual,omitempty"` // absent: true
}

const (
	maxMatchers = 20
	maxText     = 1024 // characters of a matcher's value and of a comment
)

// dashed is an id as Alertmanager's clients want it: a UUID.
func dashed(id string) string {
	if len(id) != 32 {
		return id
	}
	return id[:8] + "-" + id[8:12] + "-" + id[12:16] + "-" + id[16:20] + "-" + id[20:]
}

func undashed(id string) string { return strings.ReplaceAll(id, "-", "") }

func toV2Silence(s *monitorv1.Silence) v2Silence {
	updated := s.GetUpdatedAt().AsTime()
	out := v2Silence{
		ID: dashed(s.GetId()), StartsAt: s.GetStartsAt().AsTime(), EndsAt: s.GetEndsAt().AsTime(), UpdatedAt: &updated,
		CreatedBy: s.GetCreatedBy(), Comment: s.GetComment(),
		Status: &v2State{strings.ToLower(strings.TrimPrefix(s.GetPhase().String(), "SILENCE_PHASE_"))},
	}
	for _, m := range s.GetMatchers() {
		op := m.GetOperator()
		equal := op != monitorv1.MatchOperator_MATCH_OPERATOR_NOT_EQUAL && op != monitorv1.MatchOperator_MATCH_OPERATOR_NOT_REGEX
		out.Matchers = append(out.Matchers, v2Matcher{
			Name: m.GetName(), Value: m.GetValue(), IsEqual: &equal,
			IsRegex: op == monitorv1.MatchOperator_MATCH_OPERATOR_REGEX || op == monitorv1.MatchOperator_MATCH_OPERATOR_NOT_REGEX,
		})
	}
	return out
}

func (in *v2Silence) toProto() (*monitorv1.Silence, string) {
	if n := len(in.Matchers); n == 0 || n > maxMatchers || len(in.Comment) > maxText || len(in.CreatedBy) > 128 {
		return nil, "a silence needs 1 to 20 matchers, a comment of at most 1024 and a creator of at most 128 characters"
	}
	out := &monitorv1.Silence{StartsAt: timestamppb.New(in.StartsAt), EndsAt: timestamppb.New(in.EndsAt), Comment: in.Comment, CreatedBy: in.CreatedBy}
	if in.StartsAt.IsZero() {
		out.StartsAt = nil
	}
	for _, m := range in.Matchers {
		if m.Name == "" || len(m.Name) > 128 || len(m.Value) > maxText {
			return nil, "a matcher needs a name of at most 128 and a value of at most 1024 characters"
		}
		equal := m.IsEqual == nil || *m.IsEqual
		out.Matchers = append(out.Matchers, &monitorv1.Matcher{Name: m.Name, Value: m.Value, Operator: map[[2]bool]monitorv1.MatchOperator{
			{false, true}:  monitorv1.MatchOperator_MATCH_OPERATOR_EQUAL,
			{false, false}: monitorv1.MatchOperator_MATCH_OPERATOR_NOT_EQUAL,
			{true, true}:   monitorv1.MatchOperator_MATCH_OPERATOR_REGEX,
			{true, false}:  monitorv1.MatchOperator_MATCH_OPERATOR_NOT_REGEX,
		}[[2]bool{m.IsRegex, equal}]})
	}
	return out, ""
}

// writeV2 answers as Alertmanager's API does.
func writeV2(w http.ResponseWriter, body any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(body) // a client that has gone is no error of ours
}

// refuseV2 answers an error of ours; its words are a JSON string there.
func refuseV2(w http.ResponseWriter, err error) {
	f := fault.Decode(err)
	text := f.Client(true).GetMessage()
	for _, v := range f.Client(true).GetViolations() {
		text += "; " + v.GetField() + " " + v.GetDescription()
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(fault.HTTPStatus(f.Reason))
	_ = json.NewEncoder(w).Encode(text)
}

// PostSilences makes a silence, or replaces the one whose id it names, as Alertmanager
// does (POST /api/v2/silences): one that acts already is ended and made anew.
func (m *Module) PostSilences() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var in v2Silence
		if !readJSON(w, r, &in) {
			return
		}
		wanted, problem := in.toProto()
		if problem != "" {
			http.Error(w, problem, http.StatusBadRequest)
			return
		}
		row, err := m.newSilence(r.Context(), wanted)
		if err != nil {
			refuseV2(w, err)
			return
		}
		if in.ID != "" {
			if _, err := m.silenceOf(r.Context(), undashed(in.ID)); err != nil {
				refuseV2(w, err)
				return
			}
		}
		err = m.store.Write.WithContext(r.Context()).Create(row).Error
		if err == nil && in.ID != "" {
			_, err = m.endSilence(r.Context(), undashed(in.ID))
		}
		if err != nil {
			http.Error(w, "the store cannot write at present", http.StatusServiceUnavailable)
			return
		}
		m.wake()
		writeV2(w, map[string]string{"silenceID": dashed(row.ID)})
	})
}

// GetSilences lists silences as Alertmanager does (GET /api/v2/silences). A filter
// keeps those that have a matcher of its name whose value it accepts.
func (m *Module) GetSilences() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		filters, ok := filtersOf(w, r)
		if !ok {
			return
		}
		all, err := m.listSilences(r.Context(), false)
		if err != nil {
			http.Error(w, "the store cannot be read at present", http.StatusServiceUnavailable)
			return
		}
		out := []v2Silence{}
		for _, s := range all {
			values := map[string]string{}
			for _, matcher := range s.GetMatchers() {
				values[matcher.GetName()] = matcher.GetValue()
			}
			if matchAll(filters, values) {
				out = append(out, toV2Silence(s))
			}
		}
		slices.SortStableFunc(out, func(a, b v2Silence) int { return a.EndsAt.Compare(b.EndsAt) })
		writeV2(w, out)
	})
}

// GetSilence shows one silence (GET /api/v2/silence/{id}).
func (m *Module) GetSilence() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		row, err := m.silenceOf(r.Context(), undashed(path.Base(r.URL.Path)))
		if err != nil {
			refuseV2(w, err)
			return
		}
		shown, err := m.showSilence(row)
		if err != nil {
			refuseV2(w, err)
			return
		}
		writeV2(w, toV2Silence(shown))
	})
}

// DeleteSilence ends a silence (DELETE /api/v2/silence/{id}).
func (m *Module) DeleteSilence() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		found, err := m.endSilence(r.Context(), undashed(path.Base(r.URL.Path)))
		switch {
		case err != nil:
			refuseV2(w, err)
		case !found:
			http.Error(w, "there is no such silence", http.StatusNotFound)
		default:
			w.WriteHeader(http.StatusOK)
		}
	})
}

// GetStatus is what amtool asks first (GET /api/v2/status).
func (m *Module) GetStatus() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		writeV2(w, map[string]any{
			"cluster": map[string]any{"name": "yunqiao", "status": "disabled", "peers": []any{}},
			"config":  map[string]string{"original": ""},
			"uptime":  m.started,
			"versionInfo": map[string]string{
				"branch": "", "buildDate": "", "buildUser": "", "goVersion": "", "revision": "", "version": "yunqiao",
			},
		})
	})
}
