package api_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/yunqiao/yunqiao/drivers/alibaba/api"
	"github.com/yunqiao/yunqiao/drivers/sdk"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
)

const secret = "canary-0f3b9c"

func clientFor(t *testing.T, credentials api.Credentials, h http.HandlerFunc) *api.Client {
	t.Helper()
	return api.NewClient(
		api.Endpoints{Region: "cn-hangzhou", Scheme: "http"}, credentials,
		roundTrip(func(req *http.Request) (*http.Response, error) {
			if err := req.Context().Err(); err != nil {
				return nil, err
			}
			w := httptest.NewRecorder()
			h(w, req)
			return w.Result(), nil
		}))
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

func static() api.Credentials {
	return api.Static(api.Credential{AccessKeyID: "LTAIcanary0000", AccessKeySecret: secret})
}

func refuse(w http.ResponseWriter, status int, body string) {
	w.WriteHeader(status)
	fmt.Fprint(w, body)
}

func TestCallSendsAndReads(t *testing.T) {
	t.Parallel()
	c := clientFor(t, static(), func(w http.ResponseWriter, r *http.Request) {
		if err := r.ParseForm(); err != nil {
			t.Error(err)
		}
		query := r.URL.Query()
		for name, want := range map[string]string{"Action": "DescribeVpcs", "Version": "2016-04-28", "RegionId": "cn-hangzhou", "Format": "JSON"} {
			if got := query.Get(name); got != want {
				t.Errorf("%s is %q, want %q", name, got, want)
			}
		}
		if r.Host != "vpc.cn-hangzhou.aliyuncs.com" {
			t.Errorf("host is %s", r.Host)
		}
		want := map[string][]string{"VpcName": {"a b+c*d 中文"}, "Tag.1.Key": {"k"}, "Tag.1.Value": {"v"}, "PageSize": {"5"}}
		if diff := cmp.Diff(want, map[string][]string(r.PostForm)); diff != "" {
			t.Errorf("form (-want +got):\n%s", diff)
		}
		fmt.Fprint(w, `{"RequestId":"1","TotalCount":"3"}`)
	})
	var out struct{ TotalCount api.Number }
	params := api.Params{}.Set("VpcName", "a b+c*d 中文").Tags("Tag", map[string]string{"k": "v"}).Int("PageSize", 5).Set("VpcId", "")
	if err := c.Call(t.Context(), api.VPC, "DescribeVpcs", params, &out); err != nil || out.TotalCount != 3 {
		t.Errorf("got %d, %v", out.TotalCount, err)
	}
}

func TestFaults(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		product api.Product
		status  int
		body    string
		code    string
		reason  apiv1.Reason
	}{
		"refusal":           {api.ECS, 404, `{"Code":"InvalidInstanceId.NotFound","Message":"m","RequestId":"r"}`, "InvalidInstanceId.NotFound", apiv1.Reason_REASON_NOT_FOUND},
		"code is a number":  {api.Billing, 400, `{"Code":400,"Message":5}`, "400", apiv1.Reason_REASON_PARAMETER_REJECTED},
		"200, no success":   {api.Billing, 200, `{"Code":"NotAuthorized","Success":false,"Message":"m"}`, "NotAuthorized", apiv1.Reason_REASON_CLOUD_PERMISSION_DENIED},
		"200, a bad code":   {api.CloudMonitor, 200, `{"Code":"500","Message":"m"}`, "500", apiv1.Reason_REASON_CLOUD_ERROR},
		"not JSON":          {api.ECS, 502, `<html>`, "", apiv1.Reason_REASON_CLOUD_UNAVAILABLE},
		"of another":        {api.ECS, 400, `{"Code":"InvalidVSwitchId.NotFound"}`, "InvalidVSwitchId.NotFound", apiv1.Reason_REASON_REFERENCE_NOT_FOUND},
		"out of stock":      {api.ECS, 403, `{"Code":"OperationDenied.NoStock"}`, "OperationDenied.NoStock", apiv1.Reason_REASON_OUT_OF_STOCK},
		"arrears":           {api.ECS, 400, `{"Code":"Account.Arrearage"}`, "Account.Arrearage", apiv1.Reason_REASON_PAYMENT_REQUIRED},
		"dependency":        {api.VPC, 400, `{"Code":"DependencyViolation.VSwitch"}`, "DependencyViolation.VSwitch", apiv1.Reason_REASON_IN_USE},
		"wrong signature":   {api.ECS, 400, `{"Code":"SignatureDoesNotMatch","Message":"server string to sign is:POST&` + secret + `"}`, "SignatureDoesNotMatch", apiv1.Reason_REASON_ACCOUNT_UNAUTHENTICATED},
		"quota":             {api.ECS, 403, `{"Code":"QuotaExceed.ElasticQuota"}`, "QuotaExceed.ElasticQuota", apiv1.Reason_REASON_QUOTA_EXCEEDED},
		"deletion protect":  {api.ECS, 403, `{"Code":"InvalidOperation.DeletionProtection"}`, "InvalidOperation.DeletionProtection", apiv1.Reason_REASON_DELETION_PROTECTED},
		"no such key":       {api.ECS, 404, `{"Code":"InvalidAccessKeyId.NotFound"}`, "InvalidAccessKeyId.NotFound", apiv1.Reason_REASON_ACCOUNT_UNAUTHENTICATED},
		"idempotency":       {api.ECS, 400, `{"Code":"IdempotentParameterMismatch"}`, "IdempotentParameterMismatch", apiv1.Reason_REASON_IDEMPOTENCY_CONFLICT},
		"permission":        {api.ECS, 403, `{"Code":"Forbidden.RAM"}`, "Forbidden.RAM", apiv1.Reason_REASON_CLOUD_PERMISSION_DENIED},
		"being initialized": {api.ECS, 403, `{"Code":"IncorrectInstanceStatus.Initializing"}`, "IncorrectInstanceStatus.Initializing", apiv1.Reason_REASON_RESOURCE_BUSY},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := clientFor(t, static(), func(w http.ResponseWriter, _ *http.Request) { refuse(w, tc.status, tc.body) })
			err := c.Call(t.Context(), tc.product, "StartInstance", api.Params{}, nil)
			if tc.code != "" && !api.HasCode(err, tc.code) {
				t.Errorf("got %v, want code %s", err, tc.code)
			}
			unified := api.Error(err, "compute.vm", "i-1")
			if got := sdk.ReasonOf(unified); got != tc.reason {
				t.Errorf("reason is %v, want %v", got, tc.reason)
			}
			if text := unified.Error() + sdk.FaultText(unified); strings.Contains(text, secret) {
				t.Errorf("the secret is in %q", text)
			}
		})
	}
}

