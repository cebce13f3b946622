package kind

import (
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"
)

// ToProtoTime reads a time of an answer: with or without seconds, always UTC.
// What is empty or cannot be read is absent.
func ToProtoTime(text string) *timestamppb.Timestamp {
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04Z", "2006-01-02 15:04:05"} {
		if t, err := time.Parse(layout, text); err == nil {
			return timestamppb.New(t)
		}
	}
	return nil
}

// ToProtoMillis reads a time in milliseconds since 1970; 0 is absent.
func ToProtoMillis(millis int64) *timestamppb.Timestamp {
	if millis == 0 {
		return nil
	}
	return timestamppb.New(time.UnixMilli(millis))
}
