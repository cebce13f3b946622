package audit

import (
	"log/slog"
	"net/http"

	"google.golang.org/protobuf/encoding/protojson"

	"github.com/yunqiao/yunqiao/internal/refuse"
	tenantv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/tenant/v1"
)

// exportPage is how many entries are read from the store at a time.
const exportPage = 500

// Export answers with all entries that the caller sees, newest first, one JSON
// object a line. The query takes the filters of ListAudits: user_id,
// organization_id, resource_id, method, request_id_equals, since, until, failed.
func (s *Server) Export() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		request := &tenantv1.ListAuditsRequest{
			UserId: q.Get("user_id"), OrganizationId: q.Get("organization_id"), ResourceId: q.Get("resource_id"),
			Method: q.Get("method"), RequestIdEquals: q.Get("request_id_equals"), Since: q.Get("since"), Until: q.Get("until"), Failed: q.Get("failed") == "true",
			PageSize: exportPage,
		}
		for first := true; first || request.GetPageToken() != ""; first = false {
			page, err := s.ListAudits(r.Context(), request)
			if err != nil && first {
				refuse.Answer(w, r, err)
				return
			}
			if err != nil { // the status has gone: the client sees an answer that ends early
				s.recorder.log.LogAttrs(r.Context(), slog.LevelWarn, "audit export ended early", slog.String("error", err.Error()))
				panic(http.ErrAbortHandler)
			}
			if first {
				w.Header().Set("Content-Type", "application/x-ndjson")
			}
			for _, entry := range page.GetAudits() {
				line, err := protojson.MarshalOptions{UseProtoNames: true}.Marshal(entry)
				if err != nil {
					panic(http.ErrAbortHandler)
				}
				if _, err := w.Write(append(line, '\n')); err != nil {
					return // the client has gone
				}
			}
			request.PageToken = page.GetNextPageToken()
		}
	})
}
