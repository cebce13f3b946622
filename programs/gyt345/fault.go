package gyt345

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// Code is an error code of GY/T 345—2021, table C.1, or CodeOK.
type Code string

// The codes that an answer can have.
const (
	CodeOK                 Code = "ok"
	CodeMissingParameter   Code = "MissingParameter"
	CodeInvalidParameter   Code = "InvalidParameter"
	CodeForbidden          Code = "Forbidden"
	CodeInternalError      Code = "InternalError"
	CodeServiceUnAvailable Code = "ServiceUnAvailable" // spelled as the table does
)

// Answer is what a receiver says.
type Answer struct {
	HTTP       int
	Code       Code
	Msg        string
	RetryAfter time.Duration // of 503
}

// OK is the answer to a message that has been applied.
func OK() Answer { return Answer{HTTP: http.StatusOK, Code: CodeOK, Msg: "success"} }

// Body is the answer as JSON.
func (a Answer) Body() []byte {
	return appendOrdered(nil, object(Member{"code", text(string(a.Code))}, Member{"msg", text(a.Msg)}))
}

// Fault is why a message was refused. Its text is for the log; the peer is told the
// answer alone.
type Fault struct {
	Code      Code
	HTTP      int    // where it is not the table's
	Parameter string // named to the peer for missing and invalid parameters
	Check     string // which check failed, for the log
	Retry     time.Duration
	Cause     error
}

func (f *Fault) Error() string {
	text := string(f.Code) + ": " + f.Check
	if f.Parameter != "" {
		text += " (" + f.Parameter + ")"
	}
	if f.Cause != nil {
		text += ": " + f.Cause.Error()
	}
	return text
}

// Unwrap gives the cause.
func (f *Fault) Unwrap() error { return f.Cause }

// Missing refuses an absent parameter or member.
func Missing(parameter string) *Fault {
	return &Fault{Code: CodeMissingParameter, Parameter: parameter, Check: "required"}
}

// Invalid refuses the value of a parameter or member.
func Invalid(parameter, check string) *Fault {
	return &Fault{Code: CodeInvalidParameter, Parameter: parameter, Check: check}
}

// Forbidden refuses the caller.
func Forbidden(check string, cause error) *Fault {
	return &Fault{Code: CodeForbidden, Check: check, Cause: cause}
}

// Internal says that the message could not be processed.
func Internal(check string, cause error) *Fault {
	return &Fault{Code: CodeInternalError, Check: check, Cause: cause}
}

// Unavailable asks to try again later.
func Unavailable(check string, retry time.Duration, cause error) *Fault {
	return &Fault{Code: CodeServiceUnAvailable, Check: check, Retry: retry, Cause: cause}
}

// FaultOf reads any error; one that is no Fault is Internal.
func FaultOf(err error) *Fault {
	if f, ok := errors.AsType[*Fault](err); ok {
		return f
	}
	return Internal("processing", err)
}

// Answer words the fault as annex C does. The parameter stands where the annex has a
// lone backslash.
func (f *Fault) Answer() Answer {
	a := Answer{Code: f.Code}
	switch f.Code {
	case CodeMissingParameter:
		a.HTTP, a.Msg = http.StatusBadRequest, "The input parameter "+quoted(f.Parameter)+" that is mandatory for processing this request is not supplied."
	case CodeInvalidParameter:
		a.HTTP, a.Msg = http.StatusBadRequest, "The specified parameter "+quoted(f.Parameter)+" is not valid."
	case CodeForbidden:
		a.HTTP, a.Msg = http.StatusForbidden, "GroupId or GroupSecret is not valid."
	case CodeServiceUnAvailable:
		a.HTTP, a.Msg = http.StatusServiceUnavailable, "The request has failed due to a temporary failure of the server."
		a.RetryAfter = cmp.Or(f.Retry, time.Second)
	default:
		a.HTTP, a.Code, a.Msg = http.StatusInternalServerError, CodeInternalError, "The request processing has failed due to some unknown error."
	}
	if f.HTTP != 0 {
		a.HTTP = f.HTTP
	}
	return a
}

func quoted(parameter string) string { return fmt.Sprintf("%q", strings.TrimSpace(parameter)) }

func object(members ...Member) Value { return Value{Kind: Object, Members: members} }
func text(s string) Value            { return Value{Kind: String, Text: s} }
func integer(n int64) Value          { return Value{Kind: Integer, Integer: n} }
