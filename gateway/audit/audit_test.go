package audit_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/yunqiao/yunqiao/drivers/sdk"
	"github.com/yunqiao/yunqiao/gateway/audit"
	"github.com/yunqiao/yunqiao/gateway/pipeline"
	"github.com/yunqiao/yunqiao/internal/db"
	"github.com/yunqiao/yunqiao/plugin-proto/contract"
	_ "github.com/yunqiao/yunqiao/plugin-proto/gen" // links every contract file
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	computev1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/compute/v1"
	tenantv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/tenant/v1"
)

// seeing is an Access of somebody who sees some organizations; none: all.
type seeing []string

func (s seeing) Tenants(pipeline.Principal) []string { return s }

func newRecorder(t *testing.T) (*audit.Recorder, *contract.Contract) {
	t.Helper()
	return newRecorderWith(t, audit.Options{})
}

func newRecorderWith(t *testing.T, opts audit.Options) (*audit.Recorder, *contract.Contract) {
	t.Helper()
	store, err := db.Open(t.Context(), db.Config{DSN: filepath.Join(t.TempDir(), "a.db")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	if err := store.Migrate(t.Context(), audit.Migrations()); err != nil {
		t.Fatal(err)
	}
	c, err := contract.Linked()
	if err != nil {
		t.Fatal(err)
	}
	recorder := audit.New(slog.New(slog.DiscardHandler), store, opts)
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = recorder.Run(ctx)
	}()
	t.Cleanup(func() {
		stop()
		<-done
	})
	return recorder, c
}

func TestRecord(t *testing.T) {
	recorder, c := newRecorder(t)
	call := func(rpc, tenant string, request proto.Message) *pipeline.Call {
		return &pipeline.Call{
			Method: c.Method(rpc), Request: request, RequestID: rpc, ClientIP: "10.0.0.1",
			Principal: pipeline.Principal{UserID: strings.Repeat("a", 32), UserName: "li", TenantID: tenant, Credential: "token"},
		}
	}
	const create, get = "cloud.compute.v1.VmService/CreateVm", "cloud.compute.v1.VmService/GetVm"
	denied := sdk.NewError(apiv1.Reason_REASON_PERMISSION_DENIED)
	recorder.Record(t.Context(), call(create, "one", &computev1.CreateVmRequest{AccountId: "acc", Name: "web", Password: "s3cr3t-canary"}),
		&computev1.CreateVmResponse{Id: "acc.vm-1", OperationId: "op"}, nil, time.Millisecond)
	recorder.Record(t.Context(), call(get, "one", &computev1.GetVmRequest{Id: "acc.vm-1"}), &computev1.GetVmResponse{}, nil, 0)
	recorder.Record(t.Context(), call(get, "two", &computev1.GetVmRequest{Id: "acc.vm-1"}), nil, denied, 0)

	for name, tc := range map[string]struct {
		access  seeing
		request *tenantv1.ListAuditsRequest
		want    int
	}{
		"all: the read that succeeded is not kept": {nil, &tenantv1.ListAuditsRequest{}, 2},
		"one organization":                         {seeing{"one"}, &tenantv1.ListAuditsRequest{}, 1},
		"refused only":                             {nil, &tenantv1.ListAuditsRequest{Failed: true}, 1},
		"by resource":                              {seeing{"two"}, &tenantv1.ListAuditsRequest{ResourceId: "acc.vm-1"}, 1},
		"before anything":                          {nil, &tenantv1.ListAuditsRequest{Until: "2000-01-01T00:00:00Z"}, 0},
	} {
		ctx := pipeline.WithCall(t.Context(), &pipeline.Call{})
		answer, err := audit.NewServer(recorder, tc.access).ListAudits(ctx, tc.request)
		if err != nil || len(answer.GetAudits()) != tc.want {
			t.Errorf("%s: got %d entries, %v, want %d", name, len(answer.GetAudits()), err, tc.want)
		}
		if strings.Contains(fmt.Sprint(answer), "s3cr3t-canary") {
			t.Errorf("%s: shows a secret", name)
		}
	}

	exported := httptest.NewRecorder()
	audit.NewServer(recorder, seeing(nil)).Export().ServeHTTP(exported, httptest.NewRequest(http.MethodGet, "/x", nil))
	if lines := strings.Count(exported.Body.String(), "\n"); exported.Code != http.StatusOK || lines != 2 {
		t.Errorf("export: got status %d and %d lines, want 2:\n%s", exported.Code, lines, exported.Body)
	}
	bad := httptest.NewRecorder()
	audit.NewServer(recorder, seeing(nil)).Export().ServeHTTP(bad, httptest.NewRequest(http.MethodGet, "/x?since=yesterday", nil))
	if bad.Code != http.StatusBadRequest {
		t.Errorf("export since yesterday: got status %d, want 400", bad.Code)
	}
}

// TestRetention drops what is older than the retention, and nothing else.
func TestRetention(t *testing.T) {
	now := time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)
	recorder, c := newRecorderWith(t, audit.Options{Retention: 24 * time.Hour, Now: func() time.Time { return now }})
	for _, id := range []string{"old", "older than it seems", "new"} {
		recorder.Record(t.Context(), &pipeline.Call{Method: c.Method("cloud.compute.v1.VmService/StopVm"), RequestID: id}, &computev1.StopVmResponse{}, nil, 0)
		now = now.Add(13 * time.Hour)
	}
	if err := audit.Expire(recorder, t.Context()); err != nil {
		t.Fatal(err)
	}
	answer, err := audit.NewServer(recorder, seeing(nil)).ListAudits(t.Context(), &tenantv1.ListAuditsRequest{})
	if err != nil || len(answer.GetAudits()) != 1 || answer.GetAudits()[0].GetRequestId() != "new" {
		t.Errorf("kept: %v, %v", answer, err)
	}
}

// TestSources: of every change of a module's own thing it is known where to read
// what it was.
func TestSources(t *testing.T) {
	t.Parallel()
	c, err := contract.Linked()
	if err != nil {
		t.Fatal(err)
	}
	elsewhere := map[string]string{
		"cloud.tenant.v1.PermissionGroupGrantService/DeletePermissionGroupGrant": "identity keeps what the user may do",
	}
	for _, m := range c.Methods {
		changing := m.Kind == apiv1.Kind_KIND_UPDATE || m.Kind == apiv1.Kind_KIND_DELETE
		if m.Module && changing && !audit.HasSource(c, m) && elsewhere[m.FullName] == "" {
			t.Errorf("%s: no get or list of %s tells what it was before", m.FullName, m.ResourceType)
		}
	}
}
