package vpn

import (
	"github.com/yunqiao/yunqiao/drivers/alibaba/api"
	"github.com/yunqiao/yunqiao/drivers/alibaba/kind"
	"github.com/yunqiao/yunqiao/drivers/alibaba/tags"
)

// Answers of the cloud, as far as the driver reads them. encoding/json compares
// names without case.

type gateway struct {
	VpnGatewayID               string
	Name                       string
	Description                string
	Status                     string
	BusinessStatus             string
	VpcID                      string
	VSwitchID                  string
	DisasterRecoveryVSwitchID  string
	InternetIP                 string
	DisasterRecoveryInternetIP string
	Spec                       string
	NetworkType                string
	ChargeType                 string
	CreateTime                 int64 // milliseconds
	EndTime                    int64 // milliseconds
	Tags                       tags.List
}

type customerGateway struct {
	CustomerGatewayID string
	IPAddress         string
	Tags              tags.List
}

// connection is what a list and a single answer say; they spell the tags in two ways.
type connection struct {
	VpnConnectionID            string
	Name                       string
	State                      string
	Status                     string
	VpnGatewayID               string
	CustomerGatewayID          string
	LocalSubnet                string
	RemoteSubnet               string
	EnableDpd                  bool
	EnableNatTraversal         bool
	InternetIP                 string
	CreateTime                 int64 // milliseconds
	IkeConfig                  ikeConfig
	IpsecConfig                ipsecConfig
	Tags                       tags.List
	Tag                        tags.List
	TunnelOptionsSpecification struct{ TunnelOptions []tunnel }
}

type ikeConfig struct {
	IkeVersion  string     `json:"IkeVersion"`
	IkeMode     string     `json:"IkeMode"`
	IkeEncAlg   string     `json:"IkeEncAlg"`
	IkeAuthAlg  string     `json:"IkeAuthAlg"`
	IkePfs      string     `json:"IkePfs"`
	IkeLifetime api.Number `json:"IkeLifetime"`
	LocalID     string     `json:"LocalId,omitempty"`
	RemoteID    string     `json:"RemoteId,omitempty"`
	Psk         string     `json:"Psk"`
}

type ipsecConfig struct {
	IpsecEncAlg   string     `json:"IpsecEncAlg"`
	IpsecAuthAlg  string     `json:"IpsecAuthAlg"`
	IpsecPfs      string     `json:"IpsecPfs"`
	IpsecLifetime api.Number `json:"IpsecLifetime"`
}

type tunnel struct {
	TunnelID           string
	CustomerGatewayID  string
	Role               string
	State              string
	Status             string
	InternetIP         string
	EnableDpd          api.Text
	EnableNatTraversal api.Text
	TunnelIkeConfig    ikeConfig
	TunnelIpsecConfig  ipsecConfig
}

// Types of resources of the contract.
const (
	typeService    = "security.vpn_service"
	typeConnection = "security.ipsec_connection"
)

func services() kind.Kind[gateway] {
	return kind.Kind[gateway]{
		Type: typeService, Product: api.VPC, Action: "DescribeVpnGateways", Items: "VpnGateways.VpnGateway", IDs: "VpnGatewayId",
		MaxPage: 50, ID: func(v *gateway) string { return v.VpnGatewayID },
	}
}

func connections() kind.Kind[connection] {
	return kind.Kind[connection]{
		Type: typeConnection, Product: api.VPC, Action: "DescribeVpnConnections", Items: "VpnConnections.VpnConnection", IDs: "VpnConnectionId",
		MaxPage: 50, ID: func(v *connection) string { return v.VpnConnectionID },
	}
}

func customerGateways() kind.Kind[customerGateway] {
	return kind.Kind[customerGateway]{
		Type: "security.customer_gateway", Product: api.VPC, Action: "DescribeCustomerGateways", Items: "CustomerGateways.CustomerGateway",
		IDs: "CustomerGatewayId", MaxPage: 50, ID: func(v *customerGateway) string { return v.CustomerGatewayID },
	}
}

func tagged(word, id string) tags.Target {
	return tags.Target{Product: api.VPC, Kind: word, Untag: "UnTagResources", ID: id}
}

// allTags are the tags of a connection, however the answer spells them.
func (v *connection) allTags() map[string]string {
	if len(v.Tags.Tags) > 0 {
		return v.Tags.All()
	}
	return v.Tag.All()
}
