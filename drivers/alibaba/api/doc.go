// Package api calls Alibaba Cloud's RPC interfaces.
//
// It owns: one uniform call for every product (Caller), credentials with
// renewal, endpoints, the ways in which parameters travel, repeats after
// throttling, page tokens, idempotency tokens, and what an error code means in
// the contract. It does not own: any resource, and no mapping of fields.
//
// # Why CommonRequest
//
// The classic SDK (alibaba-cloud-sdk-go, v1.63.107, its last release) has a typed
// package for each product, yet 94 of the 99 actions of WAF 3.0, 22 of 36 of ECI,
// 40 of 87 of Cloud Firewall and 62 of 126 of Security Center are missing in
// them, and what is there lacks parameters. CommonRequest sends any action of any
// product, so that one path serves all: eighteen packages with two habits each
// (typed here, untyped there) would be the alternative. Requests are held against
// the published definitions by the tests instead of by the compiler. The rest of
// the driver sees Caller only, so another client can take the SDK's place.
//
// # What the SDK is trusted with
//
// Signing and writing the request, and nothing else, because of its habits:
//   - A client shared between goroutines is a data race: each call takes one of a
//     pool, which share a transport and with it connections.
//   - It takes no context: the transport of a pooled client carries the context of
//     the call that holds it.
//   - It reads errors with type assertions and panics on a Code that is no string,
//     and judges success by the HTTP status alone: the transport keeps the answer
//     for us and shows the SDK an empty success.
//   - Its default scheme is HTTP, and its own credentials fall back to the
//     environment: both are always given.
//   - It never sends an empty string. Params leaves them out too; where an empty
//     value has a meaning, say what is meant in the caller.
//
// Answers are decoded with json-iterator, which the SDK brings along and uses itself:
// a page of a hundred instances takes it half of encoding/json's time.
//
// Business parameters travel in the form body, as Alibaba's Terraform provider
// sends them: a URL has limits, and stands in logs of proxies and in the errors of
// net/http, where user data and passwords do not belong.
package api
