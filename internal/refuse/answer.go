package refuse

import (
	"encoding/json"
	"net/http"
	"strings"

	"google.golang.org/protobuf/encoding/protojson"

	"github.com/yunqiao/yunqiao/internal/fault"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
)

// Answer writes an error as the rpcs of the gateway's HTTP face do, for routes that
// are no rpc. It must come before the first byte of another answer.
func Answer(w http.ResponseWriter, r *http.Request, err error) {
	f := fault.Decode(err)
	client := f.Client(strings.HasPrefix(strings.ToLower(r.Header.Get("Accept-Language")), "en"))
	data, err := (protojson.MarshalOptions{UseProtoNames: true}).Marshal(&apiv1.Error{
		Reason: client.GetReason(), Violations: client.GetViolations(), Retryable: client.GetRetryable(),
	})
	if err != nil { // texts that are no UTF-8
		data = []byte("{}")
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(fault.HTTPStatus(f.Reason))
	_ = json.NewEncoder(w).Encode(map[string]any{ // a client that has gone is no error of ours
		"code": client.GetCode(), "message": client.GetMessage(), "data": json.RawMessage(data), "request_id": w.Header().Get("X-Request-Id"),
	})
}
