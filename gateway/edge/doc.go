// Package edge is the HTTP face: it compiles the contract's rpcs to gin routes,
// decodes requests into messages, and wraps answers and errors in the envelope of
// GY/T 355-2021 annex A.
//
// It knows no database, no driver and no single rpc: whatever the contract holds
// is served. What runs a call is the pipeline.Handler it is given.
package edge
