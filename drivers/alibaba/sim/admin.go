package sim

import (
	"encoding/json"
	"io"
	"net/http"
	"slices"
)

// serveAdmin answers about the simulator. It has no authentication.
func (s *Sim) serveAdmin(w http.ResponseWriter, r *http.Request) {
	switch r.Method + " " + r.URL.Path {
	case "GET /sim/healthz":
		_, _ = io.WriteString(w, "ok\n")
	case "GET /sim/faults":
		s.mu.Lock()
		f := s.faults
		s.mu.Unlock()
		answerJSON(w, f)
	case "PUT /sim/faults":
		s.putFaults(w, r)
	case "PUT /sim/conformance":
		s.putConformance(w, r)
	case "GET /sim/stats":
		answerJSON(w, s.Stats())
	case "GET /sim/actions":
		names := s.Actions()
		slices.Sort(names)
		answerJSON(w, names)
	case "GET /sim/dump":
		answerJSON(w, s.Dump())
	case "POST /sim/reset":
		s.Reset()
		w.WriteHeader(http.StatusNoContent)
	default:
		http.NotFound(w, r)
	}
}

func (s *Sim) putFaults(w http.ResponseWriter, r *http.Request) {
	d := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody))
	d.DisallowUnknownFields()
	var f Faults
	err := d.Decode(&f)
	if err == nil {
		err = s.SetFaults(f)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	answerJSON(w, f)
}

func answerJSON(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	_ = e.Encode(v) // the client has gone
}

// Dumped is a resource as /sim/dump shows it.
type Dumped struct {
	Kind    string            `json:"kind"`
	ID      string            `json:"id"`
	Account string            `json:"account"`
	Region  string            `json:"region,omitempty"`
	Attrs   map[string]any    `json:"attrs"`
	Tags    map[string]string `json:"tags,omitempty"`
}

// Dump lists all resources by kind, oldest first.
func (s *Sim) Dump() []Dumped {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.w.settle(s.opts.Now())
	kinds := make([]kind, 0, len(s.w.records))
	for k := range s.w.records {
		kinds = append(kinds, k)
	}
	slices.Sort(kinds)
	out := []Dumped{}
	for _, k := range kinds {
		for _, r := range s.w.records[k].order {
			attrs, _ := clone(r.attrs).(obj)
			out = append(out, Dumped{string(k), r.id, r.account.uid, r.region, attrs, cloneTags(r.tags)})
		}
	}
	return out
}

func cloneTags(tags map[string]string) map[string]string {
	out := make(map[string]string, len(tags))
	for k, v := range tags {
		out[k] = v
	}
	return out
}

// clone copies objects and lists.
func clone(v any) any {
	switch v := v.(type) {
	case obj:
		out := make(obj, len(v))
		for name, m := range v {
			out[name] = clone(m)
		}
		return out
	case []any:
		return cloneItems(v)
	case []obj:
		return cloneItems(v)
	case []string:
		return slices.Clone(v)
	}
	return v
}

func cloneItems[T any](items []T) []any {
	out := make([]any, len(items))
	for i, item := range items {
		out[i] = clone(item)
	}
	return out
}
