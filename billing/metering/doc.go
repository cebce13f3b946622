// Package metering turns events of resources into usage: the time that a resource
// spent in a state, with a spec, as one organization's.
//
// It owns the table of events that billing has heard of, each once, and the
// position in the outbox. Usage itself is not stored: it is a function of the
// events, so that a late event changes it without anything having to be undone.
// Watermarks, which can be made anew at any time, bound how far back events are read.
// It does not own prices or money.
package metering
