// Package signature signs HTTP requests and checks signed ones, as RFC 9421 (HTTP
// message signatures) and RFC 9530 (digest fields) say, in one fixed profile:
//
//	Content-Digest:  sha-256=:<base64>:
//	Signature-Input: sig1=("@method" "@path" "@query" "content-digest");created=1786000000;keyid="<id>";nonce="<16..128>";alg="hmac-sm3"
//	Signature:       sig1=:<base64>:
//
// The label is sig1. Components and parameters stand in this order, written as
// shown, and nothing else may stand there: what has two spellings has two
// meanings. "content-digest" is left out where there is no body.
// "idempotency-key" follows it where the request has that header, since the
// header decides what a request does. Algorithms are hmac-sm3, hmac-sha256 and
// sm2-sm3; the latter is an SM2 signature (GM/T 0003.2) in ASN.1 DER under the
// user id 1234567812345678 (GM/T 0009).
//
// It owns the header formats, the signature base and the three algorithms. It
// does not know where keys and used nonces are kept, nor whose a key is.
package signature
