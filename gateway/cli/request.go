package cli

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/url"
	"time"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/yunqiao/yunqiao/plugin-proto/contract"
)

// request is one call as it goes over the wire, by the annex-A route.
type request struct {
	verb, path string
	query      url.Values
	body       []byte
}

// encode puts the arguments where the route wants them: reads have a query,
// writes a JSON body.
func (a *arguments) encode(m *contract.Method) (*request, error) {
	r := &request{verb: m.Routes[0].Method, path: m.Routes[0].Pattern}
	if !m.IsWrite() {
		var err error
		r.query, err = toQuery(a.request)
		return r, err
	}
	members := map[string]json.RawMessage{}
	for _, part := range []protoreflect.Message{a.request, a.options} {
		text, err := protojson.MarshalOptions{UseProtoNames: true}.Marshal(part.Interface())
		if err != nil {
			return nil, err
		}
		if err := json.Unmarshal(text, &members); err != nil {
			return nil, err
		}
	}
	var err error
	r.body, err = json.Marshal(members)
	return r, err
}

// encodeJSON takes the request as the user wrote it. What is wrong with a body
// the gateway tells.
func encodeJSON(m *contract.Method, text []byte) (*request, error) {
	r := &request{verb: m.Routes[0].Method, path: m.Routes[0].Pattern}
	if m.IsWrite() {
		r.body = text
		return r, nil
	}
	message := m.Input.New()
	if err := protojson.Unmarshal(text, message.Interface()); err != nil {
		return nil, fmt.Errorf("--json: %w", err)
	}
	var err error
	r.query, err = toQuery(message)
	return r, err
}

func toQuery(m protoreflect.Message) (query url.Values, err error) {
	query = url.Values{}
	m.Range(func(field protoreflect.FieldDescriptor, value protoreflect.Value) bool {
		name := string(field.Name())
		switch {
		case isTime(field):
			at, _ := value.Message().Interface().(*timestamppb.Timestamp) // the messages of the contract are generated ones
			query.Set(name, at.AsTime().Format(time.RFC3339Nano))
		case field.IsMap() || field.Message() != nil:
			err = fmt.Errorf("%s cannot be given in the query of a read", name)
		case field.IsList():
			for i := range value.List().Len() {
				query.Add(name, contract.ListItem(queryText(field, value.List().Get(i))))
			}
		default:
			query.Set(name, queryText(field, value))
		}
		return err == nil
	})
	return query, err
}

func queryText(field protoreflect.FieldDescriptor, value protoreflect.Value) string {
	switch field.Kind() {
	case protoreflect.EnumKind:
		return string(field.Enum().Values().ByNumber(value.Enum()).Name())
	case protoreflect.BytesKind:
		return base64.StdEncoding.EncodeToString(value.Bytes())
	default:
		return value.String()
	}
}
