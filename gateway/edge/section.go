package edge

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/yunqiao/yunqiao/drivers/sdk"
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
	slots chan struct{}

	mu      sync.Mutex
	serving map[string]int // requests by client's address
}

func newSection(s Section) *section {
	return &section{Section: s, slots: make(chan struct{}, s.MaxConcurrent), serving: map[string]int{}}
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
		if !s.enter(address) {
			e.fail(c, language(c.Request), sdk.NewError(apiv1.Reason_REASON_UNAVAILABLE, sdk.RetryAfter(time.Second),
				sdk.Violation("concurrency", fmt.Sprintf("%d requests of this address are being served", s.MaxPerAddress))))
			return
		}
		defer s.leave(address)
		c.Next()
	}
}

func (s *section) enter(address string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.serving[address] >= s.MaxPerAddress {
		return false
	}
	s.serving[address]++
	return true
}

func (s *section) leave(address string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.serving[address]--; s.serving[address] == 0 {
		delete(s.serving, address)
	}
}

// deadline gives a request's body its time.
func (s *section) deadline(c *gin.Context) {
	// Only a connection that is none, as in tests, has no deadlines.
	_ = http.NewResponseController(c.Writer).SetReadDeadline(time.Now().Add(s.BodyTimeout))
}
