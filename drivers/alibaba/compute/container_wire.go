package compute

import (
	"github.com/yunqiao/yunqiao/drivers/alibaba/api"
	"github.com/yunqiao/yunqiao/drivers/alibaba/kind"
	"github.com/yunqiao/yunqiao/drivers/alibaba/tags"
)

// containerGroup is an item of DescribeContainerGroups, as far as the driver reads it.
type containerGroup struct {
	ContainerGroupID   string `json:"ContainerGroupId"`
	ContainerGroupName string
	Status             string
	CreationTime       string
	ZoneID             string `json:"ZoneId"`
	VpcID              string `json:"VpcId"`
	VSwitchID          string `json:"VSwitchId"`
	SecurityGroupID    string `json:"SecurityGroupId"`
	ResourceGroupID    string `json:"ResourceGroupId"`
	IntranetIP         string `json:"IntranetIp"`
	RestartPolicy      string
	CPU                float64 `json:"Cpu"` // cores
	Memory             float64 // GiB
	SpotStrategy       string
	Tags               tags.List
	Containers         []groupContainer
}

type groupContainer struct {
	Name            string
	Image           string
	Commands        []string
	Args            []string
	RestartCount    int32
	EnvironmentVars []struct{ Key, Value string }
	Ports           []struct {
		Port     int32
		Protocol string
	}
	CurrentState struct {
		StartTime string
		State     string
		Message   string
		Reason    string
		ExitCode  *int32
	}
}

func containerGroups() kind.Kind[containerGroup] {
	return kind.Kind[containerGroup]{
		Type: typeContainer, Product: api.ECI, Action: "DescribeContainerGroups", Items: "ContainerGroups",
		IDs: "ContainerGroupIds", Style: kind.JSONIDs, MaxIDs: 20, Paging: kind.Tokens, MaxPage: 20, Size: "Limit",
		ID: func(v *containerGroup) string { return v.ContainerGroupID },
	}
}
