package edge

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/gin-gonic/gin"
	"google.golang.org/protobuf/proto"

	"github.com/yunqiao/yunqiao/gateway/pipeline"
	"github.com/yunqiao/yunqiao/plugin-proto/contract"
)

// Options tunes an edge. The zero value is ready for production.
type Options struct {
	MaxBodyBytes   int64         // larger bodies are refused with 413; default 1 MiB
	MaxURLBytes    int           // longer addresses are refused with 413; default 8 KiB
	MaxConcurrent  int           // calls served at once, others are refused with 503; default 4096
	RequestTimeout time.Duration // a call's deadline; default 6 minutes
	Metrics        Metrics
	Recorder       Recorder
	Raw            []RawRoute
	Sections       []Section
	Strangers      pipeline.Middleware // what bounds requests whose credentials are refused; none: nothing
	Gates          pipeline.Middleware // what a caller of a raw route passes; needed where one is not public
}

// Metrics receives one observation for each request.
type Metrics interface {
	Observe(route, method string, status int, seconds float64)
}

// Recorder keeps what the record of calls asks for. It is told of every call that
// matched an rpc or a raw route that is not public, answered or refused; the answer of
// an rpc waits for it.
type Recorder interface {
	Record(ctx context.Context, call *pipeline.Call, answer proto.Message, failure error, elapsed time.Duration)
}

// Authenticator finds out who makes a request, from its headers and, where it is
// signed, its body as received. The error is a status with one of the 401 and 403
// reasons.
type Authenticator interface {
	Authenticate(ctx context.Context, r *http.Request, body []byte) (pipeline.Principal, error)
	// NeedsBody tells whether Authenticate wants the body as received.
	NeedsBody(r *http.Request) bool
	// Still refuses a principal that may not call any more what it was allowed to.
	Still(ctx context.Context, p pipeline.Principal, permission string) error
}

// New compiles the contract to an HTTP handler.
func New(log *slog.Logger, c *contract.Contract, auth Authenticator, handle pipeline.Handler, opts Options) (http.Handler, error) {
	if opts.MaxBodyBytes == 0 {
		opts.MaxBodyBytes = 1 << 20
	}
	if opts.MaxURLBytes == 0 {
		opts.MaxURLBytes = 8 << 10
	}
	if opts.MaxConcurrent == 0 {
		opts.MaxConcurrent = 4096
	}
	if opts.RequestTimeout == 0 {
		opts.RequestTimeout = 6 * time.Minute
	}
	e := &edge{log: log, auth: auth, handle: handle, opts: opts, slots: make(chan struct{}, opts.MaxConcurrent)}
	for _, s := range opts.Sections {
		e.sections = append(e.sections, newSection(s))
	}
	gin.SetMode(gin.ReleaseMode)
	router := gin.New()
	router.HandleMethodNotAllowed = true
	router.RedirectTrailingSlash = false
	router.UseRawPath = true
	if err := router.SetTrustedProxies(nil); err != nil { // forwarded-for headers are anybody's to write
		return nil, err
	}
	router.UnescapePathValues = true
	router.Use(e.observe, e.recover, e.limitURL)
	router.NoRoute(e.noRoute)
	router.NoMethod(e.noMethod)
	for _, raw := range opts.Raw {
		if err := e.addRaw(router, raw); err != nil {
			return nil, err
		}
	}
	for _, method := range c.Methods {
		for _, route := range method.Routes {
			if err := e.add(router, method, route); err != nil {
				return nil, err
			}
		}
	}
	return router, nil
}

type edge struct {
	log    *slog.Logger
	auth   Authenticator
	handle pipeline.Handler
	opts   Options
	slots  chan struct{} // one for each call that is being served

	sections []*section
}

// add registers one route. gin panics on routes that collide; that is turned into
// an error which names the rpc.
func (e *edge) add(router *gin.Engine, method *contract.Method, route contract.Route) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("route %s %s of %s: %v", route.Method, route.Pattern, method.FullName, r)
		}
	}()
	pattern, variables := ginPattern(route.Pattern)
	endpoint, err := newEndpoint(method, variables)
	if err != nil {
		return err
	}
	router.Handle(route.Method, pattern, e.admit(e.slots), func(c *gin.Context) { e.serve(c, endpoint) })
	return nil
}

// ginPattern rewrites "/a/{id}/b" to "/a/:id/b", and lists the variables in order.
func ginPattern(pattern string) (string, []string) {
	var variables []string
	segments := strings.Split(pattern, "/")
	for i, segment := range segments {
		if name, ok := strings.CutPrefix(segment, "{"); ok {
			name = strings.TrimSuffix(name, "}")
			variables = append(variables, name)
			segments[i] = ":" + name
		}
	}
	return strings.Join(segments, "/"), variables
}
