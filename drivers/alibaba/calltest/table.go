package calltest

import (
	"context"
	"maps"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	"github.com/yunqiao/yunqiao/drivers/alibaba/session"
	"github.com/yunqiao/yunqiao/drivers/sdk"
)

// Table shows for each field of a request where it goes: one call of an action, with
// all that leads to it answered.
type Table[Req proto.Message] struct {
	Register func(grpc.ServiceRegistrar, *session.Accounts)
	Answers  map[string]string
	Send     func(context.Context, grpc.ClientConnInterface, Req) error
	// Action is the call that carries the fields. It is made once in each row.
	Action string
	Base   Req
	Params map[string]string // of Base
	Rows   map[string]Row[Req]
}

// Row is what one field adds to the base.
type Row[Req proto.Message] struct {
	Set  Req
	Want map[string]string // an empty value takes a parameter away
	// Refused is the feature that the cloud lacks; then the action is not called.
	Refused string
	// Rejected is the field that the cloud does not take so.
	Rejected string
	// Call is another action that the field goes to, with its parameters in Want.
	Call string
}

// Run runs the rows, and fails for a field of the request without one.
func (table Table[Req]) Run(t *testing.T) {
	t.Helper()
	var covered []string
	for field, row := range table.Rows {
		covered = append(covered, field)
		t.Run(field, func(t *testing.T) {
			t.Parallel()
			table.run(t, row)
		})
	}
	CheckCovered(t, table.Base, covered...)
}

func (table Table[Req]) run(t *testing.T, row Row[Req]) {
	cloud := Open(t, table.Register, table.Answers)
	req := proto.CloneOf(table.Base)
	if proto.Message(row.Set).ProtoReflect().IsValid() {
		proto.Merge(req, row.Set)
	}
	err := table.Send(Context(t), cloud.Conn, req)
	action, want := table.Action, maps.Clone(table.Params)
	if row.Call != "" {
		action, want = row.Call, map[string]string{}
	}
	maps.Copy(want, row.Want)
	maps.DeleteFunc(want, func(_, value string) bool { return value == "" })
	var got []map[string]string
	for _, call := range cloud.Calls() {
		if call.Action == action {
			got = append(got, call.Params)
		}
	}
	info := sdk.InfoOf(err)
	switch {
	case row.Refused != "":
		if info["feature"] != row.Refused || len(got) > 0 {
			t.Errorf("got %v and %d calls, want feature %s refused", err, len(got), row.Refused)
		}
	case row.Rejected != "":
		if info["field"] != row.Rejected || len(got) > 0 {
			t.Errorf("got %v of %q and %d calls, want field %s rejected", err, info["field"], len(got), row.Rejected)
		}
	case err != nil:
		t.Errorf("got %v", err)
	default:
		if diff := cmp.Diff([]map[string]string{want}, got); diff != "" {
			t.Errorf("calls of %s (-want +got):\n%s", action, diff)
		}
	}
}
