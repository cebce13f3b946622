package network

import (
	"regexp"
	"strings"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/yunqiao/yunqiao/drivers/sdk"
)

// markerAtEnd is the mark of a request at the end of a description.
var markerAtEnd = regexp.MustCompile(` ?\[yq:[a-z2-7]{26}\]$`)

// mark adds the mark of a request to a description. Without a request there is
// none. Users' descriptions have at most 200 characters, Neutron's 255.
func mark(description, requestID string) string {
	if requestID == "" {
		return description
	}
	return description + " [yq:" + sdk.Token(requestID, "") + "]"
}

// marker is the mark at the end of a description, or empty.
func marker(description string) string { return markerAtEnd.FindString(description) }

// unmarked is a description without the mark.
func unmarked(description string) string { return strings.TrimSuffix(description, marker(description)) }

// toProtoTime is nil for the zero time.
func toProtoTime(t timestamp) *timestamppb.Timestamp {
	if t.IsZero() {
		return nil
	}
	return timestamppb.New(t.Time)
}
