package disktype

import "strings"

const separator = "."

// Levelled is the category whose disks come in performance levels.
const Levelled = "cloud_essd"

// DefaultLevel is the level of a disk of the levelled category for which none is asked.
const DefaultLevel = "PL1"

// Levels are the performance levels, the lowest first. Source: CreateDisk,
// PerformanceLevel.
func Levels() []string { return []string{"PL0", DefaultLevel, "PL2", "PL3"} }

// ToProto spells a disk type.
func ToProto(category, level string) string {
	if category != Levelled || level == "" {
		return category
	}
	return category + separator + level
}

// FromProto reads a disk type; both empty: the cloud's default.
func FromProto(id string) (category, level string) {
	category, level, _ = strings.Cut(id, separator)
	return category, level
}
