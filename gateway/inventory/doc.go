// Package inventory is what the gateway knows of resources. It is two things:
// ownership (organization, user, protection), recorded data that is held in
// memory for checks; and attributes, a cache of what the cloud last said, which
// can be rebuilt.
//
// It owns both tables' worth of a resource in one row, the index in memory, and
// the event of every change of state. It calls no driver.
package inventory
