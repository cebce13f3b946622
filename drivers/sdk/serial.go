package sdk

import (
	"context"
	"strconv"
	"strings"
	"sync"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
)

// serialCreates lets creates that carry one request id through one after the
// other. All but the first are repeats, whatever their attempt: the driver then
// looks for what the first one made.
func serialCreates() grpc.UnaryServerInterceptor {
	requests := lines{open: map[string]*line{}}
	return func(ctx context.Context, req any, info *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
		call := CallFrom(ctx)
		if call.RequestID == "" || !creates(info.FullMethod) {
			return next(ctx, req)
		}
		first, leave, err := requests.enter(ctx, info.FullMethod+" "+call.AccountID+" "+call.RequestID)
		if err != nil {
			return nil, status.FromContextError(err).Err()
		}
		defer leave()
		if !first && !call.Repeated() {
			ctx = asRepeat(ctx)
		}
		return next(ctx, req)
	}
}

// creates tells whether an rpc makes a resource, by the options of the contract.
func creates(fullMethod string) bool {
	name := strings.ReplaceAll(strings.TrimPrefix(fullMethod, "/"), "/", ".")
	found, err := protoregistry.GlobalFiles.FindDescriptorByName(protoreflect.FullName(name))
	if err != nil {
		return false
	}
	rule, ok := proto.GetExtension(found.Options(), apiv1.E_Method).(*apiv1.MethodRule)
	return ok && rule.GetKind() == apiv1.Kind_KIND_CREATE
}

func asRepeat(ctx context.Context) context.Context {
	md, _ := metadata.FromIncomingContext(ctx) // a copy
	md.Set(keyAttempt, strconv.Itoa(2))
	return metadata.NewIncomingContext(ctx, md)
}

// lines are the requests being served, and who waits for each.
type lines struct {
	mu   sync.Mutex
	open map[string]*line
}

type line struct {
	turn   chan struct{} // holds one value while a call is served
	inside int           // calls that are served or wait
}

// enter waits for the caller's turn; leave gives it to the next. First tells
// that nobody was there before. The error is the context's.
func (l *lines) enter(ctx context.Context, key string) (first bool, leave func(), err error) {
	l.mu.Lock()
	mine, found := l.open[key]
	if !found {
		mine = &line{turn: make(chan struct{}, 1)}
		l.open[key] = mine
	}
	mine.inside++
	l.mu.Unlock()
	select {
	case mine.turn <- struct{}{}:
		return !found, func() { <-mine.turn; l.leave(key, mine) }, nil
	case <-ctx.Done():
		l.leave(key, mine)
		return false, nil, ctx.Err()
	}
}

func (l *lines) leave(key string, mine *line) {
	l.mu.Lock()
	defer l.mu.Unlock()
	mine.inside--
	if mine.inside == 0 {
		delete(l.open, key)
	}
}
