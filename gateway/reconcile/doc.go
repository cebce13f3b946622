// Package reconcile compares the clouds with the inventory, so that what was made,
// changed or deleted behind the gateway's back is known within one cycle.
//
// It owns the cycle: whose turn it is (one replica an account, by a lease in
// database time), the listing page by page, what a difference means, and how it is
// confirmed. It does not own the inventory's rows and events, nor resources that an
// operation works on: those are the follower's.
//
// A cloud that does not answer changes nothing but the age that its part of a
// cached list shows. A resource is only taken to be gone when the listing was
// complete, the cloud's probe passes and reading the resource itself says so. Types
// that can only be listed by their parent (rules of a security group, members of a
// pool) have no listing of their own and are not compared.
package reconcile
