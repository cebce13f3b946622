package harness

import (
	"fmt"
	"net/http"
	"testing"
	"time"
)

// patience bounds how long a client keeps repeating one request.
const patience = 6 * time.Minute

// Persist does what a careful client does while programs are being killed: it
// repeats a write under its key until the answer is final, and follows an
// operation whose resource is not known yet. It returns the final answer's
// resource and operation.
func (c *Client) Persist(t testing.TB, name, key string, body Object) (id, operationID string, err error) {
	t.Helper()
	var last string
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		answer, err := c.Try(t, http.MethodPost, Path(name), body, Key(key))
		if err != nil {
			last = err.Error()
			continue
		}
		last = fmt.Sprintf("%d %s", answer.Status, answer.Body)
		switch {
		case answer.Code == 0 && answer.Data.Text("id") != "":
			return answer.Data.Text("id"), answer.Data.Text("operation_id"), nil
		case answer.Code == 0:
			operation, err := c.PersistWait(t, answer.Data.Text("operation_id"))
			if err != nil {
				return "", "", err
			}
			if id := operation.Text("resource_id"); id != "" {
				return id, operation.Text("id"), nil
			}
			last = operation.String()
		case !answer.Data.Bool("retryable"):
			return "", "", fmt.Errorf("%s under the key %s: %s", name, key, last)
		}
	}
	return "", "", fmt.Errorf("%s under the key %s: no final answer, the last was %s", name, key, last)
}

// PersistWait waits for the end of an operation, whatever happens to the gateway
// meanwhile.
func (c *Client) PersistWait(t testing.TB, operationID string) (Object, error) {
	t.Helper()
	var last string
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		answer, err := c.Try(t, http.MethodGet, Path("operation/operation/wait")+"?"+Query(Object{"id": operationID, "timeout_seconds": 10}), nil)
		if err != nil {
			last = err.Error()
			continue
		}
		last = fmt.Sprintf("%d %s", answer.Status, answer.Body)
		if operation := answer.Data.Object("operation"); Final(operation.Text("status")) {
			return operation, nil
		}
		if answer.Code != 0 && answer.Status/100 == 4 {
			break
		}
	}
	return nil, fmt.Errorf("operation %s has not ended: %s", operationID, last)
}
