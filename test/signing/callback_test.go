package signing

import (
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/yunqiao/yunqiao/gateway/identity/signature"
)

// TestCallback receives a result and checks it with the key that the receiver has
// read.
func TestCallback(t *testing.T) {
	t.Parallel()
	gateway := newGateway(t)
	shown := gateway.Get(t, "operation/operation/get-callback-key", nil)
	secret, err := base64.StdEncoding.DecodeString(shown.Text("secret"))
	if err != nil {
		t.Fatal(err)
	}
	verifier, err := signature.NewHMACVerifier(signature.Algorithm(shown.Text("algorithm")), secret)
	if err != nil {
		t.Fatal(err)
	}
	type result struct {
		operation string
		err       error
	}
	results := make(chan result, 1)
	receiver := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var got result
		defer func() { results <- got }()
		body, err := io.ReadAll(r.Body)
		if got.err = err; err != nil {
			return
		}
		signed, err := signature.Read(r, body)
		if got.err = err; err != nil {
			return
		}
		if got.err = signed.Verify(verifier, time.Now()); got.err != nil {
			return
		}
		var envelope struct {
			Data struct{ Operation struct{ ID string } } `json:"data"`
		}
		got.err = json.Unmarshal(body, &envelope)
		got.operation = envelope.Data.Operation.ID
	}))
	t.Cleanup(receiver.Close)
	made := gateway.Post(t, "network/network/create", object{
		"account_id": "memory", "name": "called-back", "callback_url": receiver.URL + "/results?from=gateway",
	})
	select {
	case got := <-results:
		if got.err != nil || got.operation != made.Text("operation_id") {
			t.Errorf("got %+v, want operation %s", got, made.Text("operation_id"))
		}
	case <-time.After(30 * time.Second):
		t.Error("no callback")
	}
}
