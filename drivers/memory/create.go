package main

import (
	"context"

	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/yunqiao/yunqiao/drivers/memory/memcloud"
	"github.com/yunqiao/yunqiao/drivers/sdk"
	"github.com/yunqiao/yunqiao/plugin-proto/contract"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	computev1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/compute/v1"
)

// markerTag is the tag by which a repeat finds what an earlier attempt made, on
// a cloud without client tokens. Users never see it.
const markerTag = "yunqiao-request"

// createForm is what the driver must know of a create to repeat it safely
// without a token. Where the cloud has tags for the resource, lister is set;
// else what was made is found by the key that the cloud itself enforces.
type createForm struct {
	tags    protoreflect.FieldDescriptor // of the request
	lister  *contract.Method
	getter  *contract.Method
	deleter string // full method
	output  protoreflect.MessageType
}

func newCreateForms() (map[string]*createForm, error) {
	c, err := contract.Linked()
	if err != nil {
		return nil, err
	}
	deleters := map[string]string{}
	for _, m := range c.Methods {
		if m.Kind == apiv1.Kind_KIND_DELETE && !m.Module {
			deleters[m.ResourceType] = m.Path
		}
	}
	forms := map[string]*createForm{}
	for _, m := range c.Methods {
		if m.Kind != apiv1.Kind_KIND_CREATE || m.Module {
			continue
		}
		f := &createForm{getter: c.Getter(m.ResourceType), deleter: deleters[m.ResourceType], output: m.Output}
		tags := m.Input.Descriptor().Fields().ByName("tags")
		lister := c.Lister(m.ResourceType)
		if tags != nil && lister != nil && lister.Input.Descriptor().Fields().ByName("tag") != nil {
			f.tags, f.lister = tags, lister
		}
		forms[m.Path] = f
	}
	return forms, nil
}

// create sends a create so that a repeat makes nothing twice.
func (d *driver) create(ctx context.Context, a *account, f *createForm, fullMethod string, request proto.Message) (proto.Message, error) {
	call := sdk.CallFrom(ctx)
	if call.RequestID == "" || call.NextStep != "" { // steps are known by their names
		return a.send(ctx, "", fullMethod, request)
	}
	token := sdk.Token(call.RequestID, "")
	if a.known.Load().ClientTokens {
		return a.send(ctx, token, fullMethod, request)
	}
	if f.lister == nil {
		return f.createByKey(ctx, a, call, fullMethod, request)
	}
	if call.Attempt > 1 {
		made, err := f.find(ctx, a, token)
		if err != nil {
			return nil, err
		}
		if made != nil {
			return f.resume(ctx, a, fullMethod, request, made)
		}
	}
	request.ProtoReflect().Mutable(f.tags).Map().Set(
		protoreflect.ValueOfString(markerTag).MapKey(), protoreflect.ValueOfString(token))
	return a.send(ctx, "", fullMethod, request)
}

// find looks for what earlier attempts made. Of twins, made when an attempt was
// still running as the next one began, the oldest stays; lists are in order of
// creation.
func (f *createForm) find(ctx context.Context, a *account, token string) (protoreflect.Message, error) {
	query := f.lister.Input.New()
	query.Set(query.Descriptor().Fields().ByName("tag"), protoreflect.ValueOfString(markerTag+"="+token))
	items, err := f.firstItems(ctx, a, query)
	if err != nil || items == nil {
		return nil, err
	}
	for i := 1; i < items.Len(); i++ {
		if err := f.remove(ctx, a, idOf(items.Get(i).Message())); err != nil {
			return nil, err
		}
	}
	return items.Get(0).Message(), nil
}

