package storage

import (
	"maps"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/yunqiao/yunqiao/drivers/openstack/session"
)

// toProtoMetadata are the user's tags among metadata.
func toProtoMetadata(metadata map[string]string) map[string]string {
	user := make(map[string]string, len(metadata))
	for key, value := range metadata {
		if !session.IsReserved(key) {
			user[key] = value
		}
	}
	return user
}

// fromProtoMetadata is metadata with the user's tags and those of the present
// entries that are not the user's. It is never nil.
func fromProtoMetadata(user, present map[string]string) map[string]string {
	all := make(map[string]string, len(user)+1)
	for key, value := range present {
		if session.IsReserved(key) {
			all[key] = value
		}
	}
	maps.Copy(all, user)
	return all
}

// marked is metadata with the user's tags and the mark of the request; without a
// token there is none.
func marked(user map[string]string, requestID, token string) map[string]string {
	all := fromProtoMetadata(user, nil)
	if requestID != "" {
		all[session.MetadataKey] = token
	}
	return all
}

// toProtoTime is nil for the zero time.
func toProtoTime(t time.Time) *timestamppb.Timestamp {
	if t.IsZero() {
		return nil
	}
	return timestamppb.New(t)
}
