package zonal

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"

	"github.com/yunqiao/yunqiao/drivers/alibaba/api"
	"github.com/yunqiao/yunqiao/drivers/alibaba/session"
	"github.com/yunqiao/yunqiao/drivers/sdk"
)

// stepJob says that a change was begun and waits for its job; the id of the job
// follows, and what was made.
const stepJob = "job"

// begun is what a change answers.
type begun struct {
	JobID         string
	ListenerID    string
	ServerGroupID string
}

// change calls an action that begins a job, and lets the request go on until the job
// has ended. made is what the step shall know of the resource, for an undo.
func (p *Product) change(ctx context.Context, s *session.Session, action string, params api.Params, step string) (begun, error) {
	var out begun
	if err := s.Call(ctx, p.API, action, params.Once(ctx, step), &out); err != nil {
		return out, err
	}
	var made []string
	if id := out.ListenerID + out.ServerGroupID; id != "" {
		made = append(made, p.publicID(id))
	}
	p.await(ctx, out.JobID, made...)
	return out, nil
}

// await makes the job the next step of the request; without a job there is none. How
// soon it is looked at is left to the caller, who waits longer each time.
func (p *Product) await(ctx context.Context, jobID string, made ...string) {
	if jobID != "" {
		sdk.SetNextStep(ctx, sdk.JoinStep(stepJob, append([]string{jobID}, made...)...), 0)
	}
}

// takeBack removes what a request has made, for an undo: absent is success.
func (p *Product) takeBack(ctx context.Context, s *session.Session, action, name, resourceType string) func(made string) error {
	return func(made string) error {
		err := s.Call(ctx, p.API, action, api.Params{}.Set(name, p.own(made)).Once(ctx, "undo"), nil)
		if err == nil || gone(err, wordListener, wordGroup) {
			return nil
		}
		return p.refusal(err, resourceType, "")
	}
}

// progress is how far a request has come.
type progress int

const (
	fresh progress = iota // nothing was begun
	going                 // its job goes on, and is the next step
	done                  // its job has ended
)

// resume looks at the job that a request goes on with, if it does; made is the id of
// what the request has made. Errors: that of a job that failed. remove takes that back;
// where it is nil an undo waits for the end, as a change that was begun cannot be
// stopped.
func (p *Product) resume(ctx context.Context, s *session.Session, resourceType string, remove func(made string) error) (at progress, made string, err error) {
	call := sdk.CallFrom(ctx)
	values, ok := call.Step(stepJob)
	if !ok || len(values) == 0 {
		return fresh, "", nil
	}
	if len(values) > 1 {
		made = values[1]
	}
	ended, err := p.ended(ctx, s, values[0])
	switch {
	case err != nil:
		return done, made, p.refusal(err, resourceType, "")
	case !ended:
		p.await(ctx, values[0], values[1:]...)
		return going, made, nil
	case call.Undo && remove != nil && made != "":
		return done, made, remove(made)
	}
	return done, made, nil
}

// ended asks for a job. One that the cloud has forgotten has ended: the state of what
// it changed tells how. Errors: that of a job that failed.
func (p *Product) ended(ctx context.Context, s *session.Session, jobID string) (bool, error) {
	status, fault, err := p.job(ctx, s, jobID)
	switch {
	case api.IsNotFound(err):
		return true, nil
	case err != nil:
		return false, err
	case strings.EqualFold(status, "Processing"):
		return false, nil
	case strings.EqualFold(status, "Failed"):
		return true, &fault
	}
	return true, nil
}

// job reads a job: its status, and why it failed, which only ALB tells.
func (p *Product) job(ctx context.Context, s *session.Session, jobID string) (status string, fault api.Fault, err error) {
	fault = api.Fault{Product: p.API, Action: "job " + jobID, Status: http.StatusBadRequest, Code: "OperationFailed"}
	if p.isNLB() {
		var answer struct{ Status string }
		err = s.Call(ctx, p.API, "GetJobStatus", api.Params{}.Set("JobId", jobID), &answer)
		return answer.Status, fault, err
	}
	var answer struct {
		Jobs []struct{ ID, Status, ErrorCode, ErrorMessage string }
	}
	if err = s.Call(ctx, p.API, "ListAsynJobs", api.Params{}.List("JobIds", jobID), &answer); err != nil {
		return "", fault, err
	}
	for _, job := range answer.Jobs {
		if job.ID == jobID {
			if job.ErrorCode != "" {
				fault.Code, fault.Message = job.ErrorCode, job.ErrorMessage
			}
			return job.Status, fault, nil
		}
	}
	return "", fault, nil
}

// errNoID is the fault of a creation whose answer names nothing.
func errNoID(resourceType, action string) error {
	return sdk.NewError(apiv1.Reason_REASON_CLOUD_ERROR, sdk.Resource(resourceType, ""), sdk.Cause(fmt.Errorf("%s answered no id", action)))
}
