package edge

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"github.com/gin-gonic/gin"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/yunqiao/yunqiao/drivers/sdk"
	"github.com/yunqiao/yunqiao/gateway/pipeline"
	"github.com/yunqiao/yunqiao/internal/fault"
)

// JSON is the one dialect of all answers: members named as in the contract, zero
// values shown, absent messages left out.
var JSON = protojson.MarshalOptions{UseProtoNames: true, EmitDefaultValues: true}

const contentType = "application/json; charset=utf-8"

// answer writes {"code":0,"message":…,"data":…,"request_id":…}.
func (e *edge) answer(c *gin.Context, language pipeline.Language, endpoint *endpoint, message proto.Message) {
	status, text := http.StatusOK, "成功"
	if language == pipeline.English {
		text = "OK"
	}
	if endpoint.accepted(message.ProtoReflect()) {
		status = http.StatusAccepted
	}
	body := make([]byte, 0, 1024)
	body = append(body, `{"code":0,"message":"`...)
	body = append(body, text...)
	body = append(body, `","data":`...)
	body, err := JSON.MarshalAppend(body, message)
	if err != nil {
		e.fail(c, language, err)
		return
	}
	c.Data(status, contentType, closeEnvelope(body, requestID(c)))
}

// fail writes the error envelope, or what a section has in its place, and logs what the
// client is not told.
func (e *edge) fail(c *gin.Context, language pipeline.Language, err error) {
	f := fault.Decode(err)
	e.logFault(c, f, err)
	if s := e.section(c.Request.URL.Path); s != nil {
		s.Refuse(c.Writer, fault.HTTPStatus(f.Reason), time.Duration(f.RetrySeconds)*time.Second)
		c.Abort()
		return
	}
	client := f.Client(language == pipeline.English)
	body := append([]byte(nil), `{"code":`...)
	body = strconv.AppendInt(body, int64(client.GetCode()), 10)
	body = append(body, `,"message":`...)
	body = appendString(body, client.GetMessage())
	body = append(body, `,"data":`...)
	client.Code, client.Message = 0, ""
	if body, err = (protojson.MarshalOptions{UseProtoNames: true}).MarshalAppend(body, client); err != nil {
		c.Status(http.StatusInternalServerError)
		return
	}
	if f.RetrySeconds > 0 {
		c.Header("Retry-After", strconv.Itoa(int(f.RetrySeconds)))
	}
	c.Data(fault.HTTPStatus(f.Reason), contentType, closeEnvelope(body, requestID(c)))
	c.Abort()
}

func closeEnvelope(body []byte, requestID string) []byte {
	body = append(body, `,"request_id":`...)
	return append(appendString(body, requestID), '}')
}

func appendString(body []byte, s string) []byte {
	quoted, _ := json.Marshal(s) // a string always marshals
	return append(body, quoted...)
}

func (e *edge) logFault(c *gin.Context, f fault.Fault, err error) {
	level := slog.LevelDebug
	if fault.HTTPStatus(f.Reason) >= 500 {
		level = slog.LevelWarn
	}
	e.log.LogAttrs(c.Request.Context(), level, "request failed",
		slog.String("request_id", requestID(c)), slog.String("reason", sdk.ReasonName(f.Reason)),
		slog.String("error", err.Error()), slog.String("provider_text", f.ProviderText))
}
