package app

import (
	"time"

	"github.com/yunqiao/yunqiao/gateway/edge"
	"github.com/yunqiao/yunqiao/programs"
)

// programSection is where partners call. A partner has few requests under way at once, but
// strangers can send any.
func programSection() edge.Section {
	return edge.Section{Prefix: programs.PartnerPrefix, MaxConcurrent: 1024, MaxPerAddress: 512, BodyTimeout: time.Minute, Refuse: programs.Refuse}
}
