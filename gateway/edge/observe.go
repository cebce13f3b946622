package edge

import (
	"log/slog"
	"runtime/debug"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/yunqiao/yunqiao/internal/rowid"
)

const (
	requestIDHeader = "X-Request-Id"
	requestIDKey    = "request_id"
)

// observe gives the request its id, and logs and counts it at its end. The id is
// always our own: it becomes the idempotency token at the cloud, so it must be
// unique. A client's id of its own is logged beside it.
func (e *edge) observe(c *gin.Context) {
	begin := time.Now()
	id := rowid.New()
	c.Set(requestIDKey, id)
	c.Header(requestIDHeader, id)
	c.Next()
	elapsed := time.Since(begin)
	route, method := c.FullPath(), c.Request.Method
	if route == "" {
		route, method = "none", "any" // methods are the client's own words there
	}
	if e.opts.Metrics != nil {
		e.opts.Metrics.Observe(route, method, c.Writer.Status(), elapsed.Seconds())
	}
	level := slog.LevelInfo
	if c.Writer.Status() >= 500 {
		level = slog.LevelWarn
	}
	// The query is left out: it may hold what a log must not.
	e.log.LogAttrs(c.Request.Context(), level, "request",
		slog.String("request_id", id), slog.String("method", c.Request.Method), slog.String("path", shown(c.Request.URL.Path)),
		slog.Int("status", c.Writer.Status()), slog.Duration("elapsed", elapsed), slog.String("client", c.ClientIP()),
		slog.String("client_request_id", clientRequestID(c)))
}

func requestID(c *gin.Context) string { return c.GetString(requestIDKey) }

func stack() string { return string(debug.Stack()) }

// clientRequestID is what the client calls the request; cut, since it is logged.
func clientRequestID(c *gin.Context) string {
	id := c.GetHeader(requestIDHeader)
	return id[:min(len(id), 64)]
}

// maxShownPath is above the length of every path that a client has a reason to send.
const maxShownPath = 1024

// shown is a path as the log shows it: one that was refused for its length is cut.
func shown(path string) string { return path[:min(len(path), maxShownPath)] }
