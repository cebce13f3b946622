package drivertest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/yunqiao/yunqiao/drivers/sdk"
	"github.com/yunqiao/yunqiao/drivers/sdk/pace"
	"github.com/yunqiao/yunqiao/plugin-proto/contract"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
)

const (
	// callTimeout bounds one rpc; the gateway's own is as long.
	callTimeout = time.Minute
	// maxSteps bounds the steps of one request.
	maxSteps = 100
)

// invoke sends one rpc and looks at what every answer must be like.
func (s *suite) invoke(ctx context.Context, m *contract.Method, request proto.Message, call sdk.Call) (proto.Message, sdk.Trailer, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	answer := m.Output.New().Interface()
	var trailer metadata.MD
	err := s.target.Conn().Invoke(sdk.WithCall(ctx, call), m.Path, request, answer, grpc.Trailer(&trailer))
	s.note(m)
	if err != nil {
		s.checkError(m, err)
		return nil, sdk.TrailerFrom(trailer), err
	}
	if strings.Contains(protojson.Format(withoutRedacted(answer)), s.secret) {
		s.fail(RuleSecrets, m.FullName, "the answer has a secret of the request")
	}
	return answer, sdk.TrailerFrom(trailer), nil
}

// note remembers that a declared rpc was called.
func (s *suite) note(m *contract.Method) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tested[m.FullName] = true
}

// outcome is the end of a request.
type outcome struct {
	answer proto.Message
	step   string // the last next-step that the driver told, empty: it made none
}

// do sends a request to its end as the gateway does: it repeats what is in
// steps, and what the cloud asks to repeat.
func (s *suite) do(ctx context.Context, m *contract.Method, request proto.Message, call sdk.Call) (outcome, error) {
	var last outcome
	deadline := time.Now().Add(s.options.settle())
	for range maxSteps {
		answer, trailer, err := s.invoke(ctx, m, request, call)
		wait := max(trailer.PollAfter, s.options.poll())
		switch {
		case err != nil && passes(sdk.ReasonOf(err)) && time.Now().Before(deadline):
			wait = max(wait, sdk.RetryAfterOf(err))
			call.Attempt++
		case err != nil:
			return last, err
		case trailer.NextStep == "":
			last.answer = answer
			if last.step != "" {
				s.pass(RuleSteps, m.FullName)
			}
			return last, nil
		case time.Now().After(deadline):
			return last, s.endless(m, fmt.Errorf("not done after %s, at step %q", s.options.settle(), trailer.NextStep))
		default:
			last.answer, last.step, call.NextStep = answer, trailer.NextStep, trailer.NextStep
		}
		if err := pace.Pause(ctx, wait); err != nil {
			return last, err
		}
	}
	return last, s.endless(m, fmt.Errorf("not done after %d steps", maxSteps))
}

// errEndless is in the error of work whose steps do not end.
type errEndless struct{ error }

func (s *suite) endless(m *contract.Method, err error) error {
	s.fail(RuleSteps, m.FullName, "%v", err)
	return errEndless{err}
}

// passes tells whether an error is one after which the gateway repeats.
func passes(reason apiv1.Reason) bool {
	switch reason {
	case apiv1.Reason_REASON_THROTTLED, apiv1.Reason_REASON_RESOURCE_BUSY, apiv1.Reason_REASON_CLOUD_UNAVAILABLE:
		return true
	default:
		return false
	}
}

// notOurs tells whether an error says that this account may not, rather than
// that the driver cannot.
func notOurs(err error) bool {
	switch sdk.ReasonOf(err) {
	case apiv1.Reason_REASON_CLOUD_PERMISSION_DENIED, apiv1.Reason_REASON_QUOTA_EXCEEDED, apiv1.Reason_REASON_PAYMENT_REQUIRED:
		return true
	default:
		return false
	}
}

// worked records how a declared rpc did, and tells whether it worked.
func (s *suite) worked(m *contract.Method, err error) bool {
	switch {
	case err == nil:
		s.pass(RuleDeclared, m.FullName)
	case notOurs(err):
		s.untested(RuleDeclared, m.FullName, "the cloud refuses this account: %v", err)
	default:
		if _, endless := errors.AsType[errEndless](err); !endless {
			s.fail(RuleDeclared, m.FullName, "%v", err)
		}
	}
	return err == nil
}

// checkError holds the rules on errors.
func (s *suite) checkError(m *contract.Method, err error) {
	st := sdk.StatusOf(err)
	if strings.Contains(st.String(), s.secret) || strings.Contains(fmt.Sprint(st.Details()...), s.secret) {
		s.fail(RuleSecrets, m.FullName, "an error has a secret of the request")
	}
	switch st.Code() {
	case codes.Unimplemented, codes.Canceled, codes.DeadlineExceeded:
		if !sdk.IsOurs(err) {
			return
		}
	}
	reason, info := sdk.ReasonOf(err), sdk.InfoOf(err)
	rule := contract.ErrorRule(reason)
	switch {
	case !sdk.IsOurs(err):
		s.fail(RuleErrors, m.FullName, "an error without a reason: %v", err)
	case rule == nil:
		s.fail(RuleErrors, m.FullName, "a reason that the contract does not know: %v", err)
	case codes.Code(rule.GetGrpcCode()) != st.Code():
		s.fail(RuleErrors, m.FullName, "reason %s goes with code %s, not %s", sdk.ReasonName(reason), codes.Code(rule.GetGrpcCode()), st.Code())
	case info["provider_status"] != "" && info["provider_request_id"] == "":
		s.fail(RuleErrors, m.FullName, "reason %s: the cloud answered %s and its request id is not told", sdk.ReasonName(reason), info["provider_status"])
	default:
		s.pass(RuleErrors, m.FullName)
	}
}
