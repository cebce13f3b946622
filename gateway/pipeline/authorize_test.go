package pipeline_test

import (
	"context"
	"slices"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/yunqiao/yunqiao/drivers/sdk"
	"github.com/yunqiao/yunqiao/gateway/pipeline"
	"github.com/yunqiao/yunqiao/plugin-proto/contract"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	databasev1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/database/v1"
)

// permissions are what everybody has.
type permissions []string

func (p permissions) Permit(_ pipeline.Principal, permission string) error {
	if slices.Contains(p, permission) {
		return nil
	}
	return sdk.NewError(apiv1.Reason_REASON_PERMISSION_DENIED)
}

func TestAuthorizeGuardedFields(t *testing.T) {
	t.Parallel()
	c, err := contract.Linked()
	if err != nil {
		t.Fatal(err)
	}
	method := c.Method("cloud.database.v1.InstanceService/GetInstance")
	for name, tc := range map[string]struct {
		has      permissions
		password bool
		denied   bool
	}{
		"plain":                 {permissions{"database.instance.get"}, false, false},
		"guarded, not given":    {permissions{"database.instance.get"}, true, true},
		"guarded and given":     {permissions{"database.instance.get", "database.instance.password"}, true, false},
		"the field's alone":     {permissions{"database.instance.password"}, true, true},
		"nothing given, either": {nil, false, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			handle := pipeline.Authorize(tc.has)(func(context.Context, *pipeline.Call) (proto.Message, error) { return nil, nil })
			_, err := handle(t.Context(), &pipeline.Call{Method: method, Request: &databasev1.GetInstanceRequest{Id: "a.b", IncludePassword: tc.password}})
			if denied := sdk.ReasonOf(err) == apiv1.Reason_REASON_PERMISSION_DENIED; denied != tc.denied {
				t.Errorf("got %v", err)
			}
		})
	}
}
