package edge

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/gin-gonic/gin"
	"google.golang.org/protobuf/proto"

	"github.com/yunqiao/yunqiao/drivers/sdk"
	"github.com/yunqiao/yunqiao/gateway/pipeline"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
)

func (e *edge) serve(c *gin.Context, endpoint *endpoint) {
	call := &pipeline.Call{
		Method:    endpoint.method,
		RequestID: requestID(c),
		Language:  language(c.Request),
		ClientIP:  c.ClientIP(),
	}
	ctx := pipeline.WithRequestID(c.Request.Context(), call.RequestID)
	begin := time.Now()
	answer, err := e.run(ctx, c, endpoint, call)
	if e.opts.Recorder != nil {
		e.opts.Recorder.Record(ctx, call, answer, err, time.Since(begin))
	}
	if err != nil {
		e.fail(c, call.Language, err)
		return
	}
	e.answer(c, call.Language, endpoint, answer)
}

// run takes a request from its bytes to its answer. What it learns of the call
// stands in call, also when it fails.
func (e *edge) run(ctx context.Context, c *gin.Context, endpoint *endpoint, call *pipeline.Call) (proto.Message, error) {
	var body []byte
	var err error
	if endpoint.method.IsWrite() {
		if body, err = e.readBody(c); err != nil {
			return nil, err
		}
	}
	if !endpoint.method.Public {
		if call.Principal, err = e.auth.Authenticate(ctx, c.Request, body); err != nil {
			return nil, e.stranger(ctx, call, err)
		}
	}
	if call.Request, call.Options, err = decode(c, endpoint, body); err != nil {
		return nil, err
	}
	return e.handle(ctx, call)
}

// stranger refuses a call for its credentials, or for being one too many of those: each
// leaves an entry in the record.
func (e *edge) stranger(ctx context.Context, call *pipeline.Call, refusal error) error {
	if e.opts.Strangers == nil || call.Principal.UserID != "" {
		return refusal
	}
	_, err := e.opts.Strangers(func(context.Context, *pipeline.Call) (proto.Message, error) { return nil, refusal })(ctx, call)
	return err
}

func (e *edge) readBody(c *gin.Context) ([]byte, error) {
	if kind := c.ContentType(); kind != "" && kind != "application/json" && c.Request.ContentLength != 0 {
		return nil, sdk.NewError(apiv1.Reason_REASON_UNSUPPORTED_MEDIA_TYPE,
			sdk.Violation("Content-Type", "must be application/json"))
	}
	body, err := io.ReadAll(http.MaxBytesReader(c.Writer, c.Request.Body, e.opts.MaxBodyBytes))
	if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
		return nil, sdk.NewError(apiv1.Reason_REASON_REQUEST_TOO_LARGE,
			sdk.Violation("body", fmt.Sprintf("must not exceed %d bytes", e.opts.MaxBodyBytes)))
	}
	if err != nil {
		return nil, sdk.NewError(apiv1.Reason_REASON_MALFORMED_REQUEST, sdk.Violation("body", "ended early"), sdk.Cause(err))
	}
	return body, nil
}

func (e *edge) noRoute(c *gin.Context) {
	e.fail(c, language(c.Request), sdk.NewError(apiv1.Reason_REASON_ROUTE_NOT_FOUND,
		sdk.Violation("path", "see /openapi.json for the interfaces there are")))
}

func (e *edge) noMethod(c *gin.Context) {
	e.fail(c, language(c.Request), sdk.NewError(apiv1.Reason_REASON_METHOD_NOT_ALLOWED,
		sdk.Violation("method", "allowed here: "+c.Writer.Header().Get("Allow"))))
}

// recover turns a panic of a handler into an error answer; the process goes on.
func (e *edge) recover(c *gin.Context) {
	defer func() {
		if r := recover(); r != nil {
			if r == http.ErrAbortHandler { //nolint:errorlint // the very value, as net/http asks
				panic(r) // cuts the connection: the answer must not look whole
			}
			e.log.LogAttrs(c.Request.Context(), slog.LevelError, "request panicked",
				slog.String("request_id", requestID(c)), slog.String("panic", fmt.Sprint(r)), slog.String("stack", stack()))
			if c.Writer.Written() {
				c.Abort() // too late for an answer
				return
			}
			e.fail(c, language(c.Request), sdk.NewError(apiv1.Reason_REASON_INTERNAL))
		}
	}()
	c.Next()
}

// language follows the first tag of Accept-Language; Chinese unless it is English.
func language(r *http.Request) pipeline.Language {
	if strings.HasPrefix(strings.ToLower(strings.TrimSpace(r.Header.Get("Accept-Language"))), "en") {
		return pipeline.English
	}
	return pipeline.Chinese
}
