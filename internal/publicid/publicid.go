// Package publicid is the spelling of resource ids north of the gateway:
// "<account>.<native>", where the native part follows package nativeid.
package publicid

import (
	"regexp"
	"strings"

	"github.com/yunqiao/yunqiao/drivers/sdk"
	"github.com/yunqiao/yunqiao/drivers/sdk/nativeid"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
)

// MaxLength of a public id in bytes.
const MaxLength = 512

var account = regexp.MustCompile(`^[a-z][a-z0-9-]{1,30}[a-z0-9]$`)

// Join spells the id of a resource. Both parts are trusted.
func Join(account, native string) string { return account + "." + native }

// Split parses an id strictly: there is one spelling for each resource. The error
// is ID_MALFORMED and names the field.
func Split(field, id string) (accountID, native string, err error) {
	accountID, native, found := strings.Cut(id, ".")
	switch {
	case len(id) > MaxLength:
		return "", "", malformed(field, "is longer than 512 bytes")
	case !found:
		return "", "", malformed(field, "must be <account>.<native id>")
	case !ValidAccount(accountID):
		return "", "", malformed(field, "has no valid account before the dot")
	}
	if _, err := nativeid.Split(native); err != nil {
		return "", "", malformed(field, "has a malformed native part")
	}
	return accountID, native, nil
}

// ValidAccount tells whether a name may be an account's.
func ValidAccount(id string) bool { return account.MatchString(id) }

func malformed(field, problem string) error {
	return sdk.NewError(apiv1.Reason_REASON_ID_MALFORMED, sdk.Violation(field, problem))
}
