// Package openapi writes the OpenAPI 3.1 document and the table of errors from
// the descriptors of the contract.
//
// It owns the mapping from .proto files (types, options, validation rules,
// comments) to OpenAPI, and the samples in it. It does not serve the document,
// know a driver or read a store; routes come from package contract. The same
// descriptors always give the same bytes.
package openapi
