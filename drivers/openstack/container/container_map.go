package container

import (
	"maps"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"

	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	computev1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/compute/v1"
	"google.golang.org/protobuf/proto"

	"github.com/yunqiao/yunqiao/drivers/openstack/rest"
	"github.com/yunqiao/yunqiao/drivers/openstack/session"
	"github.com/yunqiao/yunqiao/drivers/openstack/tags"
	"github.com/yunqiao/yunqiao/drivers/sdk"
)

const (
	// labelDescription is the label that holds the description.
	labelDescription = session.ReservedPrefix + "description"

	policyAlways    = "always"
	policyOnFailure = "on-failure"
	policyNever     = "no"
	// retries is how often a container that fails is started again.
	retries = "10"
)

// toProtoContainer maps a container.
func toProtoContainer(v *container, region string) *computev1.Container {
	out := &computev1.Container{
		Id:            v.UUID,
		Name:          v.Name,
		Description:   v.Labels[labelDescription],
		State:         toProtoState(v),
		ProviderState: v.Status,
		RegionId:      region,
		CreatedAt:     rest.ToProtoTime(v.CreatedAt),
		UpdatedAt:     rest.ToProtoTime(v.UpdatedAt),
		StartedAt:     rest.ToProtoTime(v.StartedAt),
		Charge:        &apiv1.Charge{Mode: apiv1.ChargeMode_CHARGE_MODE_POSTPAID},
		Image:         v.Image,
		CpuMillicores: millicores(v.CPU),
		MemoryMib:     int32(v.Memory),
		Command:       v.Entrypoint,
		Args:          v.Command,
		RestartPolicy: toProtoRestart(v.RestartPolicy.Name),

		SecurityGroupIds: v.SecurityGroups,
	}
	for _, key := range slices.Sorted(maps.Keys(v.Labels)) {
		if session.IsReserved(key) {
			continue
		}
		if out.Tags == nil {
			out.Tags = map[string]string{}
		}
		out.Tags[key] = v.Labels[key]
	}
	for _, name := range slices.Sorted(maps.Keys(v.Environment)) {
		out.Environment = append(out.Environment, &computev1.EnvironmentVariable{Name: name, Value: v.Environment[name]})
	}
	for _, port := range v.Ports {
		out.Ports = append(out.Ports, &computev1.ContainerPort{Port: port, Protocol: computev1.ContainerPortProtocol_CONTAINER_PORT_PROTOCOL_TCP})
	}
	for _, network := range slices.Sorted(maps.Keys(v.Addresses)) {
		for _, a := range v.Addresses[network] {
			if out.PrivateIpAddress == "" {
				out.PrivateIpAddress, out.SubnetId = a.Address, a.SubnetID
			}
		}
	}
	if code, ended := exitCode(v.StatusDetail); ended {
		out.ExitCode = proto.Int32(code)
	}
	if s := out.GetState(); s == computev1.ContainerState_CONTAINER_STATE_ERROR || s == computev1.ContainerState_CONTAINER_STATE_FAILED {
		out.StateReason = sdk.ReasonName(apiv1.Reason_REASON_RESOURCE_FAILED)
	}
	return out
}

// toProtoState maps status and task. Source: zun/common/consts.py.
func toProtoState(v *container) computev1.ContainerState {
	switch v.TaskState {
	case "container_deleting", "sandbox_deleting":
		return computev1.ContainerState_CONTAINER_STATE_DELETING
	case "container_stopping":
		return computev1.ContainerState_CONTAINER_STATE_STOPPING
	case "container_rebooting":
		return computev1.ContainerState_CONTAINER_STATE_RESTARTING
	case "container_starting":
		if v.Status != "Creating" {
			return computev1.ContainerState_CONTAINER_STATE_STARTING
		}
	}
	switch v.Status {
	case "Creating":
		return computev1.ContainerState_CONTAINER_STATE_CREATING
	case "Created":
		return createdState(v)
	case "Running":
		return computev1.ContainerState_CONTAINER_STATE_RUNNING
	case "Stopped":
		return stoppedState(v)
	case "Paused":
		return computev1.ContainerState_CONTAINER_STATE_PAUSED
	case "Restarting":
		return computev1.ContainerState_CONTAINER_STATE_RESTARTING
	case "Rebuilding":
		return computev1.ContainerState_CONTAINER_STATE_UPDATING
	case "Deleting":
		return computev1.ContainerState_CONTAINER_STATE_DELETING
	case "Deleted":
		return computev1.ContainerState_CONTAINER_STATE_DELETED
	case "Dead":
		return computev1.ContainerState_CONTAINER_STATE_FAILED
	case "Error":
		return computev1.ContainerState_CONTAINER_STATE_ERROR
	}
	return computev1.ContainerState_CONTAINER_STATE_UNSPECIFIED
}

// createdState: what the driver made starts by itself; what others made may not.
func createdState(v *container) computev1.ContainerState {
	if v.Labels[session.MetadataKey] != "" {
		return computev1.ContainerState_CONTAINER_STATE_STARTING
	}
	return computev1.ContainerState_CONTAINER_STATE_STOPPED
}

