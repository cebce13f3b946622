// Package memcloud is a simulated cloud: a library that a driver embeds, and a
// durable server of its own (cmd/memcloud) that outlives drivers and gateways.
//
// Its API is the contract's resource services with native ids, so that nothing
// is lost in a translation; who calls is told by the metadata memcloud-project.
// It owns resources and their behaviour: states that take time, rules between
// resources, quotas, addresses, client tokens, pages, and the knobs by which it
// misbehaves on purpose. It does not own anything that is the gateway's: no
// tenants, no operations, no passwords (they are taken and forgotten), no money.
//
// # How it works
//
// Records are proto messages that are never changed once stored; a write edits
// copies and swaps them in after they are on disk. Readers therefore answer with
// the stored messages themselves. States move by a due time that every call
// looks at: there is no goroutine per resource, and a cloud that was down has
// moved on when it is back.
//
// With a file every answered write survives the end of the process: one bbolt
// transaction, with fsync, holds the change and the client token's answer.
//
// # Kinds of clouds
//
// With the knob client_tokens it is a cloud that makes creates idempotent
// itself. Without, it ignores tokens, finds new resources by tag only after a
// while, and finishes requests whose caller has gone: the cloud on which a
// driver must look before it repeats.
//
// # Limits
//
// One region, two zones; every public image starts on every flavor with enough
// memory; routers only lead subnets out; nothing is ever metered. Containers have
// every image and run for ever, but for the programs true and false; a certificate
// is any id that begins with "cert-"; a member of a pool is healthy while the NIC
// with its address is linked. Peers of site connections always answer, whatever the
// key; WAF, intrusion prevention and anti-virus find nothing.
package memcloud
