// Package disktype is the spelling of disk types: a category of ECS disks, and the
// performance level of those that come in levels, "cloud_essd.PL1". It does not know
// which types are sold.
package disktype
