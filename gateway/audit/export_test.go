package audit

import "github.com/yunqiao/yunqiao/plugin-proto/contract"

// Expire is what Run does once an hour.
var Expire = (*Recorder).expire

// HasSource tells whether Before knows where to read what a call changes.
func HasSource(c *contract.Contract, m *contract.Method) bool { return sourceOf(c, m) != nil }
