package cloudtenant

import (
	"context"
	"log/slog"

	"github.com/yunqiao/yunqiao/drivers/sdk"
	"github.com/yunqiao/yunqiao/gateway/account"
	"github.com/yunqiao/yunqiao/gateway/pipeline"
	"github.com/yunqiao/yunqiao/internal/fault"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
)

// work makes a tenant's steps until nothing is to be done, or until one fails. begin, if
// not nil, may first put the tenant before a step, or refuse. The answer is the tenant as
// it is then, or nil if it is no more.
//
// Who finds the tenant in somebody else's hands gets RESOURCE_BUSY if there is something
// to begin, else the tenant as it is.
func (s *Service) work(ctx context.Context, id string, begin func(ctx context.Context, r *row) error) (*row, error) {
	held, release, ok, err := s.leases.Take(ctx, id)
	if err != nil {
		return nil, err
	}
	if !ok && begin != nil {
		return nil, sdk.NewError(apiv1.Reason_REASON_RESOURCE_BUSY, sdk.Violation("id", "the cloud tenant is being worked on"))
	}
	if !ok {
		return s.store.get(ctx, id)
	}
	defer release()
	r, err := s.store.get(held, id)
	if err != nil {
		return nil, err
	}
	if begin != nil {
		if err := begin(held, r); err != nil {
			return r, err
		}
		if err := s.store.save(held, r); err != nil {
			return r, err
		}
	}
	return s.steps(held, r)
}

// steps makes steps. The first error that somebody must know of is returned; what undoes
// it comes after.
func (s *Service) steps(ctx context.Context, r *row) (*row, error) {
	var first error
	for r.Step != nothing {
		at := r.Step
		err := s.make(ctx, r)
		if ctx.Err() != nil {
			return r, ctx.Err() // the lease is another's now
		}
		waits := false
		if err != nil {
			s.log.LogAttrs(ctx, slog.LevelInfo, "step of a cloud tenant failed", slog.String("cloud_tenant", r.ID), slog.String("step", string(at)),
				slog.String("reason", sdk.ReasonName(sdk.ReasonOf(err))), slog.String("error", err.Error()))
			var told error
			if waits, told = s.failed(ctx, r, err); first == nil {
				first = told
			}
		} else if at == forgetAccount && r.Cause == 0 {
			return nil, first
		}
		if err := s.store.save(ctx, r); err != nil {
			return r, err
		}
		if waits {
			break
		}
	}
	return r, first
}

// failed says how a tenant goes on after its step failed: waits tells that the step is
// made again later. The error is what the caller is told; nil where waiting is enough.
func (s *Service) failed(ctx context.Context, r *row, err error) (waits bool, told error) {
	reason := sdk.ReasonOf(err)
	told = fault.InAccount(err, r.AdminAccountID)
	r.Reason = int32(reason)
	switch r.Step {
	case makeProject, makeCredentials, giveOrganization:
		if passing(err) && s.now().Before(r.CreatedAt.Add(s.opts.Patience)) {
			return true, nil
		}
		r.Cause, r.State, r.Step = int32(reason), int32(deleting), closeAccount
		return false, told
	case closeAccount, removeProject, forgetAccount:
		if r.Cause != 0 || r.Step == forgetAccount {
			return true, told
		}
		if passing(err) {
			return true, nil
		}
		return true, s.keep(ctx, r, fault.InAccount(err, r.ID))
	case disable:
		if passing(err) {
			r.State = int32(disabled)
			return true, nil
		}
		return true, s.keep(ctx, r, told)
	case enable:
		return true, s.keep(ctx, r, told)
	case rotate:
		r.Step = retire // of what may have been made
		return true, told
	default: // retire: the account has its new credentials
		return true, nil
	}
}

// keep puts a tenant back into the state that a refused change found it in.
func (s *Service) keep(ctx context.Context, r *row, refusal error) error {
	r.State = r.Before
	r.next(nothing)
	if r.state() == active {
		if err := s.accounts.SetEnabled(ctx, r.ID, true); err != nil {
			return err
		}
	}
	return refusal
}

// passing tells whether a step failed for a reason that may pass by itself.
func passing(err error) bool {
	switch sdk.ReasonOf(err) {
	case apiv1.Reason_REASON_RESOURCE_BUSY, apiv1.Reason_REASON_UNAVAILABLE, apiv1.Reason_REASON_DRIVER_FAULT, apiv1.Reason_REASON_INTERNAL:
		return true
	default:
		return account.Passing(err)
	}
}

// ask calls the driver in the administrative account.
func (s *Service) ask(ctx context.Context, r *row, method string, request, answer any) error {
	a, err := s.accounts.Registry().Get(r.AdminAccountID)
	if err != nil {
		return err
	}
	if a.Conn == nil {
		return sdk.NewError(apiv1.Reason_REASON_DRIVER_UNAVAILABLE, sdk.Violation("admin_account_id", "the account could not be opened"))
	}
	ctx, cancel := context.WithTimeout(ctx, s.opts.CallTimeout)
	defer cancel()
	call := sdk.Call{RequestID: r.Mark, AccountID: a.ID, Attempt: 1}
	if served := pipeline.CallFrom(ctx); served != nil {
		call.RequestID = served.RequestID
	}
	err = a.Conn.Invoke(sdk.WithCall(ctx, call), method, request, answer)
	if sdk.ReasonOf(err) == apiv1.Reason_REASON_ACCOUNT_NOT_FOUND {
		return sdk.NewError(apiv1.Reason_REASON_DRIVER_UNAVAILABLE, sdk.Cause(err)) // not opened again yet
	}
	return err
}
