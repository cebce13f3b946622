package definitions

import (
	"fmt"
	"slices"
)

// Fault is what is wrong with a parameter.
type Fault int

// Faults of parameters.
const (
	Unknown    Fault = iota + 1 // the action has no such parameter
	Missing                     // required and not there, or empty
	WrongType                   // not a number, not JSON, …
	OutOfEnum                   // not one of the published values
	OutOfRange                  // below the minimum or above the maximum, too many items, too long
)

// Problem is one parameter that contradicts the definitions.
type Problem struct {
	Fault     Fault
	Parameter string // as sent, with numbers and dots: Tag.1.Key
	Detail    string
}

// Error says what is wrong without the value, which may be a secret.
func (p Problem) Error() string { return fmt.Sprintf("parameter %s: %s", p.Parameter, p.Detail) }

// common are the parameters that every call may carry: the protocol's own and
// those of products older than resource groups, which no definition lists.
var common = []string{
	"Action", "Version", "Format", "AccessKeyId", "SignatureMethod", "SignatureVersion", "SignatureNonce",
	"SignatureType", "Timestamp", "Signature", "SecurityToken", "BearerToken", "RegionId", "AcceptLanguage", "Lang", "SourceIp",
	"SecureTransport", "OwnerId", "OwnerAccount", "ResourceOwnerId", "ResourceOwnerAccount",
}

// IsCommon tells whether every call may carry the parameter.
func IsCommon(name string) bool { return slices.Contains(common, name) }
