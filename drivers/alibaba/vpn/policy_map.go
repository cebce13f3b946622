package vpn

import (
	"cmp"
	"strconv"
	"strings"

	securityv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/security/v1"

	"github.com/yunqiao/yunqiao/drivers/alibaba/held"
)

// Lifetimes that the contract gives where none is asked for, in seconds.
const (
	ikeLifetime   = 86400
	ipsecLifetime = 3600
)

// ikeText is how an IKE policy is kept: numbers of the contract's values, then the
// name, joined by dots.
func ikeText(req *securityv1.CreateIkePolicyRequest) string {
	return numbers(
		int32(cmp.Or(req.GetIkeVersion(), securityv1.IkeVersion_IKE_VERSION_V2)),
		int32(cmp.Or(req.GetNegotiationMode(), securityv1.IkeNegotiationMode_IKE_NEGOTIATION_MODE_MAIN)),
		int32(cmp.Or(req.GetEncryptionAlgorithm(), securityv1.EncryptionAlgorithm_ENCRYPTION_ALGORITHM_AES_256)),
		int32(cmp.Or(req.GetAuthAlgorithm(), securityv1.AuthAlgorithm_AUTH_ALGORITHM_SHA256)),
		int32(cmp.Or(req.GetDhGroup(), securityv1.DhGroup_DH_GROUP_14)),
		cmp.Or(req.GetLifetimeSeconds(), ikeLifetime),
	) + req.GetName()
}

// ipsecText is ikeText of an IPsec policy.
func ipsecText(req *securityv1.CreateIpsecPolicyRequest) string {
	return numbers(
		int32(cmp.Or(req.GetEncryptionAlgorithm(), securityv1.EncryptionAlgorithm_ENCRYPTION_ALGORITHM_AES_256)),
		int32(cmp.Or(req.GetAuthAlgorithm(), securityv1.AuthAlgorithm_AUTH_ALGORITHM_SHA256)),
		int32(cmp.Or(req.GetPfsGroup(), securityv1.DhGroup_DH_GROUP_14)),
		cmp.Or(req.GetLifetimeSeconds(), ipsecLifetime),
	) + req.GetName()
}

func numbers(all ...int32) string {
	var text strings.Builder
	for _, n := range all {
		text.WriteString(strconv.Itoa(int(n)) + ".")
	}
	return text.String()
}

// parts reads what numbers wrote: count numbers and the rest. What cannot be read
// is 0.
func parts(text string, count int) (values []int32, rest string) {
	fields := strings.SplitN(text, ".", count+1)
	values = make([]int32, count)
	for i := range min(count, len(fields)) {
		if n, err := strconv.ParseInt(fields[i], 10, 32); err == nil {
			values[i] = int32(n)
		}
	}
	if len(fields) > count {
		rest = fields[count]
	}
	return values, rest
}

// toProtoIke reads a kept IKE policy.
func toProtoIke(o held.Object, region string) *securityv1.IkePolicy {
	v, name := parts(o.Text, 6)
	return &securityv1.IkePolicy{
		Id:                  o.ID,
		Name:                name,
		RegionId:            region,
		IkeVersion:          securityv1.IkeVersion(v[0]),
		NegotiationMode:     securityv1.IkeNegotiationMode(v[1]),
		EncryptionAlgorithm: securityv1.EncryptionAlgorithm(v[2]),
		AuthAlgorithm:       securityv1.AuthAlgorithm(v[3]),
		DhGroup:             securityv1.DhGroup(v[4]),
		LifetimeSeconds:     v[5],
	}
}

// toProtoIpsec reads a kept IPsec policy.
func toProtoIpsec(o held.Object, region string) *securityv1.IpsecPolicy {
	v, name := parts(o.Text, 4)
	return &securityv1.IpsecPolicy{
		Id:                  o.ID,
		Name:                name,
		RegionId:            region,
		TransformProtocol:   securityv1.TransformProtocol_TRANSFORM_PROTOCOL_ESP,
		EncapsulationMode:   securityv1.EncapsulationMode_ENCAPSULATION_MODE_TUNNEL,
		EncryptionAlgorithm: securityv1.EncryptionAlgorithm(v[0]),
		AuthAlgorithm:       securityv1.AuthAlgorithm(v[1]),
		PfsGroup:            securityv1.DhGroup(v[2]),
		LifetimeSeconds:     v[3],
	}
}
