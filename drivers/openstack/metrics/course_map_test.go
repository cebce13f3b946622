package metrics

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	monitorv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/monitor/v1"
)

const minute = time.Minute

// ends are the values of a series by minutes after the epoch.
func ends(t *testing.T, s *monitorv1.Series) map[int64]string {
	t.Helper()
	all := map[int64]string{}
	for i, p := range s.GetPoints() {
		if i > 0 && !s.GetPoints()[i-1].GetAt().AsTime().Before(p.GetAt().AsTime()) {
			t.Errorf("points are not in their order: %v", s)
		}
		all[p.GetAt().GetSeconds()/60] = p.GetValue()
	}
	return all
}

func means(width time.Duration, first int, values ...float64) []point {
	var all []point
	for i, v := range values {
		all = append(all, point{time.Unix(0, 0).Add(time.Duration(first)*minute + time.Duration(i)*width), width, v})
	}
	return all
}

// TestCourses: what counters and sizes of several parts become.
func TestCourses(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		parts   [][]point
		counter bool
		unit    float64
		step    time.Duration
		want    map[int64]string
	}{
		"a size":                   {[][]point{means(5*minute, 0, 3, 4)}, false, 2, 0, map[int64]string{5: "6", 10: "8"}},
		"a counter":                {[][]point{means(5*minute, 0, 0, 300, 900)}, true, 1, 0, map[int64]string{10: "1", 15: "2"}},
		"it begins anew":           {[][]point{means(5*minute, 0, 600, 900, 0, 300)}, true, 1, 0, map[int64]string{10: "1", 20: "1"}},
		"one value of a counter":   {[][]point{means(5*minute, 0, 600)}, true, 1, 0, map[int64]string{}},
		"a window is missing":      {[][]point{append(means(5*minute, 0, 0), means(5*minute, 10, 600)...)}, true, 1, 0, map[int64]string{15: "1"}},
		"a window has not ended":   {[][]point{means(5*minute, 0, 0, 300), means(5*minute, 56, 9)}, true, 1, 0, map[int64]string{10: "1"}},
		"two parts":                {[][]point{means(5*minute, 0, 0, 300, 600), means(5*minute, 5, 0, 600)}, true, 1, 0, map[int64]string{10: "1", 15: "3"}},
		"narrow and wide":          {[][]point{append(means(minute, 0, 1, 2), means(5*minute, 0, 3)...)}, false, 1, 0, map[int64]string{1: "1", 2: "2"}},
		"wide enough":              {[][]point{append(means(minute, 0, 1, 2), means(5*minute, 0, 3)...)}, false, 1, 2 * minute, map[int64]string{5: "3"}},
		"averaged":                 {[][]point{means(minute, 0, 1, 2, 3, 5)}, false, 1, 2 * minute, map[int64]string{2: "1.5", 4: "4"}},
		"beyond the time":          {[][]point{means(30*minute, 0, 1, 2)}, false, 1, 0, map[int64]string{30: "1"}},
		"nothing":                  {nil, true, 1, 0, map[int64]string{}},
		"more than there is of it": {[][]point{means(5*minute, 0, 1)}, false, 200, 0, map[int64]string{5: "100"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			now := time.Unix(0, 0).Add(59 * minute)
			got := toProtoSeries(monitorv1.Metric_METRIC_CPU_UTILIZATION_PERCENT, courses(tc.parts, tc.counter, tc.unit, now), tc.step, span{time.Unix(0, 0), now})
			if diff := cmp.Diff(tc.want, ends(t, got)); diff != "" {
				t.Errorf("points (-want +got):\n%s", diff)
			}
		})
	}
}

// TestNewest is the last value of the narrowest windows, while it is fresh.
func TestNewest(t *testing.T) {
	t.Parallel()
	now := time.Unix(0, 0).Add(61 * minute)
	by := func() map[time.Duration]course {
		return courses([][]point{append(means(5*minute, 0, 1, 2, 3), means(30*minute, 0, 7, 8)...)}, false, 1, now)
	}
	if s := newest(monitorv1.Metric_METRIC_MEMORY_USED_MIB, by(), span{time.Unix(0, 0), now}); s.GetValue() != "3" || s.GetAt().GetSeconds() != 15*60 {
		t.Errorf("got %v", s)
	}
	if s := newest(monitorv1.Metric_METRIC_MEMORY_USED_MIB, by(), span{now.Add(-fresh), now}); s.GetValue() != "8" {
		t.Errorf("where the narrow ones are old: %v", s)
	}
	if s := newest(monitorv1.Metric_METRIC_MEMORY_USED_MIB, by(), span{now, now}); s != nil {
		t.Errorf("of no time: %v", s)
	}
}

func TestPoint(t *testing.T) {
	t.Parallel()
	var points []point
	if err := json.Unmarshal([]byte(`[["2026-11-20T19:30:00+00:00", 300.0, 2.5]]`), &points); err != nil {
		t.Fatal(err)
	}
	want := point{time.Date(2026, 11, 20, 19, 30, 0, 0, time.UTC), 5 * minute, 2.5}
	if p := points[0]; !p.at.Equal(want.at) || p.width != want.width || p.value != want.value {
		t.Errorf("got %v", p)
	}
	if err := json.Unmarshal([]byte(`[["yesterday", 300.0, 2.5]]`), &points); err == nil {
		t.Error("no time was taken")
	}
}