// stoppedState: one that is not started again has done its work if it ended well.
// Exit codes above 128 are of a signal, as a stop sends it.
func stoppedState(v *container) computev1.ContainerState {
	code, ended := exitCode(v.StatusDetail)
	switch {
	case !ended || v.RestartPolicy.Name == policyAlways || code > 128:
		return computev1.ContainerState_CONTAINER_STATE_STOPPED
	case code == 0 && v.RestartPolicy.Name == policyNever:
		return computev1.ContainerState_CONTAINER_STATE_SUCCEEDED
	case code != 0:
		return computev1.ContainerState_CONTAINER_STATE_FAILED
	}
	return computev1.ContainerState_CONTAINER_STATE_STOPPED
}

var exited = regexp.MustCompile(`^Exited\s?\((\d+)\)`)

// exitCode reads it out of "Exited(0) 8 mins ago".
func exitCode(detail string) (code int32, ended bool) {
	m := exited.FindStringSubmatch(detail)
	if m == nil {
		return 0, false
	}
	n, err := strconv.ParseInt(m[1], 10, 32)
	return int32(n), err == nil
}

func toProtoRestart(name string) computev1.RestartPolicy {
	switch name {
	case policyAlways, "unless-stopped":
		return computev1.RestartPolicy_RESTART_POLICY_ALWAYS
	case policyOnFailure:
		return computev1.RestartPolicy_RESTART_POLICY_ON_FAILURE
	case policyNever, "":
		return computev1.RestartPolicy_RESTART_POLICY_NEVER
	}
	return computev1.RestartPolicy_RESTART_POLICY_UNSPECIFIED
}

// checkCreate refuses what Zun has not.
func checkCreate(req *computev1.CreateContainerRequest) error {
	for _, variable := range req.GetEnvironment() {
		if variable.GetSecretValue() != "" {
			return sdk.Unsupported("compute.container.secret_environment")
		}
	}
	switch {
	case req.GetRegistryAuth() != nil:
		return sdk.Unsupported("compute.container.registry_auth")
	case req.GetCharge().GetMode() == apiv1.ChargeMode_CHARGE_MODE_PREPAID, req.GetCharge().GetMode() == apiv1.ChargeMode_CHARGE_MODE_SPOT:
		return sdk.Unsupported("compute.container.prepaid")
	}
	return nil
}

// fromProtoCreate maps a request; lists tells that commands are lists.
func fromProtoCreate(req *computev1.CreateContainerRequest, networkID string, groups []string, token string, lists bool) map[string]any {
	labels := map[string]string{session.MetadataKey: token}
	maps.Copy(labels, req.GetTags())
	if req.GetDescription() != "" {
		labels[labelDescription] = req.GetDescription()
	}
	body := map[string]any{
		"name": req.GetName(), "image": req.GetImage(), "labels": labels, "security_groups": groups,
		"cpu": float64(req.GetCpuMillicores()) / 1000, "memory": strconv.Itoa(int(req.GetMemoryMib())),
		"nets": []map[string]string{{"network": networkID}}, "restart_policy": fromProtoRestart(req.GetRestartPolicy()),
	}
	if len(req.GetCommand()) > 0 {
		body["entrypoint"] = req.GetCommand()
	}
	if len(req.GetArgs()) > 0 {
		body["command"] = req.GetArgs()
		if !lists {
			body["command"] = strings.Join(req.GetArgs(), " ")
		}
	}
	if len(req.GetEnvironment()) > 0 {
		environment := map[string]string{}
		for _, variable := range req.GetEnvironment() {
			environment[variable.GetName()] = variable.GetValue()
		}
		body["environment"] = environment
	}
	if len(req.GetPorts()) > 0 {
		exposed := map[string]any{}
		for _, p := range req.GetPorts() {
			protocol := "/tcp"
			if p.GetProtocol() == computev1.ContainerPortProtocol_CONTAINER_PORT_PROTOCOL_UDP {
				protocol = "/udp"
			}
			exposed[strconv.Itoa(int(p.GetPort()))+protocol] = map[string]any{}
		}
		body["exposed_ports"] = exposed
	}
	if req.GetZoneId() != "" {
		body["availability_zone"] = req.GetZoneId()
	}
	return body
}

func fromProtoRestart(p computev1.RestartPolicy) map[string]string {
	switch p {
	case computev1.RestartPolicy_RESTART_POLICY_NEVER:
		return map[string]string{"Name": policyNever}
	case computev1.RestartPolicy_RESTART_POLICY_ON_FAILURE:
		return map[string]string{"Name": policyOnFailure, "MaximumRetryCount": retries}
	}
	return map[string]string{"Name": policyAlways}
}

func millicores(cpu float64) int32 { return int32(math.Round(cpu * 1000)) }

// mebibytes reads "500M", "1G", "512" (MiB) or a number of MiB.
func mebibytes(text string) int32 {
	text = strings.ToUpper(strings.Trim(text, `" `))
	factor := 1.0
	switch {
	case strings.HasSuffix(text, "G"):
		factor = 1024
	case strings.HasSuffix(text, "K"):
		factor = 1.0 / 1024
	}
	n, err := strconv.ParseFloat(strings.TrimRight(text, "KMG"), 64)
	if err != nil {
		return 0
	}
	return int32(n * factor)
}

func keeps(req *computev1.ListContainersRequest, v *computev1.Container) bool {
	return (req.GetName() == "" || req.GetName() == v.GetName()) && tags.Match(v.GetTags(), req.GetTag()) &&
		(req.GetState() == 0 || req.GetState() == v.GetState()) &&
		(req.GetSubnetId() == "" || req.GetSubnetId() == v.GetSubnetId())
}
