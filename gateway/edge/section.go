package edge

import (
	"net/http"
	"strings"
	"time"

	"github.com/gin-gonic/gin"
)

// Section is a part of the addresses that belongs to an interface which is not ours: what
// never comes to its handlers is answered in its own form, not in the envelope. Its
// public routes are bounded by themselves, so that neither their callers nor those of
// rpcs take the others' place.
type Section struct {
	Prefix        string        // of its paths: "/x/"
	MaxConcurrent int           // requests served at once, others are refused with 503
	BodyTimeout   time.Duration // by when a request's body must have come
	// Refuse answers with the meaning of an HTTP status; retry is of 503.
	Refuse func(w http.ResponseWriter, status int, retry time.Duration)
}

// section is a Section in service.
type section struct {
	Section
	slots chan struct{}
}

// section finds the one that a path lies in; nil: none.
func (e *edge) section(path string) *section {
	for _, s := range e.sections {
		if strings.HasPrefix(path, s.Prefix) {
			return s
		}
	}
	return nil
}

// deadline gives a request's body its time.
func (s *section) deadline(c *gin.Context) {
	// Only a connection that is none, as in tests, has no deadlines.
	_ = http.NewResponseController(c.Writer).SetReadDeadline(time.Now().Add(s.BodyTimeout))
}
