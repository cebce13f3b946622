package edge

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"
	"google.golang.org/protobuf/proto"

	"github.com/yunqiao/yunqiao/drivers/sdk"
	"github.com/yunqiao/yunqiao/gateway/pipeline"
	"github.com/yunqiao/yunqiao/plugin-proto/contract"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
)

// RawRoute is a route that no rpc can express. The list of them is in gateway/app.
// One that is not public passes the same gates as an rpc: authentication by token or
// signature, rates, the permission, the bounds of concurrency and time, the record of
// calls. Its handler finds the caller by pipeline.CallFrom.
type RawRoute struct {
	Method     string
	Pattern    string // gin's pattern
	Public     bool   // its handler knows its callers itself, or serves everybody
	Permission string // of those who may call; empty with Public
	Handler    http.Handler
	// Stream is an answer without an end: it is not bounded in time, and is cut off
	// when its caller may not call any more.
	Stream bool
	// MaxBodyBytes bounds the body of a signed request, which is read as a whole;
	// default that of rpcs.
	MaxBodyBytes int64
}

// method is what the gates and the record see of the route.
func (r *RawRoute) method() *contract.Method {
	kind := apiv1.Kind_KIND_ACTION
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		kind = apiv1.Kind_KIND_QUERY
	}
	return &contract.Method{FullName: r.Method + " " + r.Pattern, Permission: r.Permission, Kind: kind}
}

// addRaw registers a route.
func (e *edge) addRaw(router *gin.Engine, route RawRoute) error {
	if !route.Public && route.Permission == "" {
		return fmt.Errorf("route %s %s needs a permission, or must be public", route.Method, route.Pattern)
	}
	if route.MaxBodyBytes == 0 {
		route.MaxBodyBytes = e.opts.MaxBodyBytes
	}
	public := func(c *gin.Context) { route.Handler.ServeHTTP(c.Writer, c.Request) }
	switch method, section := route.method(), e.section(route.Pattern); {
	case route.Public && section != nil:
		router.Handle(route.Method, route.Pattern, e.admitAddress(section), e.admit(section.slots), section.deadline, public)
	case route.Public:
		router.Handle(route.Method, route.Pattern, public)
	case route.Stream:
		router.Handle(route.Method, route.Pattern, func(c *gin.Context) { e.raw(c, &route, method) })
	default:
		router.Handle(route.Method, route.Pattern, e.admit(e.slots), func(c *gin.Context) { e.raw(c, &route, method) })
	}
	return nil
}

func (e *edge) raw(c *gin.Context, route *RawRoute, method *contract.Method) {
	call := &pipeline.Call{Method: method, RequestID: requestID(c), Language: language(c.Request), ClientIP: c.ClientIP()}
	ctx := pipeline.WithRequestID(c.Request.Context(), call.RequestID)
	begin := time.Now()
	served := false
	serve := func(ctx context.Context, call *pipeline.Call) (proto.Message, error) {
		served = true
		ctx, stop := context.WithCancel(ctx)
		defer stop()
		if route.Stream {
			watched := e.watch(ctx, call, stop)
			defer func() { stop(); <-watched }()
		}
		route.Handler.ServeHTTP(c.Writer, c.Request.WithContext(pipeline.WithCall(ctx, call)))
		return nil, answered(c.Writer.Status())
	}
	err := e.identify(ctx, c, route, call)
	if err == nil {
		_, err = e.opts.Gates(serve)(ctx, call)
	}
	if e.opts.Recorder != nil {
		e.opts.Recorder.Record(ctx, call, nil, err, time.Since(begin))
	}
	if err != nil && !served {
		e.fail(c, call.Language, err)
	}
}

// identify finds out who calls. The body of a signed request is read first, since
// the signature covers it.
func (e *edge) identify(ctx context.Context, c *gin.Context, route *RawRoute, call *pipeline.Call) (err error) {
	var body []byte
	if e.auth.NeedsBody(c.Request) {
		body, err = io.ReadAll(http.MaxBytesReader(c.Writer, c.Request.Body, route.MaxBodyBytes))
		if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
			return sdk.NewError(apiv1.Reason_REASON_REQUEST_TOO_LARGE,
				sdk.Violation("body", fmt.Sprintf("must not exceed %d bytes when it is signed", route.MaxBodyBytes)))
		}
		if err != nil {
			return sdk.NewError(apiv1.Reason_REASON_MALFORMED_REQUEST, sdk.Violation("body", "ended early"), sdk.Cause(err))
		}
		c.Request.Body = io.NopCloser(bytes.NewReader(body))
	}
	if call.Principal, err = e.auth.Authenticate(ctx, c.Request, body); err != nil {
		return e.stranger(ctx, call, err)
	}
	return nil
}

// recheck is how often a stream's caller is looked at again.
const recheck = time.Second

// watch ends a stream whose caller may not call any more. The channel is closed when
// it looks no more.
func (e *edge) watch(ctx context.Context, call *pipeline.Call, stop context.CancelFunc) <-chan struct{} {
	done := make(chan struct{})
	go func() {
		defer close(done)
		ticker := time.NewTicker(recheck)
		defer ticker.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-ticker.C:
			}
			if err := e.auth.Still(ctx, call.Principal, call.Method.Permission); err != nil && ctx.Err() == nil {
				e.log.LogAttrs(ctx, slog.LevelInfo, "a stream was cut off, its caller may not call any more",
					slog.String("request_id", call.RequestID), slog.String("reason", sdk.ReasonName(sdk.ReasonOf(err))))
				stop()
				return
			}
		}
	}()
	return done
}

// answered is for the record what a handler has told the client by its status.
func answered(status int) error {
	switch {
	case status < http.StatusBadRequest:
		return nil
	case status == http.StatusForbidden:
		return sdk.NewError(apiv1.Reason_REASON_RESOURCE_FORBIDDEN)
	case status == http.StatusNotFound:
		return sdk.NewError(apiv1.Reason_REASON_NOT_FOUND)
	case status == http.StatusRequestEntityTooLarge:
		return sdk.NewError(apiv1.Reason_REASON_REQUEST_TOO_LARGE)
	case status < http.StatusInternalServerError:
		return sdk.NewError(apiv1.Reason_REASON_VALIDATION_FAILED)
	case status == http.StatusServiceUnavailable:
		return sdk.NewError(apiv1.Reason_REASON_UNAVAILABLE)
	default:
		return sdk.NewError(apiv1.Reason_REASON_INTERNAL)
	}
}
