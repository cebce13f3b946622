package compute

import (
	"cmp"
	"math"
	"strconv"
	"strings"

	computev1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/compute/v1"

	"github.com/yunqiao/yunqiao/drivers/alibaba/ecs"
	"github.com/yunqiao/yunqiao/drivers/alibaba/kind"
	"github.com/yunqiao/yunqiao/drivers/alibaba/tags"
)

const (
	millisPerCore = 1000
	stateEnded    = "Terminated"
)

// toProtoContainer maps a container group of the account's region. Of a group that
// was not made here the first container is shown.
func toProtoContainer(v *containerGroup, region string) *computev1.Container {
	c := &computev1.Container{
		Id:                 v.ContainerGroupID,
		Name:               v.ContainerGroupName,
		Tags:               v.Tags.ToProto(),
		State:              toProtoContainerState(v.Status),
		ProviderState:      v.Status,
		CreatedAt:          kind.ToProtoTime(v.CreationTime),
		RegionId:           region,
		ZoneId:             v.ZoneID,
		Charge:             ecs.ToProtoCharge("", v.SpotStrategy, ""),
		CpuMillicores:      int32(math.Round(v.CPU * millisPerCore)),
		MemoryMib:          int32(math.Round(v.Memory * mibPerGiB)),
		RestartPolicy:      toProtoRestartPolicy(v.RestartPolicy),
		SubnetId:           v.VSwitchID,
		PrivateIpAddress:   v.IntranetIP,
		ProviderAttributes: map[string]string{ecs.AttributeGroup: v.ResourceGroupID},
	}
	if v.SecurityGroupID != "" {
		c.SecurityGroupIds = []string{v.SecurityGroupID}
	}
	if len(v.Containers) > 0 {
		addContainer(c, &v.Containers[0])
	}
	c.ProviderAttributes = ecs.Attributes(c.GetProviderAttributes())
	return c
}

func addContainer(c *computev1.Container, v *groupContainer) {
	c.Image, c.Command, c.Args, c.RestartCount = v.Image, v.Commands, v.Args, v.RestartCount
	c.StartedAt = kind.ToProtoTime(v.CurrentState.StartTime)
	if v.CurrentState.State == stateEnded {
		c.ExitCode = v.CurrentState.ExitCode
	}
	c.ProviderAttributes[attributeMessage] = cmp.Or(v.CurrentState.Message, v.CurrentState.Reason)
	for _, e := range v.EnvironmentVars {
		c.Environment = append(c.Environment, &computev1.EnvironmentVariable{Name: e.Key, Value: e.Value})
	}
	for _, p := range v.Ports {
		c.Ports = append(c.Ports, &computev1.ContainerPort{Port: p.Port, Protocol: toProtoPortProtocol(p.Protocol)})
	}
}

// toProtoContainerState maps the status of a container group. Source:
// DescribeContainerGroups, Status.
func toProtoContainerState(status string) computev1.ContainerState {
	switch status {
	case "Scheduling":
		return computev1.ContainerState_CONTAINER_STATE_CREATING
	case "Pending":
		return computev1.ContainerState_CONTAINER_STATE_STARTING
	case "Running":
		return computev1.ContainerState_CONTAINER_STATE_RUNNING
	case "Restarting":
		return computev1.ContainerState_CONTAINER_STATE_RESTARTING
	case "Updating":
		return computev1.ContainerState_CONTAINER_STATE_UPDATING
	case "Succeeded":
		return computev1.ContainerState_CONTAINER_STATE_SUCCEEDED
	case "Failed", "Expired":
		return computev1.ContainerState_CONTAINER_STATE_FAILED
	case "Terminating":
		return computev1.ContainerState_CONTAINER_STATE_DELETING
	case "ScheduleFailed", "StartingFailed", "WatingForDel":
		return computev1.ContainerState_CONTAINER_STATE_ERROR
	}
	return computev1.ContainerState_CONTAINER_STATE_UNSPECIFIED
}

func toProtoRestartPolicy(policy string) computev1.RestartPolicy {
	switch policy {
	case "Always":
		return computev1.RestartPolicy_RESTART_POLICY_ALWAYS
	case "OnFailure":
		return computev1.RestartPolicy_RESTART_POLICY_ON_FAILURE
	case "Never":
		return computev1.RestartPolicy_RESTART_POLICY_NEVER
	}
	return computev1.RestartPolicy_RESTART_POLICY_UNSPECIFIED
}

func fromProtoRestartPolicy(policy computev1.RestartPolicy) string {
	switch policy {
	case computev1.RestartPolicy_RESTART_POLICY_ON_FAILURE:
		return "OnFailure"
	case computev1.RestartPolicy_RESTART_POLICY_NEVER:
		return "Never"
	default:
		return "Always"
	}
}

func toProtoPortProtocol(protocol string) computev1.ContainerPortProtocol {
	switch strings.ToUpper(protocol) {
	case "TCP":
		return computev1.ContainerPortProtocol_CONTAINER_PORT_PROTOCOL_TCP
	case "UDP":
		return computev1.ContainerPortProtocol_CONTAINER_PORT_PROTOCOL_UDP
	}
	return computev1.ContainerPortProtocol_CONTAINER_PORT_PROTOCOL_UNSPECIFIED
}

func fromProtoPortProtocol(protocol computev1.ContainerPortProtocol) string {
	if protocol == computev1.ContainerPortProtocol_CONTAINER_PORT_PROTOCOL_UDP {
		return "UDP"
	}
	return "TCP"
}

// cores writes millicores as ECI wants them, in cores.
func cores(millicores int32) string {
	return strconv.FormatFloat(float64(millicores)/millisPerCore, 'f', -1, 64)
}

// gibibytes writes MiB as ECI wants them, in GiB.
func gibibytes(mib int32) string {
	return strconv.FormatFloat(float64(mib)/mibPerGiB, 'f', -1, 64)
}

// registryOf is the host that an image reference names; the public one if it names none.
func registryOf(image string) string {
	host, _, found := strings.Cut(image, "/")
	if !found || !strings.ContainsAny(host, ".:") && host != "localhost" {
		return "docker.io"
	}
	return host
}

// keepsContainer tells whether a container fits the filters of a request.
func keepsContainer(req *computev1.ListContainersRequest, v *computev1.Container) bool {
	return (req.GetName() == "" || req.GetName() == v.GetName()) &&
		tags.Match(v.GetTags(), req.GetTag()) &&
		(req.GetState() == 0 || req.GetState() == v.GetState()) &&
		(req.GetSubnetId() == "" || req.GetSubnetId() == v.GetSubnetId())
}
