// Package held keeps small objects of the contract that the cloud has no object
// for, such as an IKE policy, which is only a part of each connection there. They
// are kept as preset tag values of the account (Tag 2018-08-28: CreateTags,
// ListTagValues, DeleteTag): they outlive the driver, all gateways of the account see
// the same, and they cost nothing.
//
// It owns how they are kept and found. It does not own what they say: that is text of
// the caller, at most 128 characters together with the id, so that a description has
// no room.
//
// A value is "<id>.<text>"; its id is the token of the request that made it, so that
// a repeat makes the same value again, which the cloud takes for the same.
package held
