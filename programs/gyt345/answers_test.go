package gyt345_test

import (
	"bytes"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/yunqiao/yunqiao/programs/gyt345"
	"github.com/yunqiao/yunqiao/programs/kit"
)

// TestNotesOfAnswers holds the words and statuses of table C.1, and what counts as
// success.
func TestNotesOfAnswers(t *testing.T) {
	for name, tc := range map[string]struct {
		fault *gyt345.Fault
		http  int
		body  string
	}{
		"missing":     {gyt345.Missing("title"), 400, `{"code":"MissingParameter","msg":"The input parameter \"title\" that is mandatory for processing this request is not supplied."}`},
		"invalid":     {gyt345.Invalid("seq", "x"), 400, `{"code":"InvalidParameter","msg":"The specified parameter \"seq\" is not valid."}`},
		"forbidden":   {gyt345.Forbidden("sign", nil), 403, `{"code":"Forbidden","msg":"GroupId or GroupSecret is not valid."}`},
		"internal":    {gyt345.FaultOf(errors.New("disk")), 500, `{"code":"InternalError","msg":"The request processing has failed due to some unknown error."}`},
		"unavailable": {gyt345.Unavailable("rate", 0, nil), 503, `{"code":"ServiceUnAvailable","msg":"The request has failed due to a temporary failure of the server."}`},
	} {
		w := httptest.NewRecorder()
		gyt345.WriteAnswer(w, tc.fault.Answer())
		if w.Code != tc.http || w.Body.String() != tc.body || (w.Header().Get("Retry-After") != "") != (tc.http == 503) {
			t.Errorf("%s: got %d %s, want %d %s", name, w.Code, w.Body, tc.http, tc.body)
		}
	}
	w := httptest.NewRecorder()
	gyt345.WriteAnswer(w, gyt345.OK())
	if w.Code != 200 || w.Body.String() != `{"code":"ok","msg":"success"}` || w.Header().Get("Content-Type") != "application/json; charset=utf-8" {
		t.Errorf("success: got %d %s %v", w.Code, w.Body, w.Header())
	}
	for _, tc := range []struct {
		reply gyt345.Reply
		want  bool
	}{
		{gyt345.Reply{HTTP: 200, Code: "OK"}, true}, {gyt345.Reply{HTTP: 200, Code: "0"}, true}, {gyt345.Reply{HTTP: 200, Code: "Success"}, true},
		{gyt345.Reply{HTTP: 200, Code: "InternalError"}, false}, {gyt345.Reply{HTTP: 200}, false}, {gyt345.Reply{HTTP: 500, Code: "ok"}, false},
	} {
		if got := tc.reply.OK(); got != tc.want {
			t.Errorf("reply %d %q: got %v, want %v", tc.reply.HTTP, tc.reply.Code, got, tc.want)
		}
	}
	memory, err := kit.NewMemory(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	handler := gyt345.NewReceiver(slog.New(slog.DiscardHandler), memory, memory, time.Now).Handler(gyt345.InterfaceSeries, "/p")
	for name, tc := range map[string]struct {
		method, contentType string
		body                []byte
		http                int
		code                string
	}{
		"another method":     {http.MethodGet, "application/json", nil, 405, "InvalidParameter"},
		"another type":       {http.MethodPost, "text/plain", nil, 400, "InvalidParameter"},
		"another charset":    {http.MethodPost, "application/json; charset=gbk", nil, 400, "InvalidParameter"},
		"UTF-8 by its name":  {http.MethodPost, "application/json;charset=UTF-8", nil, 400, "MissingParameter"},
		"more than 1 MiB":    {http.MethodPost, "application/json", bytes.Repeat([]byte("x"), 1<<20+1), 400, "InvalidParameter"},
		"nothing but a body": {http.MethodPost, "application/json", []byte("{}"), 400, "MissingParameter"},
	} {
		request := httptest.NewRequestWithContext(t.Context(), tc.method, "/p", bytes.NewReader(tc.body))
		request.Header.Set("Content-Type", tc.contentType)
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, request)
		if w.Code != tc.http || !bytes.Contains(w.Body.Bytes(), []byte(`"`+tc.code+`"`)) {
			t.Errorf("%s: got %d %s, want %d %s", name, w.Code, w.Body, tc.http, tc.code)
		}
	}
}
