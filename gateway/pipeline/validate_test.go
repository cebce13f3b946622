package pipeline_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/yunqiao/yunqiao/drivers/sdk"
	"github.com/yunqiao/yunqiao/gateway/pipeline"
	"github.com/yunqiao/yunqiao/internal/inproc"
	"github.com/yunqiao/yunqiao/plugin-proto/contract"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	computev1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/compute/v1"
	networkv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/network/v1"
	operationv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/operation/v1"
)

func goodVM() *computev1.CreateVmRequest {
	return &computev1.CreateVmRequest{
		AccountId: "acc", Name: "网页-1", ImageId: "acc.i", FlavorId: "acc.f", Nics: []*computev1.NicSpec{{SubnetId: "acc.s"}},
	}
}

func vm(change func(*computev1.CreateVmRequest)) *computev1.CreateVmRequest {
	request := goodVM()
	change(request)
	return request
}

func TestValidate(t *testing.T) {
	t.Parallel()
	c, err := contract.Linked()
	if err != nil {
		t.Fatal(err)
	}
	validate, err := pipeline.Validate(c)
	if err != nil {
		t.Fatal(err)
	}
	const create, update = "cloud.compute.v1.VmService/CreateVm", "cloud.compute.v1.VmService/UpdateVm"
	for name, tc := range map[string]struct {
		rpc     string
		request proto.Message
		options *apiv1.WriteOptions
		fields  []string // none: accepted
	}{
		"good":          {create, goodVM(), nil, nil},
		"empty":         {create, &computev1.CreateVmRequest{}, nil, []string{"account_id", "name"}},
		"name":          {create, vm(func(r *computev1.CreateVmRequest) { r.Name = "1" }), nil, []string{"name"}},
		"nested":        {create, vm(func(r *computev1.CreateVmRequest) { r.Nics = append(r.Nics, &computev1.NicSpec{}) }), nil, []string{"nics[1]"}},
		"map key":       {create, vm(func(r *computev1.CreateVmRequest) { r.Tags = map[string]string{"1 a": "v"} }), nil, []string{`tags["1 a"]`}},
		"number":        {create, vm(func(r *computev1.CreateVmRequest) { r.BootDisk = &computev1.BootDisk{SizeGib: 4096} }), nil, []string{"boot_disk.size_gib"}},
		"message":       {create, vm(func(r *computev1.CreateVmRequest) { r.Password, r.KeyPairId = "Abcd-1234", "acc.k" }), nil, []string{"body"}},
		"weak password": {create, vm(func(r *computev1.CreateVmRequest) { r.Password = "aaaaaaaa" }), nil, []string{"password"}},
		"several at once": {create, vm(func(r *computev1.CreateVmRequest) { r.Name = ""; r.Description = strings.Repeat("x", 201) }), nil,
			[]string{"name", "description"}},
		"key too long":         {create, goodVM(), &apiv1.WriteOptions{RequestId: strings.Repeat("k", 129)}, []string{"request_id"}},
		"key with space":       {create, goodVM(), &apiv1.WriteOptions{RequestId: "a b"}, []string{"request_id"}},
		"wait too long":        {create, goodVM(), &apiv1.WriteOptions{WaitSeconds: 301}, []string{"wait_seconds"}},
		"callback":             {create, goodVM(), &apiv1.WriteOptions{CallbackUrl: "https://x.cn:8443/cb?a=b"}, nil},
		"callback: scheme":     {create, goodVM(), &apiv1.WriteOptions{CallbackUrl: "ftp://x.cn/"}, []string{"callback_url"}},
		"callback: no host":    {create, goodVM(), &apiv1.WriteOptions{CallbackUrl: "https:///x"}, []string{"callback_url"}},
		"callback: user":       {create, goodVM(), &apiv1.WriteOptions{CallbackUrl: "https://u:p@x.cn/"}, []string{"callback_url"}},
		"callback: no address": {create, goodVM(), &apiv1.WriteOptions{CallbackUrl: "%zz"}, []string{"callback_url"}},
		"empty update":         {update, &computev1.UpdateVmRequest{Id: "acc.v"}, nil, []string{"body"}},
		"update to empty":      {update, &computev1.UpdateVmRequest{Id: "acc.v", Description: proto.String("")}, nil, nil},
		"update of protection": {update, &computev1.UpdateVmRequest{Id: "acc.v", DeletionProtected: proto.Bool(false)}, nil, nil},
		"subnet":               {"cloud.network.v1.SubnetService/CreateSubnet", &networkv1.CreateSubnetRequest{Name: "sub", NetworkId: "a.n", Cidr: "10.0.0.1/24"}, nil, []string{"cidr"}},
		"operation id":         {"cloud.operation.v1.OperationService/GetOperation", &operationv1.GetOperationRequest{Id: "x"}, nil, []string{"id"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if tc.options == nil {
				tc.options = &apiv1.WriteOptions{}
			}
			reached := false
			_, err := validate(func(context.Context, *pipeline.Call) (proto.Message, error) { reached = true; return nil, nil })(
				t.Context(), &pipeline.Call{Method: c.Method(tc.rpc), Request: tc.request, Options: tc.options})
			if reached != (tc.fields == nil) {
				t.Fatalf("reached %v: %v", reached, err)
			}
			got := map[string]bool{}
			for _, v := range sdk.ViolationsOf(err) {
				got[v.GetField()] = true
				if v.GetDescription() == "" || strings.Contains(v.GetDescription(), "aaaaaaaa") {
					t.Errorf("%s: description %q", v.GetField(), v.GetDescription())
				}
			}
			for _, field := range tc.fields {
				if !got[field] {
					t.Errorf("got %v, want %s", got, field)
				}
			}
			if tc.fields != nil && sdk.ReasonOf(err) != apiv1.Reason_REASON_VALIDATION_FAILED {
				t.Errorf("reason: got %v", err)
			}
		})
	}
}

