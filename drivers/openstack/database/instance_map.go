package database

import (
	"strings"

	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/flavors"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	databasev1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/database/v1"

	"github.com/yunqiao/yunqiao/drivers/openstack/rest"
	"github.com/yunqiao/yunqiao/drivers/sdk"
)

// Keys of provider_attributes of instances.
const (
	attributeOperating = "operating_status"
	attributeFault     = "fault"
	// longestAttribute is what the contract allows, in characters.
	longestAttribute = 256
)

const statusActive = "ACTIVE"

// known is what the driver knows beside the instance itself when it maps it.
type known struct {
	region   string
	flavors  []flavors.Flavor
	subnetID string
}

// toProtoInstance maps an instance.
func toProtoInstance(v *instance, k known) *databasev1.Instance {
	engine, port := toProtoEngine(v.Datastore.Type)
	out := &databasev1.Instance{
		Id:                 v.ID,
		Name:               rest.Unmarked(v.Name),
		State:              toProtoState(v),
		ProviderState:      v.Status,
		CreatedAt:          rest.ToProtoTime(v.CreatedAt),
		UpdatedAt:          rest.ToProtoTime(v.UpdatedAt),
		RegionId:           k.region,
		Charge:             &apiv1.Charge{Mode: apiv1.ChargeMode_CHARGE_MODE_POSTPAID},
		ProviderAttributes: toProtoAttributes(v),
		Engine:             engine,
		EngineVersion:      toProtoVersion(v.Datastore.VersionNumber, v.Datastore.Version),
		DbFlavorId:         v.Flavor.ID,
		StorageGib:         v.Volume.Size,
		StorageType:        v.Volume.Type,
		SubnetId:           k.subnetID,
		AllowedCidrs:       v.Access.AllowedCIDRs,
		Health:             toProtoHealth(v),
		PendingRestart:     v.Status == "RESTART_REQUIRED" || operating(v) == "RESTART_REQUIRED",
	}
	for i := range k.flavors {
		if f := &k.flavors[i]; f.ID == v.Flavor.ID {
			out.Vcpus, out.MemoryMib = int32(f.VCPUs), int32(f.RAM)
		}
	}
	if v.Hostname != "" {
		out.Endpoints = []*databasev1.Endpoint{{Kind: databasev1.EndpointKind_ENDPOINT_KIND_PRIVATE, Host: v.Hostname, Port: port}}
	}
	for _, a := range v.Addresses {
		out.Endpoints = append(out.Endpoints, &databasev1.Endpoint{Kind: toProtoKind(a.Type), Host: a.Address, Port: port})
	}
	if out.GetState() == databasev1.InstanceState_INSTANCE_STATE_ERROR {
		out.StateReason = sdk.ReasonName(apiv1.Reason_REASON_RESOURCE_FAILED)
	}
	return out
}

func toProtoAttributes(v *instance) map[string]string {
	out := map[string]string{attributeDatastore: datastoreText(v.Datastore.Type, v.Datastore.Version)}
	if word := operating(v); word != "" {
		out[attributeOperating] = word
	}
	// Trove also notes requests that it refused, and keeps the note for ever.
	if v.Fault != nil && toProtoState(v) == databasev1.InstanceState_INSTANCE_STATE_ERROR {
		text := []rune(strings.Join(strings.Fields(v.Fault.Message), " "))
		out[attributeFault] = string(text[:min(len(text), longestAttribute)])
	}
	return out
}

func toProtoKind(kind string) databasev1.EndpointKind {
	switch kind {
	case "private":
		return databasev1.EndpointKind_ENDPOINT_KIND_PRIVATE
	case "public":
		return databasev1.EndpointKind_ENDPOINT_KIND_PUBLIC
	}
	return databasev1.EndpointKind_ENDPOINT_KIND_UNSPECIFIED
}

// toProtoState maps the status. Source: trove/instance/models.py, InstanceStatus and
// SimpleInstance.status.
func toProtoState(v *instance) databasev1.InstanceState {
	switch v.Status {
	case "NEW", "BUILD":
		return databasev1.InstanceState_INSTANCE_STATE_CREATING
	case statusActive:
		if v.OperatingStatus != nil && operating(v) == "" {
			return databasev1.InstanceState_INSTANCE_STATE_UPDATING
		}
		return databasev1.InstanceState_INSTANCE_STATE_RUNNING
	case "HEALTHY", "RESTART_REQUIRED":
		return databasev1.InstanceState_INSTANCE_STATE_RUNNING
	case "REBOOT":
		return databasev1.InstanceState_INSTANCE_STATE_RESTARTING
	case "RESIZE", "UPGRADE", "PROMOTE", "EJECT", "DETACH", "LOGGING":
		return databasev1.InstanceState_INSTANCE_STATE_UPDATING
	case "BACKUP":
		return databasev1.InstanceState_INSTANCE_STATE_MAINTAINING
	case "SHUTDOWN":
		return databasev1.InstanceState_INSTANCE_STATE_DELETING
	case "ERROR", "FAILED", "BLOCKED":
		return databasev1.InstanceState_INSTANCE_STATE_ERROR
	}
	return databasev1.InstanceState_INSTANCE_STATE_UNSPECIFIED
}

func operating(v *instance) string {
	if v.OperatingStatus == nil {
		return ""
	}
	return *v.OperatingStatus
}

// toProtoHealth maps the operating status. Source: trove/instance/service_status.py.
func toProtoHealth(v *instance) databasev1.InstanceHealth {
	switch operating(v) {
	case "HEALTHY", statusActive, "RESTART_REQUIRED":
		return databasev1.InstanceHealth_INSTANCE_HEALTH_HEALTHY
	case "BLOCKED", "SHUTDOWN", "FAILED", "ERROR":
		return databasev1.InstanceHealth_INSTANCE_HEALTH_UNHEALTHY
	}
	return databasev1.InstanceHealth_INSTANCE_HEALTH_UNSPECIFIED
}

// isChanging tells whether an instance is on its way from one state to another.
func isChanging(state databasev1.InstanceState) bool {
	switch state {
	case databasev1.InstanceState_INSTANCE_STATE_RUNNING, databasev1.InstanceState_INSTANCE_STATE_STOPPED,
		databasev1.InstanceState_INSTANCE_STATE_DELETED, databasev1.InstanceState_INSTANCE_STATE_ERROR:
		return false
	}
	return true
}

// keeps tells whether an instance fits the filters of a request.
func keeps(req *databasev1.ListInstancesRequest, v *databasev1.Instance) bool {
	return req.GetTag() == "" &&
		(req.GetName() == "" || req.GetName() == v.GetName()) &&
		(req.GetState() == 0 || req.GetState() == v.GetState()) &&
		(req.GetEngine() == 0 || req.GetEngine() == v.GetEngine()) &&
		(req.GetSubnetId() == "" || req.GetSubnetId() == v.GetSubnetId())
}
