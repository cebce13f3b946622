// Package signature is the two ways in which a request to Alibaba Cloud is signed,
// as the server needs them: parts of a request in, the signature that it should carry
// out.
//
// It owns the canonical forms: RPC version 1.0 (HMAC-SHA1 over sorted parameters) and
// ACS3-HMAC-SHA256 (over method, path, query, headers and the body's hash). It does
// not own keys, nonces or clocks. Sources: the published documents "Signature method"
// of RPC APIs and "V3 request body and signature", whose vectors the tests check.
package signature