func TestThrottledCallsAreRepeated(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var calls atomic.Int32
		nonces := map[string]bool{}
		c := clientFor(t, static(), func(w http.ResponseWriter, r *http.Request) {
			nonces[r.URL.Query().Get("SignatureNonce")] = true
			if calls.Add(1) < 4 {
				refuse(w, 400, `{"Code":"Throttling.User"}`)
				return
			}
			fmt.Fprint(w, `{}`)
		})
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := c.Call(ctx, api.ECS, "RunInstances", api.Params{}, nil); err != nil {
			t.Fatal(err)
		}
		want := map[string]api.Count{"Ecs.RunInstances": {Calls: 4, Throttled: 3, Repeats: 3}}
		if diff := cmp.Diff(want, c.Counts()); diff != "" {
			t.Errorf("counts (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(want, c.TakeThrottled()); diff != "" || len(c.TakeThrottled()) > 0 {
			t.Errorf("throttled (-want +got):\n%s", diff)
		}
		if len(nonces) != 4 {
			t.Errorf("%d nonces in 4 requests", len(nonces))
		}
	})
}

func TestThrottlingEndsWithTheDeadline(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := clientFor(t, static(), func(w http.ResponseWriter, _ *http.Request) { refuse(w, 400, `{"Code":"Throttling"}`) })
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		err := c.Call(ctx, api.ECS, "RunInstances", api.Params{}, nil)
		if got := sdk.ReasonOf(api.Error(err, "compute.vm", "")); got != apiv1.Reason_REASON_THROTTLED {
			t.Errorf("got %v", err)
		}
		if ctx.Err() != nil {
			t.Error("waited past the deadline")
		}
	})
}

