package audit

import (
	"context"
	"slices"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/yunqiao/yunqiao/gateway/pipeline"
	"github.com/yunqiao/yunqiao/plugin-proto/contract"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
)

// searchedPages is how many pages of a list are looked through for what a call is
// about to change, where no rpc reads one thing.
const searchedPages = 10

// Before keeps for the record what a call to a module is about to change, as it
// is: as the module's own get tells, or else its list, in the name of the caller. Put it
// directly before the modules. A module that knows better sets Call.Before itself.
func Before(c *contract.Contract, conn grpc.ClientConnInterface) pipeline.Middleware {
	sources := map[string]*source{}
	for _, m := range c.Methods {
		if s := sourceOf(c, m); s != nil {
			sources[m.FullName] = s
		}
	}
	return func(next pipeline.Handler) pipeline.Handler {
		return func(ctx context.Context, call *pipeline.Call) (proto.Message, error) {
			if s := sources[call.Method.FullName]; s != nil {
				// What cannot be read has no before: the call itself says why.
				call.Before = s.read(pipeline.WithCall(ctx, call), conn, call.Request)
			}
			return next(ctx, call)
		}
	}
}

// source is where the state before a call is read.
type source struct {
	method  *contract.Method // a get or a list
	idField protoreflect.Name
}

// sourceOf finds the source for a call that changes a module's own thing; nil if
// there is none.
func sourceOf(c *contract.Contract, m *contract.Method) *source {
	changing := []apiv1.Kind{apiv1.Kind_KIND_UPDATE, apiv1.Kind_KIND_DELETE, apiv1.Kind_KIND_ACTION}
	if !m.Module || m.Public || m.IDField == "" || !slices.Contains(changing, m.Kind) {
		return nil
	}
	s := &source{idField: protoreflect.Name(m.IDField)}
	if s.method = c.Getter(m.ResourceType); s.method != nil {
		return s
	}
	for _, other := range c.Methods { // one that reads the only thing of its kind
		if other.Kind == apiv1.Kind_KIND_QUERY && other.Name == "get" && other.ResourceType == m.ResourceType {
			s.method = other
			return s
		}
	}
	if s.method = c.Lister(m.ResourceType); s.method != nil {
		return s
	}
	return nil
}

func (s *source) read(ctx context.Context, conn grpc.ClientConnInterface, of proto.Message) proto.Message {
	id := text(of, s.idField)
	request := s.method.Input.New()
	if s.method.Kind != apiv1.Kind_KIND_LIST {
		setText(request, s.idField, s.method.IDField, id)
		answer := s.method.Output.New()
		if conn.Invoke(ctx, s.method.Path, request.Interface(), answer.Interface()) != nil {
			return nil
		}
		return first(answer)
	}
	for range searchedPages {
		answer := s.method.Output.New()
		if conn.Invoke(ctx, s.method.Path, request.Interface(), answer.Interface()) != nil {
			return nil
		}
		if found := s.search(answer, id); found != nil {
			return found
		}
		token := text(answer.Interface(), "next_page_token")
		if token == "" {
			return nil
		}
		request.Set(request.Descriptor().Fields().ByName("page_token"), protoreflect.ValueOfString(token))
	}
	return nil
}

// setText sets the first of two fields that the message has.
func setText(m protoreflect.Message, name protoreflect.Name, otherwise, value string) {
	fields := m.Descriptor().Fields()
	field := fields.ByName(name)
	if field == nil {
		field = fields.ByName(protoreflect.Name(otherwise))
	}
	if field != nil && field.Kind() == protoreflect.StringKind && !field.IsList() {
		m.Set(field, protoreflect.ValueOfString(value))
	}
}

// first is the thing that an answer of a get holds.
func first(answer protoreflect.Message) proto.Message {
	fields := answer.Descriptor().Fields()
	for i := range fields.Len() {
		if field := fields.Get(i); field.Message() != nil && !field.IsList() && !field.IsMap() && answer.Has(field) {
			return answer.Get(field).Message().Interface()
		}
	}
	return nil
}

// search finds the thing with an id among those of a page.
func (s *source) search(page protoreflect.Message, id string) proto.Message {
	fields := page.Descriptor().Fields()
	for i := range fields.Len() {
		field := fields.Get(i)
		if field.Message() == nil || !field.IsList() {
			continue
		}
		name := s.idField
		if field.Message().Fields().ByName(name) == nil {
			name = "id"
		}
		list := page.Get(field).List()
		for n := range list.Len() {
			if item := list.Get(n).Message().Interface(); text(item, name) == id {
				return item
			}
		}
	}
	return nil
}
