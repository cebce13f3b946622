package metrics

import (
	"maps"
	"slices"
	"strconv"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	monitorv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/monitor/v1"
)

// course is what a figure of a server was in windows of one width, by their ends, in
// Unix seconds.
type course map[int64]float64

// courses adds up the parts' points to courses by the width of their windows, leaving
// out windows that have not ended by now.
func courses(parts [][]point, counter bool, unit float64, now time.Time) map[time.Duration]course {
	sums := map[time.Duration]course{}
	for _, points := range parts {
		byWidth := map[time.Duration][]point{}
		for _, p := range points {
			if p.width > 0 && !p.at.Add(p.width).After(now) {
				byWidth[p.width] = append(byWidth[p.width], p)
			}
		}
		for width, same := range byWidth {
			slices.SortFunc(same, func(a, b point) int { return a.at.Compare(b.at) })
			if counter {
				same = rates(same)
			}
			if sums[width] == nil {
				sums[width] = course{}
			}
			for _, p := range same {
				sums[width][p.at.Add(width).Unix()] += p.value * unit
			}
		}
	}
	maps.DeleteFunc(sums, func(_ time.Duration, c course) bool { return len(c) == 0 })
	return sums
}

// rates are the differences of a counter, by the second; there is none where it has
// begun anew.
func rates(points []point) []point {
	var all []point
	for i := 1; i < len(points); i++ {
		grown := points[i].value - points[i-1].value
		if seconds := points[i].at.Sub(points[i-1].at).Seconds(); grown >= 0 && seconds > 0 {
			all = append(all, point{points[i].at, points[i].width, grown / seconds})
		}
	}
	return all
}

// between leaves the ends of windows after since, up to until.
func (c course) between(during span) {
	maps.DeleteFunc(c, func(at int64, _ float64) bool { return at <= during.since.Unix() || at > during.until.Unix() })
}

// newest is the last value of the narrowest windows that have one.
func newest(metric monitorv1.Metric, by map[time.Duration]course, during span) *monitorv1.Sample {
	for _, width := range slices.Sorted(maps.Keys(by)) {
		by[width].between(during)
		if ends := slices.Sorted(maps.Keys(by[width])); len(ends) > 0 {
			at := ends[len(ends)-1]
			return &monitorv1.Sample{Metric: metric, At: timestamppb.New(time.Unix(at, 0)), Value: toProtoValue(metric, by[width][at])}
		}
	}
	return nil
}

// toProtoSeries is the course in the narrowest windows of at least step, or, where there
// are only narrower ones, averaged over steps; nil: there is none.
func toProtoSeries(metric monitorv1.Metric, by map[time.Duration]course, step time.Duration, during span) *monitorv1.Series {
	var chosen course
	for _, width := range slices.Sorted(maps.Keys(by)) {
		by[width].between(during)
		if len(by[width]) == 0 {
			continue
		}
		if chosen = by[width]; width >= step {
			break
		}
		chosen = chosen.averaged(int64(step / time.Second))
	}
	if len(chosen) == 0 {
		return nil
	}
	series := &monitorv1.Series{Metric: metric}
	for _, at := range slices.Sorted(maps.Keys(chosen)) {
		series.Points = append(series.Points, &monitorv1.Point{At: timestamppb.New(time.Unix(at, 0)), Value: toProtoValue(metric, chosen[at])})
	}
	return series
}

// averaged are the means over steps, by the ends of the steps.
func (c course) averaged(step int64) course {
	means, counts := course{}, map[int64]float64{}
	for at, value := range c {
		end := (at + step - 1) / step * step
		counts[end]++
		means[end] += (value - means[end]) / counts[end]
	}
	return means
}

// toProtoValue is a value as the contract has it. Percents of processors and memory are
// at most 100, which sampling may exceed a little.
func toProtoValue(metric monitorv1.Metric, v float64) string {
	switch metric {
	case monitorv1.Metric_METRIC_CPU_UTILIZATION_PERCENT, monitorv1.Metric_METRIC_MEMORY_UTILIZATION_PERCENT:
		v = min(v, 100)
	}
	return strconv.FormatFloat(v, 'f', -1, 64)
}
