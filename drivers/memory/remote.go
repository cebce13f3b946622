package main

import (
	"context"
	"errors"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/yunqiao/yunqiao/drivers/memory/memcloud"
	"github.com/yunqiao/yunqiao/drivers/sdk"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
)

const maxAnswerBytes = 64 << 20

// remote is a memcloud server.
type remote struct{ conn *grpc.ClientConn }

// dial prepares the connection; it is made with the first call.
func dial(endpoint string) (cloud, error) {
	conn, err := grpc.NewClient(endpoint,
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(maxAnswerBytes)),
	)
	if err != nil {
		return nil, sdk.NewError(apiv1.Reason_REASON_PARAMETER_REJECTED, sdk.Field("settings."+settingEndpoint), sdk.Cause(err))
	}
	return &remote{conn}, nil
}

func (r *remote) call(ctx context.Context, caller memcloud.Caller, fullMethod string, request proto.Message) (proto.Message, bool, error) {
	service, method := splitMethod(fullMethod)
	_, output := messageTypes(service, method)
	answer := output.New().Interface()
	served := sdk.CallFrom(ctx)
	ctx = sdk.WithCall(ctx, served)
	if served.Traceparent != "" {
		ctx = metadata.AppendToOutgoingContext(ctx, "traceparent", served.Traceparent)
	}
	ctx = metadata.AppendToOutgoingContext(ctx, memcloud.ProjectKey, caller.Project)
	if caller.ClientToken != "" {
		ctx = metadata.AppendToOutgoingContext(ctx, memcloud.ClientTokenKey, caller.ClientToken)
	}
	if caller.Password != "" {
		ctx = metadata.AppendToOutgoingContext(ctx, memcloud.PasswordKey, caller.Password)
	}
	var trailer metadata.MD
	if err := r.conn.Invoke(ctx, fullMethod, request, answer, grpc.Trailer(&trailer)); err != nil {
		return nil, true, fromTransport(err)
	}
	told := sdk.TrailerFrom(trailer)
	if told.NextStep != "" || told.PollAfter > 0 {
		sdk.SetNextStep(ctx, told.NextStep, told.PollAfter)
	}
	return answer, true, nil
}

func (r *remote) info(ctx context.Context, caller memcloud.Caller) (memcloud.Info, error) {
	ctx = metadata.AppendToOutgoingContext(ctx, memcloud.ProjectKey, caller.Project, memcloud.PasswordKey, caller.Password)
	info, err := memcloud.AskInfo(ctx, r.conn)
	return info, fromTransport(err)
}

// faultEndpoint is not known: the server's admin address is its operator's.
func (r *remote) faultEndpoint() string { return "" }

func (r *remote) close() error { return r.conn.Close() }

// fromTransport tells an unreachable cloud from one that answered: its own
// errors carry a reason and pass, gRPC's do not.
func fromTransport(err error) error {
	if err == nil || sdk.IsOurs(err) {
		return err
	}
	reason := apiv1.Reason_REASON_CLOUD_ERROR
	switch {
	case errors.Is(err, context.DeadlineExceeded), status.Code(err) == codes.DeadlineExceeded, status.Code(err) == codes.Canceled:
		reason = apiv1.Reason_REASON_CLOUD_TIMEOUT
	case status.Code(err) == codes.Unavailable:
		reason = apiv1.Reason_REASON_CLOUD_UNAVAILABLE
	case status.Code(err) == codes.Unimplemented:
		reason = apiv1.Reason_REASON_UNSUPPORTED_METHOD
	}
	return sdk.NewError(reason, sdk.Cause(err))
}
