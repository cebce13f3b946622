// Package tags maps the tags of users to those of the cloud. Tags that the driver
// or the cloud keeps for itself are left out on reading and kept on replacing.
//
// It does not own filters of list actions: the cloud's count a resource as tagged
// only where key and value fit, so that the driver filters by itself.
package tags
