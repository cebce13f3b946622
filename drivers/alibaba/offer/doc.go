// Package offer tells what is on sale in which zone, as DescribeAvailableResource of
// ECS says. It does not know what the things on sale are.
package offer
