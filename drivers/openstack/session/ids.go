package session

import (
	"errors"
	"net/url"
	"regexp"

	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"

	"github.com/yunqiao/yunqiao/drivers/sdk"
)

var (
	uuidPattern = regexp.MustCompile(`^[0-9a-fA-F]{8}-?([0-9a-fA-F]{4}-?){3}[0-9a-fA-F]{12}$`)
	errNotUUID  = errors.New("not a UUID")
)

// UUID refuses with NOT_FOUND an id that cannot be one of the cloud's. Every id
// of a request passes here (or PathEscape) before it becomes part of an address:
// gophercloud does not escape.
func UUID(resourceType, id string) error {
	if !IsUUID(id) {
		return sdk.NotFound(resourceType, id, errNotUUID)
	}
	return nil
}

// ReferenceUUID is UUID for an id that a field refers to: REFERENCE_NOT_FOUND.
func ReferenceUUID(resourceType, id, field string) error {
	if !IsUUID(id) {
		return sdk.NewError(apiv1.Reason_REASON_REFERENCE_NOT_FOUND, sdk.Resource(resourceType, id), sdk.Field(field))
	}
	return nil
}

// IsUUID tells whether an id has the form of the cloud's own.
func IsUUID(id string) bool { return uuidPattern.MatchString(id) }

// PathEscape makes a free-form id (a flavor's, a key pair's name) one segment of
// an address.
func PathEscape(id string) string {
	switch id {
	case ".":
		return "%2E"
	case "..":
		return "%2E%2E"
	}
	return url.PathEscape(id)
}
