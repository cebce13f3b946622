package edge

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/yunqiao/yunqiao/drivers/sdk"
	"github.com/yunqiao/yunqiao/internal/underway"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
)

// Section is a part of the addresses that belongs to an interface which is not ours: what
// never comes to its handlers is answered in its own form, not in the envelope. Its
// public routes are bounded by themselves, so that neither their callers nor those of
// rpcs take the others' place.
type Section struct {
	Prefix        string        // of its paths: "/x/"
	MaxConcurrent int           // requests served at once, others are refused with 503
	MaxPerAddress int           // of them, those of one client's address
	BodyTimeout   time.Duration // by when a request's body must have come
	// Refuse answers with the meaning of an HTTP status; retry is of 503.
	Refuse func(w http.ResponseWriter, status int, retry time.Duration)
}

// section is a Section in service.
type section struct {
	Section
	slots   chan struct{}
	serving *underway.Counter // requests by client's address
}

func newSection(s Section) *section {
	return &section{Section: s, slots: make(chan struct{}, s.MaxConcurrent), serving: underway.New(s.MaxPerAddress)}
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

// admitAddress bounds the requests of one address, so that it cannot take all places.
func (e *edge) admitAddress(s *section) gin.HandlerFunc {
	return func(c *gin.Context) {
		address := c.ClientIP()
		if !s.serving.Begin(address) {
			e.fail(c, language(c.Request), sdk.NewError(apiv1.Reason_REASON_UNAVAILABLE, sdk.RetryAfter(time.Second),
				sdk.Violation("concurrency", fmt.Sprintf("%d requests of this address are being served", s.MaxPerAddress))))
			return
		}
		defer s.serving.End(address)
		c.Next()
	}
}

// deadline gives a request's body its time.
func (s *section) deadline(c *gin.Context) {
	// Only a connection that is none, as in tests, has no deadlines.
	_ = http.NewResponseController(c.Writer).SetReadDeadline(time.Now().Add(s.BodyTimeout))
}