// firstItems reads the first page that has anything on it; nil: none has.
func (f *createForm) firstItems(ctx context.Context, a *account, query protoreflect.Message) (protoreflect.List, error) {
	for {
		answer, err := a.send(ctx, "", f.lister.Path, query.Interface())
		if err != nil {
			return nil, err
		}
		page := answer.ProtoReflect()
		items, next := page.Get(itemsField(answer)).List(), page.Get(page.Descriptor().Fields().ByName("next_page_token"))
		if items.Len() > 0 {
			return items, nil
		}
		if next.String() == "" {
			return nil, nil
		}
		query.Set(query.Descriptor().Fields().ByName("page_token"), next)
	}
}

// resume answers for what an earlier attempt has made. A VM may be made step by step:
// the cloud tells what comes next.
func (f *createForm) resume(ctx context.Context, a *account, fullMethod string, request proto.Message, made protoreflect.Message) (proto.Message, error) {
	if fullMethod != computev1.VmService_CreateVm_FullMethodName {
		return f.answer(made), nil
	}
	return a.send(atStep(ctx, memcloud.ResumeVM(idOf(made))), "", fullMethod, request)
}

// atStep makes the call being served look as if the gateway had named a next step.
func atStep(ctx context.Context, step string) context.Context {
	md, _ := metadata.FromIncomingContext(ctx) // a copy
	md.Set("next-step", step)
	return metadata.NewIncomingContext(ctx, md)
}

func (f *createForm) remove(ctx context.Context, a *account, id string) error {
	service, method := splitMethod(f.deleter)
	input, _ := messageTypes(service, method)
	request := input.New()
	request.Set(request.Descriptor().Fields().ByName("id"), protoreflect.ValueOfString(id))
	_, err := a.send(ctx, "", f.deleter, request.Interface())
	return err
}

// createByKey repeats a create of a resource without tags: where the cloud says
// that it exists, and it is what was asked for, it is ours.
func (f *createForm) createByKey(ctx context.Context, a *account, call sdk.Call, fullMethod string, request proto.Message) (proto.Message, error) {
	answer, err := a.send(ctx, "", fullMethod, request)
	if call.Attempt == 1 || sdk.ReasonOf(err) != apiv1.Reason_REASON_ALREADY_EXISTS || f.getter == nil {
		return answer, err
	}
	query := f.getter.Input.New()
	query.Set(query.Descriptor().Fields().ByName("id"), protoreflect.ValueOfString(sdk.InfoOf(err)["native_id"]))
	found, getErr := a.send(ctx, "", f.getter.Path, query.Interface())
	if getErr != nil {
		return nil, err
	}
	resource := found.ProtoReflect().Get(resourceField(found)).Message()
	if !asAsked(request, resource) {
		return nil, err
	}
	return f.answer(resource), nil
}

// asAsked tells whether a resource has everything that the request says of it.
func asAsked(request proto.Message, resource protoreflect.Message) bool {
	same := true
	request.ProtoReflect().Range(func(fd protoreflect.FieldDescriptor, value protoreflect.Value) bool {
		has := resource.Descriptor().Fields().ByName(fd.Name())
		if has == nil || has.Kind() != fd.Kind() || fd.Message() != nil || fd.IsList() {
			return true
		}
		same = resource.Get(has).Equal(value)
		return same
	})
	return same
}

// answer is the create's answer for a resource that is there already.
func (f *createForm) answer(resource protoreflect.Message) proto.Message {
	answer := f.output.New()
	for _, name := range []protoreflect.Name{"id", "state"} {
		to, from := answer.Descriptor().Fields().ByName(name), resource.Descriptor().Fields().ByName(name)
		if to != nil && from != nil {
			answer.Set(to, resource.Get(from))
		}
	}
	return answer.Interface()
}

func idOf(m protoreflect.Message) string {
	return m.Get(m.Descriptor().Fields().ByName("id")).String()
}

func (a *account) send(ctx context.Context, token, fullMethod string, request proto.Message) (proto.Message, error) {
	answer, own, err := a.cloud.call(ctx, memcloud.Caller{Project: a.project, ClientToken: token, Password: a.password}, fullMethod, request)
	if err != nil {
		return nil, err
	}
	hideMarker(answer, own)
	return answer, nil
}
