// Package pace is how fast a driver asks its cloud: a limiter that keeps below
// the cloud's limit, and repeats that wait as long as the cloud asks.
//
// It owns waiting and its bounds: a deadline is never overrun, and a wait that
// would be too long is refused at once with THROTTLED, which the gateway repeats.
// It does not decide what may be repeated beyond what a refusal proves.
package pace
