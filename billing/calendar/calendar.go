// Package calendar cuts time into the months and days of bills, in the zone that
// bills are made in.
package calendar

import (
	"fmt"
	"time"
)

// DefaultZone is the zone of bills unless they say otherwise.
const DefaultZone = "Asia/Shanghai"

// Zone finds a zone by name. China's is known without the system's tables: it has
// been UTC+8 without change since 1991.
func Zone(name string) (*time.Location, error) {
	if name == "" || name == DefaultZone {
		return time.FixedZone(DefaultZone, 8*3600), nil
	}
	zone, err := time.LoadLocation(name)
	if err != nil {
		return nil, fmt.Errorf("zone %q: %w", name, err)
	}
	return zone, nil
}

// Month is the beginning of the natural month that a time is in.
func Month(at time.Time, zone *time.Location) time.Time {
	local := at.In(zone)
	return time.Date(local.Year(), local.Month(), 1, 0, 0, 0, 0, zone)
}

// Day is the beginning of the natural day that a time is in.
func Day(at time.Time, zone *time.Location) time.Time {
	local := at.In(zone)
	return time.Date(local.Year(), local.Month(), local.Day(), 0, 0, 0, 0, zone)
}

// NextDay is the beginning of the day after.
func NextDay(day time.Time) time.Time {
	return time.Date(day.Year(), day.Month(), day.Day()+1, 0, 0, 0, 0, day.Location())
}

// Name is a month as it is written: "2026-11".
func Name(month time.Time) string { return month.Format("2006-01") }

// Parse reads "2026-11".
func Parse(name string, zone *time.Location) (time.Time, error) {
	at, err := time.ParseInLocation("2006-01", name, zone)
	if err != nil {
		return time.Time{}, fmt.Errorf("%q is no month such as 2026-11", name)
	}
	return at, nil
}

// AddMonths is the same day so many months later, or the last day of the month
// where that is shorter: 31 January + 1 is 28 or 29 February.
func AddMonths(at time.Time, months int, zone *time.Location) time.Time {
	local := at.In(zone)
	first := time.Date(local.Year(), local.Month()+time.Month(months), 1, 0, 0, 0, 0, zone)
	last := first.AddDate(0, 1, -1).Day()
	return time.Date(first.Year(), first.Month(), min(local.Day(), last), local.Hour(), local.Minute(), local.Second(), 0, zone)
}
