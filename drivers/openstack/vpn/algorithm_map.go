package vpn

import (
	"strconv"
	"strings"

	securityv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/security/v1"

	"github.com/yunqiao/yunqiao/drivers/sdk"
)

// The safe defaults of the contract; those of Neutron are weak.
const (
	ikeLifetime   = 86400
	ipsecLifetime = 3600
)

func toProtoEncryption(word string) securityv1.EncryptionAlgorithm {
	switch word {
	case "3des":
		return securityv1.EncryptionAlgorithm_ENCRYPTION_ALGORITHM_TRIPLE_DES
	case "aes-128":
		return securityv1.EncryptionAlgorithm_ENCRYPTION_ALGORITHM_AES_128
	case "aes-192":
		return securityv1.EncryptionAlgorithm_ENCRYPTION_ALGORITHM_AES_192
	case "aes-256":
		return securityv1.EncryptionAlgorithm_ENCRYPTION_ALGORITHM_AES_256
	default:
		return securityv1.EncryptionAlgorithm_ENCRYPTION_ALGORITHM_UNSPECIFIED
	}
}

// fromProtoEncryption is Neutron's word; empty: it has none.
func fromProtoEncryption(v securityv1.EncryptionAlgorithm) string {
	switch v {
	case securityv1.EncryptionAlgorithm_ENCRYPTION_ALGORITHM_UNSPECIFIED, securityv1.EncryptionAlgorithm_ENCRYPTION_ALGORITHM_AES_256:
		return "aes-256"
	case securityv1.EncryptionAlgorithm_ENCRYPTION_ALGORITHM_AES_192:
		return "aes-192"
	case securityv1.EncryptionAlgorithm_ENCRYPTION_ALGORITHM_AES_128:
		return "aes-128"
	case securityv1.EncryptionAlgorithm_ENCRYPTION_ALGORITHM_TRIPLE_DES:
		return "3des"
	default:
		return ""
	}
}

const authPrefix = "AUTH_ALGORITHM_"

// toProtoAuth maps an algorithm; the words are the contract's, "aes-xcbc".
func toProtoAuth(word string) securityv1.AuthAlgorithm {
	return securityv1.AuthAlgorithm(securityv1.AuthAlgorithm_value[authPrefix+strings.ToUpper(strings.ReplaceAll(word, "-", "_"))])
}

// fromProtoAuth is Neutron's word; empty: it has none.
func fromProtoAuth(v securityv1.AuthAlgorithm) string {
	if v == securityv1.AuthAlgorithm_AUTH_ALGORITHM_MD5 {
		return ""
	}
	return strings.ReplaceAll(authName(v), "_", "-")
}

// authName is the end of a value's feature name: "sha384".
func authName(v securityv1.AuthAlgorithm) string {
	if v == securityv1.AuthAlgorithm_AUTH_ALGORITHM_UNSPECIFIED {
		return "sha256"
	}
	return strings.ToLower(strings.TrimPrefix(v.String(), authPrefix))
}

const groupPrefix = "group"

func toProtoGroup(word string) securityv1.DhGroup {
	n, err := strconv.Atoi(strings.TrimPrefix(word, groupPrefix))
	if _, known := securityv1.DhGroup_name[int32(n)]; err != nil || !known {
		return securityv1.DhGroup_DH_GROUP_UNSPECIFIED
	}
	return securityv1.DhGroup(n)
}

// fromProtoGroup is Neutron's word; empty: it has none.
func fromProtoGroup(v securityv1.DhGroup) string {
	switch v {
	case securityv1.DhGroup_DH_GROUP_UNSPECIFIED:
		return groupPrefix + "14"
	case securityv1.DhGroup_DH_GROUP_1, securityv1.DhGroup_DH_GROUP_NONE:
		return ""
	}
	return groupPrefix + strconv.Itoa(int(v))
}

// groupName is the end of a value's feature name: "g19", "disabled".
func groupName(v securityv1.DhGroup) string {
	if v == securityv1.DhGroup_DH_GROUP_NONE {
		return "disabled"
	}
	return "g" + strconv.Itoa(int(v))
}

// suite is what both kinds of policies choose.
type suite struct {
	resource, group string // beginnings of feature names: "security.ike_policy", "dh_group"
	encryption      securityv1.EncryptionAlgorithm
	auth            securityv1.AuthAlgorithm
	dh              securityv1.DhGroup
}

// fromProtoSuite maps a choice. Errors: UNSUPPORTED_FEATURE of what Neutron has no
// word for.
func fromProtoSuite(s suite) (map[string]any, error) {
	encryption, auth, dh := fromProtoEncryption(s.encryption), fromProtoAuth(s.auth), fromProtoGroup(s.dh)
	switch {
	case encryption == "":
		return nil, sdk.Unsupported(s.resource + ".encryption_algorithm.des")
	case auth == "":
		return nil, sdk.Unsupported(s.authFeature())
	case dh == "":
		return nil, sdk.Unsupported(s.groupFeature())
	}
	return map[string]any{"encryption_algorithm": encryption, "auth_algorithm": auth, "pfs": dh}, nil
}

func (s suite) authFeature() string  { return s.resource + ".auth_algorithm." + authName(s.auth) }
func (s suite) groupFeature() string { return s.resource + "." + s.group + "." + groupName(s.dh) }

// refused is the feature that a cloud lacks when it refuses the choice with a text;
// empty: the text is about something else.
func (s suite) refused(text string) string {
	switch {
	case strings.Contains(text, "auth_algorithm"):
		return s.authFeature()
	case strings.Contains(text, "pfs"):
		return s.groupFeature()
	}
	return ""
}

func lifetimeOr(seconds, standard int32) map[string]any {
	if seconds == 0 {
		seconds = standard
	}
	return map[string]any{"units": "seconds", "value": seconds}
}
