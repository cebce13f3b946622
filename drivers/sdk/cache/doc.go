// Package cache holds for a while what a driver reads often and the cloud
// changes rarely, such as flavors and zones.
//
// It owns ages and the sharing of loads. It holds nothing that must survive, nor
// the state of resources, which is always read from the cloud.
package cache
