// Package gyt345 is the wire of GY/T 345—2021: the six interfaces between an
// integration platform (集成平台) and a content service platform (内容服务平台).
//
// It owns the form of messages, both signatures, the message authentication code,
// the tolerant reader, the answers of annex C, the receiving http.Handler and the
// sending Client. Signatures follow the profile GYT345-SIGN-1 (docs/programs.md).
//
// It does not own partners, programmes or their rules: a receiver is given where to
// find peers and what settles a message. It serves both sides alike.
//
// A message is verified on the bytes that were received, never on a re-encoding.
package gyt345
