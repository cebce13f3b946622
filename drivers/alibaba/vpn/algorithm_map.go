package vpn

import (
	"strconv"
	"strings"

	securityv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/security/v1"

	"github.com/yunqiao/yunqiao/drivers/sdk"
)

// Words of the cloud: CreateVpnConnection, IkeConfig and IpsecConfig.

func fromProtoEncryption(v securityv1.EncryptionAlgorithm) string {
	switch v {
	case securityv1.EncryptionAlgorithm_ENCRYPTION_ALGORITHM_DES:
		return "des"
	case securityv1.EncryptionAlgorithm_ENCRYPTION_ALGORITHM_TRIPLE_DES:
		return "3des"
	case securityv1.EncryptionAlgorithm_ENCRYPTION_ALGORITHM_AES_128:
		return "aes"
	case securityv1.EncryptionAlgorithm_ENCRYPTION_ALGORITHM_AES_192:
		return "aes192"
	default:
		return "aes256"
	}
}

func toProtoEncryption(word string) securityv1.EncryptionAlgorithm {
	switch strings.ToLower(word) {
	case "des":
		return securityv1.EncryptionAlgorithm_ENCRYPTION_ALGORITHM_DES
	case "3des":
		return securityv1.EncryptionAlgorithm_ENCRYPTION_ALGORITHM_TRIPLE_DES
	case "aes", "aes128":
		return securityv1.EncryptionAlgorithm_ENCRYPTION_ALGORITHM_AES_128
	case "aes192":
		return securityv1.EncryptionAlgorithm_ENCRYPTION_ALGORITHM_AES_192
	case "aes256":
		return securityv1.EncryptionAlgorithm_ENCRYPTION_ALGORITHM_AES_256
	default:
		return securityv1.EncryptionAlgorithm_ENCRYPTION_ALGORITHM_UNSPECIFIED
	}
}

const authPrefix = "AUTH_ALGORITHM_"

func fromProtoAuth(v securityv1.AuthAlgorithm) string {
	if v == securityv1.AuthAlgorithm_AUTH_ALGORITHM_UNSPECIFIED {
		return "sha256"
	}
	return strings.ToLower(strings.TrimPrefix(v.String(), authPrefix))
}

func toProtoAuth(word string) securityv1.AuthAlgorithm {
	return securityv1.AuthAlgorithm(securityv1.AuthAlgorithm_value[authPrefix+strings.ToUpper(word)])
}

// noPFS is no Diffie-Hellman exchange for the keys of IPsec.
const noPFS = "disabled"

func fromProtoGroup(v securityv1.DhGroup) string {
	switch v {
	case securityv1.DhGroup_DH_GROUP_UNSPECIFIED:
		return "group14"
	case securityv1.DhGroup_DH_GROUP_NONE:
		return noPFS
	}
	return "group" + strconv.Itoa(int(v))
}

func toProtoGroup(word string) securityv1.DhGroup {
	if word == noPFS {
		return securityv1.DhGroup_DH_GROUP_NONE
	}
	n, err := strconv.ParseInt(strings.TrimPrefix(word, "group"), 10, 32)
	if _, known := securityv1.DhGroup_name[int32(n)]; err != nil || !known {
		return securityv1.DhGroup_DH_GROUP_UNSPECIFIED
	}
	return securityv1.DhGroup(n)
}

// checkSuite refuses what the cloud has no word for; policy and group begin the
// names of features. Errors: UNSUPPORTED_FEATURE.
func checkSuite(policy, group string, auth securityv1.AuthAlgorithm, dh securityv1.DhGroup) error {
	switch auth {
	case securityv1.AuthAlgorithm_AUTH_ALGORITHM_AES_XCBC, securityv1.AuthAlgorithm_AUTH_ALGORITHM_AES_CMAC:
		return sdk.Unsupported(policy + ".auth_algorithm." + fromProtoAuth(auth))
	}
	switch dh {
	case securityv1.DhGroup_DH_GROUP_UNSPECIFIED, securityv1.DhGroup_DH_GROUP_1, securityv1.DhGroup_DH_GROUP_2,
		securityv1.DhGroup_DH_GROUP_5, securityv1.DhGroup_DH_GROUP_14, securityv1.DhGroup_DH_GROUP_NONE:
		return nil
	}
	return sdk.Unsupported(policy + "." + group + ".g" + strconv.Itoa(int(dh)))
}
