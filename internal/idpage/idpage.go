// Package idpage spells the page token of lists that are ordered by id: the id at
// which the page ended. It is opaque to clients and holds no secret.
package idpage

import (
	"encoding/base64"

	"github.com/yunqiao/yunqiao/drivers/sdk"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
)

// Encode makes the token of the page after an id.
func Encode(id string) string { return base64.RawURLEncoding.EncodeToString([]byte(id)) }

// Decode reads the id out of a token; "" of none. The error is PAGE_TOKEN_INVALID.
func Decode(token string) (id string, err error) {
	raw, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil {
		return "", sdk.NewError(apiv1.Reason_REASON_PAGE_TOKEN_INVALID, sdk.Violation("page_token", "is none of ours"))
	}
	return string(raw), nil
}
