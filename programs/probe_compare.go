package programs

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	programv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/program/v1"
	"github.com/yunqiao/yunqiao/programs/media"
)

// finding is what a probe finds out about a play URL.
type finding struct {
	play          playInfo
	out           *programv1.PlayProbe
	width, height int   // of the picture; 0: not told
	segmentKbps   int32 // of the first segment; 0: not known
}

func (f *finding) picture(width, height int) {
	if width > 0 && height > 0 {
		f.width, f.height = width, height
		f.out.Resolution = fmt.Sprintf("%dx%d", width, height)
	}
}

// skip says what could not be compared, and why.
func (f *finding) skip(what, why string) {
	f.out.NotCompared = append(f.out.NotCompared, what+": "+why)
}

// compare holds what was found against the metadata: the picture against the
// definition, and a bit rate, of which sound and peaks are a part, against the one of
// the video. One segment is no average: half and double of it pass.
func (f *finding) compare() {
	if f.height == 0 {
		f.skip("definition", "no size of the picture is told")
	} else if want := definitionOf(f.width, f.height); want != f.play.Definition {
		f.out.Problems = append(f.out.Problems, fmt.Sprintf("definition is %s, the picture has %s", f.play.Definition, f.out.GetResolution()))
	}
	told := toldKbps(f.play)
	switch {
	case told == 0:
		f.skip("videoBitrate", "the metadata has none")
	case f.out.GetBitrateKbps() > 0:
		if got := int64(f.out.GetBitrateKbps()); got < told*3/4 || got > told*3/2 {
			f.out.Problems = append(f.out.Problems, fmt.Sprintf("videoBitrate is %s, %d kbit/s are told", f.play.VideoBitrate, got))
		}
	case f.segmentKbps == 0:
		f.skip("videoBitrate", "neither a bit rate nor the size and length of the first segment are told")
	}
	declared, name := int64(f.out.GetBitrateKbps()), "the playlist's bit rate"
	if declared == 0 {
		declared, name = told, "videoBitrate"
	}
	if got := int64(f.segmentKbps); got > 0 && declared > 0 && (got < declared/2 || got > declared*2) {
		f.out.Problems = append(f.out.Problems, fmt.Sprintf("%s is %d kbit/s, the first segment has %d", name, declared, got))
	}
	f.out.BitrateKbps = cmp.Or(f.out.GetBitrateKbps(), f.segmentKbps)
}

// toldKbps is the videoBitrate of the metadata, in bit/s or kbit/s as partners have it;
// 0: it has none.
func toldKbps(play playInfo) int64 {
	told, err := strconv.ParseInt(strings.TrimRight(play.VideoBitrate, "kKbBpPsS/ "), 10, 32)
	if err != nil || told < 0 {
		return 0
	}
	if told > 1_000_000 {
		told /= 1000
	}
	return told
}

func kbps(bitsPerSecond float64) int32 { return int32(min(bitsPerSecond/1000, 1<<30)) }

// fittingVariant is the one of the metadata's definition that is nearest to its bit
// rate; if no variant has that definition, the best.
func fittingVariant(variants []media.Variant, play playInfo) media.Variant {
	best := func(a, b media.Variant) int {
		return cmp.Or(cmp.Compare(a.Width*a.Height, b.Width*b.Height), cmp.Compare(a.BitsPerSecond, b.BitsPerSecond))
	}
	fit := slices.DeleteFunc(slices.Clone(variants), func(v media.Variant) bool { return v.Height == 0 || definitionOf(v.Width, v.Height) != play.Definition })
	told := toldKbps(play) * 1000
	switch {
	case len(fit) == 0:
		return slices.MaxFunc(variants, best)
	case told == 0:
		return slices.MaxFunc(fit, best)
	}
	return slices.MinFunc(fit, func(a, b media.Variant) int {
		return cmp.Compare(max(a.BitsPerSecond-told, told-a.BitsPerSecond), max(b.BitsPerSecond-told, told-b.BitsPerSecond))
	})
}

// definitionOf a picture is that of its lines as if it were 16:9 and not upright, for
// films are cut above and below.
func definitionOf(width, height int) string {
	lines := max(min(width, height), max(width, height)*9/16)
	switch {
	case lines >= 4320:
		return "8K"
	case lines >= 2160:
		return "4K"
	case lines >= 720:
		return "HD"
	default:
		return "SD"
	}
}
