package operation_test

import (
	"encoding/base64"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/yunqiao/yunqiao/gateway/identity/signature"
	"github.com/yunqiao/yunqiao/gateway/operation"
	"github.com/yunqiao/yunqiao/gateway/pipeline"
	operationv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/operation/v1"
)

// TestCallbackIsSigned checks a result with the key that the receiver's
// organization reads, and with another organization's.
func TestCallbackIsSigned(t *testing.T) {
	t.Parallel()
	type post struct {
		signed *signature.Signed
		err    error
	}
	posts := make(chan post, 1)
	receiver := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, request *http.Request) {
		body, err := io.ReadAll(request.Body)
		if err != nil {
			posts <- post{err: err}
			return
		}
		signed, err := signature.Read(request, body)
		posts <- post{signed, err}
	}))
	t.Cleanup(receiver.Close)
	r := newRig(t, func(r *rig) { r.opts.Callbacks = receiver.Client() })
	s := r.createVm("a", "")
	s.Callback = receiver.URL + "/done?from=gateway"
	r.ends(r.mustSubmit(s).GetOperationId(), succeeded)
	got := <-posts
	if got.err != nil {
		t.Fatal(got.err)
	}
	server := operation.NewServer(r.engine, everybody{}, nobodyRecorded{})
	for tenant, right := range map[string]bool{"tenant": true, "another": false} {
		ctx := pipeline.WithCall(t.Context(), &pipeline.Call{Principal: pipeline.Principal{TenantID: tenant}})
		key, err := server.GetCallbackKey(ctx, &operationv1.GetCallbackKeyRequest{})
		if err != nil {
			t.Fatal(err)
		}
		secret, err := base64.StdEncoding.DecodeString(key.GetSecret())
		if err != nil {
			t.Fatal(err)
		}
		verifier, err := signature.NewHMACVerifier(signature.Algorithm(key.GetAlgorithm()), secret)
		if err != nil {
			t.Fatal(err)
		}
		if err := got.signed.Verify(verifier, time.Now()); (err == nil) != right {
			t.Errorf("key of %s: got %v", tenant, err)
		}
		if got.signed.KeyID != key.GetKeyId() {
			t.Errorf("keyid: got %q, want %q", got.signed.KeyID, key.GetKeyId())
		}
	}
}
