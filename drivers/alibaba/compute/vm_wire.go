package compute

import (
	"context"

	"github.com/yunqiao/yunqiao/drivers/alibaba/api"
	"github.com/yunqiao/yunqiao/drivers/alibaba/kind"
	"github.com/yunqiao/yunqiao/drivers/alibaba/tags"
)

// instance is an item of DescribeInstances, as far as the driver reads it.
type instance struct {
	InstanceID         string `json:"InstanceId"`
	InstanceName       string
	Description        string
	Status             string
	HostName           string
	ImageID            string `json:"ImageId"`
	InstanceType       string
	CPU                int32 `json:"Cpu"`
	Memory             int32
	OSType             string
	OSName             string
	ZoneID             string `json:"ZoneId"`
	CreationTime       string
	StartTime          string
	AutoReleaseTime    string
	ExpiredTime        string
	InstanceChargeType string
	SpotStrategy       string
	StoppedMode        string
	KeyPairName        string
	ResourceGroupID    string `json:"ResourceGroupId"`
	DeletionProtection bool
	Tags               tags.List
	SecurityGroupIDs   struct {
		SecurityGroupID []string `json:"SecurityGroupId"`
	} `json:"SecurityGroupIds"`
	VpcAttributes struct {
		VpcID            string `json:"VpcId"`
		VSwitchID        string `json:"VSwitchId"`
		PrivateIPAddress addresses
	}
	PublicIPAddress   addresses
	EipAddress        struct{ IPAddress string }
	NetworkInterfaces struct{ NetworkInterface []instanceNIC }
	OperationLocks    struct {
		LockReason []struct{ LockReason string }
	}
}

type addresses struct {
	IPAddress []string
}

type instanceNIC struct {
	NetworkInterfaceID string `json:"NetworkInterfaceId"`
	Type               string
	MacAddress         string
	PrimaryIPAddress   string
	PrivateIPSets      struct {
		PrivateIPSet []struct{ PrivateIPAddress string }
	} `json:"PrivateIpSets"`
	Ipv6Sets struct {
		Ipv6Set []struct{ Ipv6Address string }
	}
}

func instances() kind.Kind[instance] {
	return kind.Kind[instance]{
		Type: typeVM, Product: api.ECS, Action: "DescribeInstances", Items: "Instances.Instance",
		IDs: "InstanceIds", Style: kind.JSONIDs, MaxIDs: 100, Paging: kind.Tokens, MaxPage: 100,
		ID: func(v *instance) string { return v.InstanceID }, Group: func(v *instance) string { return v.ResourceGroupID },
	}
}

// act calls an action about one instance.
func act(ctx context.Context, caller api.Caller, action, id string, params api.Params) error {
	return caller.Call(ctx, api.ECS, action, params.Set("InstanceId", id), nil)
}

// tagged is what an instance is for tagging.
func tagged(id string) tags.Target {
	return tags.Target{Product: api.ECS, Kind: "instance", Untag: "UntagResources", ID: id}
}
