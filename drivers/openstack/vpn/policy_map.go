package vpn

import (
	securityv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/security/v1"

	"github.com/yunqiao/yunqiao/drivers/openstack/rest"
)

const (
	modeAggressive    = "aggressive"
	protocolAH        = "ah"
	protocolAHESP     = "ah-esp"
	protocolESP       = "esp"
	encapsulateTunnel = "tunnel"
	encapsulateOnly   = "transport"
)

func toProtoIKEConfig(v *ikePolicy) *securityv1.IkeConfig {
	out := &securityv1.IkeConfig{
		IkeVersion:          securityv1.IkeVersion_IKE_VERSION_V1,
		NegotiationMode:     securityv1.IkeNegotiationMode_IKE_NEGOTIATION_MODE_MAIN,
		EncryptionAlgorithm: toProtoEncryption(v.Encryption),
		AuthAlgorithm:       toProtoAuth(v.Auth),
		DhGroup:             toProtoGroup(v.PFS),
		LifetimeSeconds:     v.Lifetime.Value,
	}
	if v.Version == "v2" {
		out.IkeVersion = securityv1.IkeVersion_IKE_VERSION_V2
	}
	if v.Mode == modeAggressive {
		out.NegotiationMode = securityv1.IkeNegotiationMode_IKE_NEGOTIATION_MODE_AGGRESSIVE
	}
	return out
}

func toProtoIKEPolicy(v *ikePolicy, region string) *securityv1.IkePolicy {
	c := toProtoIKEConfig(v)
	return &securityv1.IkePolicy{
		Id:                  v.ID,
		Name:                v.Name,
		Description:         rest.Unmarked(v.Description),
		RegionId:            region,
		IkeVersion:          c.GetIkeVersion(),
		NegotiationMode:     c.GetNegotiationMode(),
		EncryptionAlgorithm: c.GetEncryptionAlgorithm(),
		AuthAlgorithm:       c.GetAuthAlgorithm(),
		DhGroup:             c.GetDhGroup(),
		LifetimeSeconds:     c.GetLifetimeSeconds(),
	}
}

func ikeSuite(req *securityv1.CreateIkePolicyRequest) suite {
	return suite{
		resource: ikePolicies.Type, group: "dh_group",
		encryption: req.GetEncryptionAlgorithm(), auth: req.GetAuthAlgorithm(), dh: req.GetDhGroup(),
	}
}

// fromProtoCreateIKE maps what a request says of a new policy, but for the
// description. Errors: UNSUPPORTED_FEATURE.
func fromProtoCreateIKE(req *securityv1.CreateIkePolicyRequest) (map[string]any, error) {
	attributes, err := fromProtoSuite(ikeSuite(req))
	if err != nil {
		return nil, err
	}
	attributes["name"] = req.GetName()
	attributes["lifetime"] = lifetimeOr(req.GetLifetimeSeconds(), ikeLifetime)
	attributes["ike_version"], attributes["phase1_negotiation_mode"] = "v2", "main"
	if req.GetIkeVersion() == securityv1.IkeVersion_IKE_VERSION_V1 {
		attributes["ike_version"] = "v1"
	}
	if req.GetNegotiationMode() == securityv1.IkeNegotiationMode_IKE_NEGOTIATION_MODE_AGGRESSIVE {
		attributes["phase1_negotiation_mode"] = modeAggressive
	}
	return attributes, nil
}

func toProtoIPsecConfig(v *ipsecPolicy) *securityv1.IpsecConfig {
	out := &securityv1.IpsecConfig{
		TransformProtocol:   securityv1.TransformProtocol_TRANSFORM_PROTOCOL_ESP,
		EncapsulationMode:   securityv1.EncapsulationMode_ENCAPSULATION_MODE_TUNNEL,
		EncryptionAlgorithm: toProtoEncryption(v.Encryption),
		AuthAlgorithm:       toProtoAuth(v.Auth),
		PfsGroup:            toProtoGroup(v.PFS),
		LifetimeSeconds:     v.Lifetime.Value,
	}
	switch v.Transform {
	case protocolAH:
		out.TransformProtocol = securityv1.TransformProtocol_TRANSFORM_PROTOCOL_AH
	case protocolAHESP:
		out.TransformProtocol = securityv1.TransformProtocol_TRANSFORM_PROTOCOL_AH_ESP
	}
	if v.Encapsulation == encapsulateOnly {
		out.EncapsulationMode = securityv1.EncapsulationMode_ENCAPSULATION_MODE_TRANSPORT
	}
	return out
}

func toProtoIPsecPolicy(v *ipsecPolicy, region string) *securityv1.IpsecPolicy {
	c := toProtoIPsecConfig(v)
	return &securityv1.IpsecPolicy{
		Id:                  v.ID,
		Name:                v.Name,
		Description:         rest.Unmarked(v.Description),
		RegionId:            region,
		TransformProtocol:   c.GetTransformProtocol(),
		EncapsulationMode:   c.GetEncapsulationMode(),
		EncryptionAlgorithm: c.GetEncryptionAlgorithm(),
		AuthAlgorithm:       c.GetAuthAlgorithm(),
		PfsGroup:            c.GetPfsGroup(),
		LifetimeSeconds:     c.GetLifetimeSeconds(),
	}
}

func ipsecSuite(req *securityv1.CreateIpsecPolicyRequest) suite {
	return suite{
		resource: ipsecPolicies.Type, group: "pfs_group",
		encryption: req.GetEncryptionAlgorithm(), auth: req.GetAuthAlgorithm(), dh: req.GetPfsGroup(),
	}
}

// fromProtoCreateIPsec maps what a request says of a new policy, but for the
// description. Errors: UNSUPPORTED_FEATURE.
func fromProtoCreateIPsec(req *securityv1.CreateIpsecPolicyRequest) (map[string]any, error) {
	attributes, err := fromProtoSuite(ipsecSuite(req))
	if err != nil {
		return nil, err
	}
	attributes["name"] = req.GetName()
	attributes["lifetime"] = lifetimeOr(req.GetLifetimeSeconds(), ipsecLifetime)
	attributes["transform_protocol"], attributes["encapsulation_mode"] = protocolESP, encapsulateTunnel
	switch req.GetTransformProtocol() {
	case securityv1.TransformProtocol_TRANSFORM_PROTOCOL_AH:
		attributes["transform_protocol"] = protocolAH
	case securityv1.TransformProtocol_TRANSFORM_PROTOCOL_AH_ESP:
		attributes["transform_protocol"] = protocolAHESP
	}
	if req.GetEncapsulationMode() == securityv1.EncapsulationMode_ENCAPSULATION_MODE_TRANSPORT {
		attributes["encapsulation_mode"] = encapsulateOnly
	}
	return attributes, nil
}
