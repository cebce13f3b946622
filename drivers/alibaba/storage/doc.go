// Package storage serves disks, their snapshots and images, all of ECS, and the types
// of disks that the region sells.
package storage
