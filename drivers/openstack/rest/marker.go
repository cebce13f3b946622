package rest

import (
	"regexp"
	"strings"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/yunqiao/yunqiao/drivers/sdk"
)

// markerAtEnd is the mark of a request at the end of a description.
var markerAtEnd = regexp.MustCompile(` ?\[yq:[a-z2-7]{26}\]$`)

// Mark adds the mark of a request to a description. Without a request there is
// none. Users' descriptions have at most 200 characters, Neutron's 255.
func Mark(description, requestID string) string {
	if requestID == "" {
		return description
	}
	return MarkStep(description, requestID, "")
}

// MarkStep is Mark for a further object that the request makes.
func MarkStep(description, requestID, step string) string {
	return description + " [yq:" + sdk.Token(requestID, step) + "]"
}

// Marker is the mark at the end of a description, or empty.
func Marker(description string) string { return markerAtEnd.FindString(description) }

// Unmarked is a description without the mark.
func Unmarked(description string) string { return strings.TrimSuffix(description, Marker(description)) }

// ToProtoTime is nil for the zero time.
func ToProtoTime(t Timestamp) *timestamppb.Timestamp {
	if t.IsZero() {
		return nil
	}
	return timestamppb.New(t.Time)
}
