package sim

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/yunqiao/yunqiao/drivers/alibaba/definitions"
)

// failure is an answer that is an error.
type failure struct {
	code    string
	status  int
	message string
}

func (f *failure) Error() string { return f.code + ": " + f.message }

// gateway are errors that every action can answer, with their status; none of the
// definitions lists them.
var gateway = map[string]int{
	"MissingParameter":              http.StatusBadRequest,
	"InvalidParameter":              http.StatusBadRequest,
	"UnsupportedParameter":          http.StatusBadRequest,
	"InvalidAccessKeyId.NotFound":   http.StatusNotFound,
	"InvalidAccessKeyId.Inactive":   http.StatusBadRequest,
	"SignatureDoesNotMatch":         http.StatusBadRequest,
	"IncompleteSignature":           http.StatusBadRequest,
	"InvalidTimeStamp.Expired":      http.StatusBadRequest,
	"InvalidTimeStamp.Format":       http.StatusBadRequest,
	"SignatureNonceUsed":            http.StatusBadRequest,
	"InvalidVersion":                http.StatusBadRequest,
	"InvalidAction.NotFound":        http.StatusNotFound,
	"InvalidSecurityToken.Expired":  http.StatusBadRequest,
	"InvalidSecurityToken.NotFound": http.StatusBadRequest,
	"InvalidProtocol.NeedSsl":       http.StatusBadRequest,
	"Throttling":                    http.StatusBadRequest,
	"Throttling.User":               http.StatusBadRequest,
	"Throttling.Api":                http.StatusBadRequest,
	"Forbidden.RAM":                 http.StatusForbidden,
	"NoPermission":                  http.StatusForbidden,
	"InternalError":                 http.StatusInternalServerError,
	"ServiceUnavailable":            http.StatusServiceUnavailable,
}

// statusOf finds the HTTP status of a code: the action's own, the gateway's, or by
// its words; published tells whether it was one of the first two.
func statusOf(a *definitions.Action, code string) (status int, published bool) {
	if a != nil {
		if s, ok := a.Errors[code]; ok && s >= http.StatusBadRequest {
			return s, true
		}
	}
	if s, ok := gateway[code]; ok {
		return s, true
	}
	switch {
	case strings.Contains(code, "NotFound"), strings.HasPrefix(code, "EntityNotExist"):
		return http.StatusNotFound, false
	case strings.HasPrefix(code, "Forbidden"), strings.HasPrefix(code, "NoPermission"):
		return http.StatusForbidden, false
	case strings.HasPrefix(code, "EntityAlreadyExists"), strings.HasPrefix(code, "DeleteConflict"):
		return http.StatusConflict, false
	}
	return http.StatusBadRequest, false
}

// oneOf picks the first code that the action publishes, else the last.
func oneOf(a *definitions.Action, codes ...string) string {
	for _, code := range codes {
		if _, ok := a.Errors[code]; ok {
			return code
		}
	}
	return codes[len(codes)-1]
}

// fail makes an error answer of the call.
func (c *call) fail(code, format string, args ...any) error {
	status, published := statusOf(c.action, code)
	if !published {
		c.sim.note("unpublished_code", c.name()+" "+code)
	}
	return &failure{code, status, fmt.Sprintf(format, args...)}
}

// failOne is fail with the first of the codes that the action publishes.
func (c *call) failOne(codes []string, format string, args ...any) error {
	return c.fail(oneOf(c.action, codes...), format, args...)
}

// refused turns what the definitions say against a request into an error answer.
func (c *call) refused(p definitions.Problem) error {
	name, _, _ := strings.Cut(p.Parameter, ".")
	if c.action.Parameter(p.Parameter) != nil {
		name = p.Parameter
	}
	short := strings.ReplaceAll(name, ".", "")
	switch p.Fault {
	case definitions.Missing:
		return c.failOne([]string{"MissingParameter." + name, "MissingParam." + name, "Missing" + short, "MissingParameter"},
			"The input parameter %q that is mandatory for processing this request is not supplied.", p.Parameter)
	case definitions.Unknown:
		return c.fail("UnsupportedParameter", "The parameter %q is not supported.", p.Parameter)
	case definitions.OutOfEnum:
		return c.failOne([]string{"Invalid" + short + ".ValueNotSupported", "Invalid" + short + ".NotSupported", "InvalidParameter." + name, "Invalid" + short, "InvalidParameter"},
			"The specified parameter %q is not valid: %s.", p.Parameter, p.Detail)
	}
	return c.failOne([]string{"Invalid" + short + ".Malformed", "InvalidParameter." + name, "Invalid" + short, "InvalidParameter"},
		"The specified parameter %q is not valid: %s.", p.Parameter, p.Detail)
}
