// Package docsui serves pages that show /openapi.json: services and their
// functions, parameters, samples, a curl line, and a form to try a call.
//
// It owns the pages; everything they need is embedded and nothing is fetched
// but the document and what the reader tries. It does not own the document.
package docsui
