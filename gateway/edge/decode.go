package edge

import (
	"net/url"
	"strings"
	"unicode/utf8"

	"github.com/gin-gonic/gin"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/yunqiao/yunqiao/drivers/sdk"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
)

const idempotencyHeader = "Idempotency-Key"

// decode reads path, query and body into the request message and the options.
// Every problem is reported at once, each with its field.
func decode(c *gin.Context, endpoint *endpoint, body []byte) (proto.Message, *apiv1.WriteOptions, error) {
	request := endpoint.method.Input.New()
	options := &apiv1.WriteOptions{}
	problems := &problems{}
	if endpoint.method.IsWrite() {
		decodeBody(body, request, options, problems)
	}
	query, err := url.ParseQuery(c.Request.URL.RawQuery)
	if err != nil {
		problems.add("query", "is not a valid query string")
	}
	decodeQuery(query, endpoint, request, options.ProtoReflect(), problems)
	decodePath(c, endpoint, request, problems)
	if key := c.GetHeader(idempotencyHeader); key != "" && endpoint.method.IsWrite() {
		if options.RequestId != "" && options.RequestId != key {
			problems.add("request_id", "differs from the header "+idempotencyHeader)
		}
		options.RequestId = key
	}
	if err := problems.err(); err != nil {
		return nil, nil, err
	}
	return request.Interface(), options, nil
}

// decodePath puts the variables of the path into the message. The same field may
// stand in body or query too, if it says the same.
func decodePath(c *gin.Context, endpoint *endpoint, request protoreflect.Message, problems *problems) {
	for i, field := range endpoint.variables {
		value := c.Params[i].Value
		if !utf8.ValidString(value) {
			problems.add(string(field.Name()), "is not valid UTF-8")
			continue
		}
		if request.Has(field) && request.Get(field).String() != value {
			problems.add(string(field.Name()), "differs from the path")
			continue
		}
		request.Set(field, protoreflect.ValueOfString(value))
	}
}

// maxProblems bounds the violations in one answer: a body may hold any number.
const maxProblems = 50

// maxFieldName bounds what is repeated of a name that the client made up.
const maxFieldName = 200

// problems collects violations of one request.
type problems struct {
	violations []sdk.ErrorOption
}

func (p *problems) add(field, description string) {
	if len(p.violations) == maxProblems {
		return
	}
	if len(field) > maxFieldName {
		field = field[:maxFieldName] + "…"
	}
	p.violations = append(p.violations, sdk.Violation(strings.ToValidUTF8(field, "\uFFFD"), description))
}

func (p *problems) err() error {
	if len(p.violations) == 0 {
		return nil
	}
	return sdk.NewError(apiv1.Reason_REASON_MALFORMED_REQUEST, p.violations...)
}

func join(path, name string) string { return strings.TrimPrefix(path+"."+name, ".") }
