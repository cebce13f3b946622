// Package ecs maps the words that instances, disks, snapshots and images of ECS, and
// the container groups of ECI, have in common: how something is paid for, why it is
// locked, for which operating system it is. It makes no calls.
package ecs
