package openapi

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/yunqiao/yunqiao/plugin-proto/contract"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
)

// reason is one row of the error table.
type reason struct {
	code   int32
	name   string // without prefix: "NOT_FOUND"
	status int    // HTTP
	rule   *apiv1.ErrorRule
}

// reasons reads the table out of the enum, by code.
func reasons() []reason {
	var table []reason
	values := apiv1.Reason(0).Descriptor().Values()
	for i := range values.Len() {
		code := int32(values.Get(i).Number())
		rule := contract.ErrorRule(apiv1.Reason(code))
		if rule == nil {
			continue
		}
		name := strings.TrimPrefix(string(values.Get(i).Name()), "REASON_")
		table = append(table, reason{code: code, name: name, status: int(code / 100), rule: rule})
	}
	slices.SortFunc(table, func(a, b reason) int { return int(a.code - b.code) })
	return table
}

// errorSchema is the envelope of an error.
func errorSchema(table []reason) *object {
	var names []string
	var codes []int32
	for _, row := range table {
		if !row.rule.GetOperationOnly() {
			names, codes = append(names, row.name), append(codes, row.code)
		}
	}
	violation := obj("type", "object", "properties", obj(
		"field", obj("type", "string", "description", `Path of the field, with proto names: "nics[0].subnet_id".`),
		"description", obj("type", "string", "description", "What is wrong with it, in words."),
	))
	data := obj("type", "object", "required", []string{"reason", "retryable"}, "properties", obj(
		"reason", obj("type", "string", "enum", names, "description", "Name of the reason."),
		"violations", obj("type", "array", "items", violation, "description", "Fields at fault."),
		"retryable", obj("type", "boolean", "description", "The same request with the same key may succeed unchanged."),
		"retry_after_seconds", obj("type", "integer", "format", "int32", "description", "Seconds to wait before repeating; 0: not told."),
		"provider_request_id", obj("type", "string", "description", "The cloud's own request id, for its support."),
		"operation_id", obj("type", "string", "description", "Operation that the error belongs to, if one was recorded."),
	))
	return envelope(obj("type", "integer", "format", "int32", "enum", codes,
		"description", "Stable code; its first three digits are the HTTP status."), data).
		set("description", "An error: see docs/errors.md for the whole table.")
}

// errorExamples are samples by reason, for components/examples.
func errorExamples(table []reason) map[string]any {
	examples := map[string]any{}
	for _, row := range table {
		if row.rule.GetOperationOnly() {
			continue
		}
		violations := []any{}
		if row.name == "VALIDATION_FAILED" {
			violations = append(violations, obj("field", "name", "description", "must match the pattern"))
		}
		examples[row.name] = obj(
			"summary", fmt.Sprintf("%d %s: %s", row.code, row.name, row.rule.GetEn()),
			"value", obj("code", row.code, "message", row.rule.GetZh(),
				"data", obj("reason", row.name, "violations", violations, "retryable", row.rule.GetRetryable()),
				"request_id", sampleUUID))
	}
	return examples
}

// errorResponse describes the reasons of one status.
func errorResponse(rows []reason) *object {
	var lines []string
	examples := obj()
	for _, row := range rows {
		lines = append(lines, fmt.Sprintf("%d %s: %s", row.code, row.name, row.rule.GetZh()))
		examples.set(row.name, refTo("examples", row.name))
	}
	return obj("description", strings.Join(lines, "\n"),
		"content", obj("application/json", obj("schema", refTo("schemas", "Error"), "examples", examples)))
}

// addErrors adds to the responses of an rpc the statuses of the reasons that
// its comment names, those that every call may have, and the rest as default.
func addErrors(responses *object, comment string, table []reason) {
	always := []string{"MALFORMED_REQUEST", "VALIDATION_FAILED", "TOKEN_MISSING", "TOKEN_INVALID", "PERMISSION_DENIED"}
	words := strings.FieldsFunc(comment, func(r rune) bool { return (r < 'A' || r > 'Z') && r != '_' })
	byStatus := map[int][]reason{}
	for _, row := range table {
		if !row.rule.GetOperationOnly() && (slices.Contains(always, row.name) || slices.Contains(words, row.name)) {
			byStatus[row.status] = append(byStatus[row.status], row)
		}
	}
	for _, status := range sortedKeys(byStatus) {
		responses.set(strconv.Itoa(status), errorResponse(byStatus[status]))
	}
	responses.set("default", refTo("responses", "Error"))
}

// ErrorTable is docs/errors.md: every reason with code, status and words.
func ErrorTable() []byte {
	var b strings.Builder
	b.WriteString("# Errors\n\n" +
		"Generated from `cloud/api/v1/error.proto` by `internal/openapi/cmd/genopenapi`; do not edit.\n\n" +
		"The first three digits of a code are the HTTP status; a code is never reused and 0 is success. *Retryable* means that the\n" +
		"same request with the same idempotency key may succeed unchanged. *In operations only*: never an answer's own error, only\n" +
		"`error` of an operation.\n\n" +
		"| Code | HTTP | Reason | 中文 | English | Retryable | In operations only |\n|---|---|---|---|---|---|---|\n")
	for _, row := range reasons() {
		fmt.Fprintf(&b, "| %d | %d | `%s` | %s | %s | %s | %s |\n", row.code, row.status, row.name,
			row.rule.GetZh(), row.rule.GetEn(), yes(row.rule.GetRetryable()), yes(row.rule.GetOperationOnly()))
	}
	return []byte(b.String())
}

func yes(value bool) string {
	if value {
		return "yes"
	}
	return ""
}
