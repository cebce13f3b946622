package drivertest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"

	"github.com/yunqiao/yunqiao/drivers/sdk"
	"github.com/yunqiao/yunqiao/plugin-proto/contract"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
)

// fault is a way for a cloud to fail, and what a driver may make of it. A driver
// may also repeat the request itself and succeed.
type fault struct {
	kind    string
	reasons []apiv1.Reason
}

func faults() []fault {
	const (
		unavailable, timeout = apiv1.Reason_REASON_CLOUD_UNAVAILABLE, apiv1.Reason_REASON_CLOUD_TIMEOUT
		failed               = apiv1.Reason_REASON_CLOUD_ERROR
	)
	return []fault{
		{"throttled", []apiv1.Reason{apiv1.Reason_REASON_THROTTLED}},
		{"unavailable", []apiv1.Reason{unavailable}},
		{"failed", []apiv1.Reason{failed, unavailable}},
		{"lost", []apiv1.Reason{timeout, unavailable, failed}},
	}
}

// checkFaults lets the cloud fail in each way during a create, where the cloud of
// this account can be told to.
func (s *suite) checkFaults(ctx context.Context) {
	if s.faultEndpoint == "" {
		return
	}
	for _, f := range s.forms() {
		create := s.creates[f.resource]
		if !f.paged || s.made[f.resource] == nil || !s.declared(create) {
			continue
		}
		for _, fault := range faults() {
			s.verdict(RuleFaults, create.FullName+" "+fault.kind, s.underFault(ctx, f, create, fault))
		}
		return
	}
	s.untested(RuleFaults, "", "nothing that is made cheaply is declared")
}

// underFault tells what is wrong with a create during which the cloud fails once.
func (s *suite) underFault(ctx context.Context, f form, create *contract.Method, fault fault) string {
	o, _, err := s.prepare(f, create, true)
	if err != nil {
		return err.Error()
	}
	before := s.idsOf(ctx, f.resource, o)
	if err := s.setFault(ctx, fault.kind); err != nil {
		return err.Error()
	}
	wrong := ""
	_, _, err = s.invoke(ctx, create, o.request, o.call)
	if err != nil && !slices.Contains(fault.reasons, sdk.ReasonOf(err)) {
		wrong = fmt.Sprintf("it answers %s", sdk.ReasonName(sdk.ReasonOf(err)))
	}
	if err := s.setFault(ctx, ""); err != nil {
		return err.Error()
	}
	if failed := s.lastRepeat(ctx, create, o, 2); failed != "" && wrong == "" {
		wrong = failed
	}
	made := s.newIDs(ctx, f.resource, o, before)
	if len(made) > 1 {
		wrong = "a create and its repeat made " + strings.Join(made, ", ")
	}
	s.finish(ctx, f, o.id, made)
	return wrong
}

// setFault tells the cloud how the next create fails; an empty kind ends all faults.
func (s *suite) setFault(ctx context.Context, kind string) error {
	type told struct {
		Kind  string `json:"kind"`
		Count int    `json:"count"`
	}
	list := []told{}
	if kind != "" {
		list = append(list, told{kind, 1})
	}
	body, err := json.Marshal(map[string]any{"faults": list})
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPut, s.faultEndpoint, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("fault endpoint: %w", err)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("fault endpoint: %w", err)
	}
	defer resp.Body.Close()
	if text, _ := io.ReadAll(io.LimitReader(resp.Body, 1<<10)); resp.StatusCode/100 != 2 {
		return fmt.Errorf("fault endpoint %s answers %s: %s", s.faultEndpoint, resp.Status, text)
	}
	return nil
}
