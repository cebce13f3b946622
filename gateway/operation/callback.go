package operation

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"time"

	"google.golang.org/protobuf/encoding/protojson"

	"github.com/yunqiao/yunqiao/gateway/identity/signature"
)

const (
	// callbackKeyID is the keyid in the signatures of all callbacks.
	callbackKeyID = "callback"
	// callbackAlgorithm is one that every receiver's standard library has.
	callbackAlgorithm = signature.HMACSHA256
)

// callbackSecret is what the results of an organization's operations are signed
// with. It is derived, so that every replica has it and none keeps it.
func (e *Engine) callbackSecret(tenantID string) []byte {
	return e.box.Derive("callbacks of " + tenantID)
}

// maxCallbackTries is how often a result is posted before it is given up, over
// about an hour.
const maxCallbackTries = 8

// callbackEvery is the time between two looks for results to post.
const callbackEvery = time.Second

// deliver posts results until the context ends. It is apart from the leases: a
// receiver may be slow.
func (e *Engine) deliver(ctx context.Context) {
	ticker := time.NewTicker(callbackEvery)
	defer ticker.Stop()
	for {
		e.logFailure(ctx, "callbacks", e.postDue(ctx))
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// postDue posts the results of ended operations to their callback addresses. A
// receiver may see a result twice; the operation's id tells.
func (e *Engine) postDue(ctx context.Context) error {
	var due []row
	err := e.store.Read.WithContext(ctx).Where("callback_due_at <= ?", e.now()).Limit(100).Find(&due).Error
	if err != nil {
		return err
	}
	for _, r := range due {
		var next *time.Time
		if err := e.post(ctx, r); err != nil {
			e.logFailure(ctx, "callback of operation "+r.ID, err)
			if r.CallbackTries+1 < maxCallbackTries {
				at := e.now().Add(time.Second << (2 * r.CallbackTries))
				next = &at
			}
		}
		err := e.store.Write.WithContext(ctx).Model(&row{}).Where("id = ?", r.ID).
			Updates(map[string]any{"callback_due_at": next, "callback_tries": r.CallbackTries + 1}).Error
		if err != nil {
			return err
		}
	}
	return nil
}

func (e *Engine) post(ctx context.Context, r row) error {
	body, err := protojson.MarshalOptions{UseProtoNames: true, EmitDefaultValues: true}.Marshal(ToProtoOperation(r, false))
	if err != nil {
		return err
	}
	envelope := fmt.Appendf(nil, `{"code":0,"message":"成功","data":{"operation":%s},"request_id":%q}`, body, r.RequestID)
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, r.CallbackURL, bytes.NewReader(envelope))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json; charset=utf-8")
	signer, err := signature.NewHMACSigner(callbackKeyID, callbackAlgorithm, e.callbackSecret(r.TenantID))
	if err != nil {
		return err
	}
	if err := signature.Sign(request, signer); err != nil {
		return err
	}
	response, err := e.opts.Callbacks.Do(request)
	if err != nil {
		return err
	}
	if err := response.Body.Close(); err != nil {
		return err
	}
	if response.StatusCode/100 != 2 {
		return fmt.Errorf("receiver answered %d", response.StatusCode)
	}
	return nil
}
