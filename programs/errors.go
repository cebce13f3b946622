package programs

import (
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
)

// failure is an error of our table.
func failure(code codes.Code, reason apiv1.Reason, field, description string) error {
	s := status.New(code, reason.String())
	details, err := s.WithDetails(&errdetails.ErrorInfo{
		Reason: reason.String()[len("REASON_"):], Domain: "yunqiao", Metadata: map[string]string{"field": field},
	})
	if err != nil {
		return s.Err()
	}
	if description == "" {
		return details.Err()
	}
	with, err := details.WithDetails(&errdetails.BadRequest{
		FieldViolations: []*errdetails.BadRequest_FieldViolation{{Field: field, Description: description}},
	})
	if err != nil {
		return details.Err()
	}
	return with.Err()
}

func notFound(field string) error {
	return failure(codes.NotFound, apiv1.Reason_REASON_NOT_FOUND, field, "there is none")
}

func invalid(field, description string) error {
	return failure(codes.InvalidArgument, apiv1.Reason_REASON_VALIDATION_FAILED, field, description)
}

func wrongState(field, description string) error {
	return failure(codes.FailedPrecondition, apiv1.Reason_REASON_INVALID_STATE, field, description)
}

func exists(field string) error {
	return failure(codes.AlreadyExists, apiv1.Reason_REASON_ALREADY_EXISTS, field, "is there already")
}
