package harness

import (
	"slices"
	"testing"
	"time"
)

// Succeeded is the status of an operation that has ended well.
const Succeeded = "OPERATION_STATUS_SUCCEEDED"

var final = []string{Succeeded, "OPERATION_STATUS_FAILED", "OPERATION_STATUS_CANCELLED", "OPERATION_STATUS_TIMED_OUT"}

// Final tells whether a status is an end.
func Final(status string) bool { return slices.Contains(final, status) }

// longestOperation bounds a wait; real clouds build volumes and images slowly.
const longestOperation = 5 * time.Minute

// Wait waits for the end of an operation and returns it.
func (c *Client) Wait(t testing.TB, id string) Object {
	t.Helper()
	deadline := time.Now().Add(longestOperation)
	for {
		operation := c.Get(t, "operation/operation/wait", Object{"id": id, "timeout_seconds": 60}).Object("operation")
		if Final(operation.Text("status")) {
			return operation
		}
		if time.Now().After(deadline) {
			t.Fatalf("operation has not ended: %v", operation)
		}
	}
}

// Done calls a writing interface, waits for the end of its operation, which must
// be good, and returns the id of the resource.
func (c *Client) Done(t testing.TB, name string, body Object, options ...Option) string {
	t.Helper()
	data := c.Post(t, name, body, options...)
	if id := data.Text("operation_id"); id != "" {
		operation := c.Wait(t, id)
		if operation.Text("status") != Succeeded {
			t.Fatalf("%s %v: operation %v", name, body, operation)
		}
		return operation.Text("resource_id")
	}
	return data.Text("id")
}

// Operations lists all operations of an account.
func (c *Client) Operations(t testing.TB, accountID string) []Object {
	t.Helper()
	return c.All(t, "operation/operation/list", "operations", Object{"account_id": accountID, "page_size": 500})
}

// All reads every page of a list.
func (c *Client) All(t testing.TB, name, member string, parameters Object) []Object {
	t.Helper()
	query := Object{}
	for k, v := range parameters {
		query[k] = v
	}
	var all []Object
	for {
		page := c.Get(t, name, query)
		all = append(all, page.List(member)...)
		token := page.Text("next_page_token")
		if token == "" {
			return all
		}
		query["page_token"] = token
	}
}
