package programs

import (
	"net/http"
	"time"

	"github.com/yunqiao/yunqiao/programs/gyt345"
)

// PartnerPrefix is what the paths of the partner interface begin with.
const PartnerPrefix = "/gyt345/"

// Refuse answers, as annex C does, a request to the partner interface that does not come
// to the module: its address or method is none, or who serves it refuses it. The status is
// what HTTP has for that.
func Refuse(w http.ResponseWriter, status int, retry time.Duration) {
	gyt345.WriteAnswer(w, refusal(status, retry).Answer())
}

func refusal(status int, retry time.Duration) *gyt345.Fault {
	switch status {
	case http.StatusNotFound:
		return &gyt345.Fault{Code: gyt345.CodeInvalidParameter, HTTP: status, Parameter: "path"}
	case http.StatusMethodNotAllowed:
		return &gyt345.Fault{Code: gyt345.CodeInvalidParameter, HTTP: status, Parameter: "method"}
	case http.StatusRequestEntityTooLarge: // bodies are the module's
		return gyt345.Invalid("query", "too long")
	case http.StatusServiceUnavailable:
		return gyt345.Unavailable("busy", retry, nil)
	default:
		return gyt345.Internal("refused", nil)
	}
}