func TestChainOrder(t *testing.T) {
	t.Parallel()
	var order []string
	step := func(name string) pipeline.Middleware {
		return func(next pipeline.Handler) pipeline.Handler {
			return func(ctx context.Context, call *pipeline.Call) (proto.Message, error) {
				order = append(order, name)
				return next(ctx, call)
			}
		}
	}
	end := func(context.Context, *pipeline.Call) (proto.Message, error) { return nil, errors.New("end") }
	if _, err := pipeline.Chain(end, step("a"), step("b"))(t.Context(), nil); err == nil || strings.Join(order, "") != "ab" {
		t.Errorf("got %v, %v", order, err)
	}
}

// module sees who calls it, and must not be able to change the caller's message.
type module struct {
	operationv1.UnimplementedOperationServiceServer
}

func (module) GetOperation(ctx context.Context, request *operationv1.GetOperationRequest) (*operationv1.GetOperationResponse, error) {
	call := pipeline.CallFrom(ctx)
	id := request.GetId() + call.Principal.UserID
	request.Id = "changed"
	return &operationv1.GetOperationResponse{Operation: &operationv1.Operation{Id: id}}, nil
}

func TestModules(t *testing.T) {
	t.Parallel()
	c, err := contract.Linked()
	if err != nil {
		t.Fatal(err)
	}
	conn := inproc.New()
	operationv1.RegisterOperationServiceServer(conn, module{})
	elsewhere := errors.New("elsewhere")
	handle := pipeline.Modules(conn)(func(context.Context, *pipeline.Call) (proto.Message, error) { return nil, elsewhere })
	request := &operationv1.GetOperationRequest{Id: "x"}
	call := &pipeline.Call{Method: c.Method("cloud.operation.v1.OperationService/GetOperation"), Request: request, Principal: pipeline.Principal{UserID: "u"}}
	answer, err := handle(t.Context(), call)
	if err != nil || answer.(*operationv1.GetOperationResponse).GetOperation().GetId() != "xu" || request.GetId() != "x" {
		t.Errorf("got %v, %v; request %v", answer, err, request)
	}
	call.Method = c.Method("cloud.operation.v1.OperationService/ListOperations")
	call.Request = &operationv1.ListOperationsRequest{}
	if _, err := handle(t.Context(), call); status.Code(err) != codes.Unimplemented {
		t.Errorf("unimplemented: got %v", err)
	}
	call.Method, call.Request = c.Method("cloud.compute.v1.VmService/GetVm"), &computev1.GetVmRequest{}
	if _, err := handle(t.Context(), call); !errors.Is(err, elsewhere) {
		t.Errorf("a driver's rpc: got %v", err)
	}
	if err := conn.Invoke(t.Context(), "/none/None", request, request); status.Code(err) != codes.Unimplemented {
		t.Errorf("unknown path: got %v", err)
	}
	if _, err := conn.NewStream(t.Context(), &grpc.StreamDesc{}, "/x"); err == nil {
		t.Error("modules have no streams")
	}
	if pipeline.CallFrom(t.Context()) != nil {
		t.Error("a call outside of a call")
	}
}
