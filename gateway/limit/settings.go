package limit

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/yunqiao/yunqiao/drivers/sdk"
)

// Settings of an account that are the gateway's own; drivers do not see them.
const (
	settingRate  = "rate_per_second" // calls a second; "rate_per_second.compute" of one service
	settingBurst = "rate_burst"      // calls at once; default: as many as in a second
	maxRate      = 100_000
)

// Limits are what an account's cloud allows. Zero means unlimited.
type Limits struct {
	PerSecond int
	Burst     int            // 0: as many as in a second
	ByService map[string]int // calls a second of single services
}

func (l Limits) equal(o Limits) bool {
	return l.PerSecond == o.PerSecond && l.Burst == o.Burst && maps.Equal(l.ByService, o.ByService)
}

// Owns tells whether a setting of an account is one of this package's.
func Owns(setting string) bool {
	return setting == settingRate || setting == settingBurst || strings.HasPrefix(setting, settingRate+".")
}

// Read takes the limits out of an account's settings; problems name the settings
// that are wrong.
func Read(settings map[string]string) (limits Limits, problems []sdk.ErrorOption) {
	limits.ByService = map[string]int{}
	for _, name := range slices.Sorted(maps.Keys(settings)) {
		if !Owns(name) {
			continue
		}
		n, err := strconv.Atoi(settings[name])
		if err != nil || n < 1 || n > maxRate {
			problems = append(problems, sdk.Violation("settings."+name, "must be a whole number from 1 to 100000"))
			continue
		}
		switch name {
		case settingRate:
			limits.PerSecond = n
		case settingBurst:
			limits.Burst = n
		default:
			limits.ByService[strings.TrimPrefix(name, settingRate+".")] = n
		}
	}
	return limits, problems
}
