package sdk

import (
	"context"
	"fmt"
	"log/slog"
	"runtime/debug"
	"strings"
	"time"

	"google.golang.org/grpc"

	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
)

// observeUnary logs each call of the contract with the ids that tie it to the
// gateway's log, and turns a panic into the failure of that one call.
func observeUnary(log *slog.Logger) grpc.UnaryServerInterceptor {
	return func(ctx context.Context, req any, info *grpc.UnaryServerInfo, next grpc.UnaryHandler) (res any, err error) {
		start := time.Now()
		defer func() {
			if cause := recover(); cause != nil {
				res, err = nil, panicError(cause)
				log.LogAttrs(ctx, slog.LevelError, "panic in driver", append(callAttrs(ctx, info.FullMethod),
					slog.Any("panic", cause), slog.String("stack", string(debug.Stack())))...)
				return
			}
			logCall(ctx, log, info.FullMethod, time.Since(start), err)
		}()
		return next(ctx, req)
	}
}

// recoverStream guards the streams of the plugin machinery; the contract has none.
func recoverStream(log *slog.Logger) grpc.StreamServerInterceptor {
	return func(srv any, stream grpc.ServerStream, info *grpc.StreamServerInfo, next grpc.StreamHandler) (err error) {
		defer func() {
			if cause := recover(); cause != nil {
				err = panicError(cause)
				log.LogAttrs(stream.Context(), slog.LevelError, "panic in driver", slog.String("method", info.FullMethod),
					slog.Any("panic", cause), slog.String("stack", string(debug.Stack())))
			}
		}()
		return next(srv, stream)
	}
}

func panicError(cause any) error {
	return NewError(apiv1.Reason_REASON_DRIVER_FAULT, Cause(fmt.Errorf("panic: %v", cause)))
}

func logCall(ctx context.Context, log *slog.Logger, method string, took time.Duration, err error) {
	level := slog.LevelDebug
	if err != nil {
		level = slog.LevelWarn
	}
	if !strings.HasPrefix(method, "/cloud.") || !log.Enabled(ctx, level) {
		return
	}
	attrs := append(callAttrs(ctx, method), slog.Duration("took", took))
	if err == nil {
		log.LogAttrs(ctx, slog.LevelDebug, "call served", attrs...)
		return
	}
	attrs = append(attrs, slog.String("reason", ReasonName(ReasonOf(err))), slog.String("error", err.Error()))
	if text := FaultText(err); text != "" {
		attrs = append(attrs, slog.String("provider_fault", text))
	}
	log.LogAttrs(ctx, slog.LevelWarn, "call failed", attrs...)
}

func callAttrs(ctx context.Context, method string) []slog.Attr {
	call := CallFrom(ctx)
	return []slog.Attr{
		slog.String("request_id", call.RequestID),
		slog.String("account_id", call.AccountID),
		slog.String("method", strings.TrimPrefix(method, "/")),
		slog.Int("attempt", call.Attempt),
	}
}
