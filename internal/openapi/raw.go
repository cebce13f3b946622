package openapi

// rawTag groups the routes that no rpc describes.
const rawTag = "gateway"

// addRaw documents the routes that the gateway answers itself.
func addRaw(paths map[string]any) {
	text := func(description string) *object {
		return obj("description", description, "content", obj("text/plain", obj("schema", obj("type", "string"))))
	}
	get := func(id, summary string, responses *object) *object {
		return obj("get", obj("operationId", id, "tags", []string{rawTag}, "summary", summary,
			"security", []any{}, "responses", responses))
	}
	paths["/healthz"] = get("Healthz", "Whether the process lives.", obj("200", text("It does.")))
	paths["/readyz"] = get("Readyz", "Whether requests would be served now.",
		obj("200", text("They would."), "503", text("They would not: starting, draining, or the store is away.")))
	paths["/metrics"] = get("Metrics", "Metrics in the Prometheus text format.", obj("200", text("The metrics.")))
	paths["/openapi.json"] = get("OpenAPI", "This document.", obj("200", obj("description", "The document.",
		"content", obj("application/json", obj("schema", obj("type", "object"))))))
	paths["/docs"] = get("Docs", "This document, as pages to read and try.", obj("200", obj("description", "The pages.",
		"content", obj("text/html", obj("schema", obj("type", "string"))))))
}