// TestFailedWritesAreNotRepeated repeats what a token or a read makes harmless only.
func TestFailedWritesAreNotRepeated(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		action string
		params api.Params
		calls  int
	}{
		"write":            {"StopInstance", api.Params{}, 1},
		"write with token": {"RunInstances", api.Params{"ClientToken": "x"}, 3},
		"read":             {"DescribeInstances", api.Params{}, 3},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				c := clientFor(t, static(), func(w http.ResponseWriter, _ *http.Request) {
					refuse(w, 503, `{"Code":"ServiceUnavailable"}`)
				})
				err := c.Call(t.Context(), api.ECS, tc.action, tc.params, nil)
				if got := sdk.ReasonOf(api.Error(err, "compute.vm", "i-1")); got != apiv1.Reason_REASON_CLOUD_UNAVAILABLE {
					t.Errorf("got %v", err)
				}
				if got := c.Counts()["Ecs."+tc.action].Calls; got != tc.calls {
					t.Errorf("%d calls, want %d", got, tc.calls)
				}
			})
		})
	}
}

func TestNoAnswerHoldsNoSignature(t *testing.T) {
	t.Parallel()
	c := api.NewClient(api.Endpoints{Region: "cn-hangzhou", Scheme: "http"}, static(),
		roundTrip(func(*http.Request) (*http.Response, error) { return nil, context.DeadlineExceeded }))
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	err := c.Call(ctx, api.ECS, "StopInstance", api.Params{}, nil)
	unified := api.Error(err, "compute.vm", "i-1")
	for _, text := range []string{err.Error(), unified.Error(), sdk.FaultText(unified)} {
		if strings.Contains(text, "Signature") || strings.Contains(text, "LTAI") {
			t.Errorf("the address is in %q", text)
		}
	}
	if got := sdk.ReasonOf(unified); got != apiv1.Reason_REASON_CLOUD_TIMEOUT {
		t.Errorf("reason is %v", got)
	}
}

func TestRoleIsRenewed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var assumed atomic.Int32
		sts := clientFor(t, static(), func(w http.ResponseWriter, _ *http.Request) {
			n := assumed.Add(1)
			fmt.Fprintf(w, `{"Credentials":{"AccessKeyId":"STS.%d","AccessKeySecret":"s","SecurityToken":"t%d","Expiration":%q}}`,
				n, n, time.Now().Add(time.Hour).UTC().Format(time.RFC3339))
		})
		role := api.AssumeRole(sts, api.Role{ARN: "acs:ram::1:role/r", SessionName: "s"}, time.Now)
		var refused atomic.Bool
		c := clientFor(t, role, func(w http.ResponseWriter, r *http.Request) {
			if refused.CompareAndSwap(true, false) {
				refuse(w, 400, `{"Code":"InvalidSecurityToken.Expired"}`)
				return
			}
			fmt.Fprint(w, `{}`)
		})
		call := func() {
			t.Helper()
			if err := c.Call(t.Context(), api.ECS, "DescribeInstances", api.Params{}, nil); err != nil {
				t.Error(err)
			}
		}
		var wg sync.WaitGroup
		for range 20 {
			wg.Go(call)
		}
		wg.Wait()
		if got := assumed.Load(); got != 1 {
			t.Errorf("20 calls took the role on %d times", got)
		}
		time.Sleep(56 * time.Minute)
		call()
		if got := assumed.Load(); got != 2 {
			t.Errorf("near its end it was taken on %d times, want 2", got)
		}
		refused.Store(true)
		call()
		if got := assumed.Load(); got != 3 {
			t.Errorf("after a refusal it was taken on %d times, want 3", got)
		}
	})
}
