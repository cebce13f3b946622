// Package operation makes every write to a cloud happen once and be followed to
// its end. An intent is recorded before the cloud is called; the call carries an
// id that makes it idempotent at the cloud; whoever holds the lease of the intent
// repeats, follows and ends it, across crashes of driver and gateway.
//
// It owns the table of operations, idempotency keys, leases, steps, chains,
// callbacks and OperationService. It does not own what a request may be
// (pipeline, policy), nor resources (inventory).
//
// The life of an operation:
//
//	PENDING ──driver answered──▶ RUNNING ──settled, steps and chain done──▶ SUCCEEDED
//	   │ answer lost               │ settled in error, or a step refused ──▶ FAILED
//	   ▼                           └ deadline, steps taken back ──▶ TIMED_OUT
//	UNKNOWN_OUTCOME ──repeated with the same id──▶ RUNNING | FAILED | TIMED_OUT
package operation
