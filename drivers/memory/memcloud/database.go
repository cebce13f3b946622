package memcloud

import (
	"context"

	"github.com/yunqiao/yunqiao/drivers/sdk"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	databasev1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/database/v1"
	networkv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/network/v1"
)

type instanceService struct {
	databasev1.UnimplementedInstanceServiceServer
	c *Cloud
}

var _ databasev1.InstanceServiceServer = (*instanceService)(nil)

// CreateInstance makes a database instance with its NIC.
func (s *instanceService) CreateInstance(ctx context.Context, req *databasev1.CreateInstanceRequest) (*databasev1.CreateInstanceResponse, error) {
	return write(s.c, ctx, func(v *view) (*databasev1.CreateInstanceResponse, error) {
		instance, err := newInstance(v, req)
		if err != nil {
			return nil, err
		}
		setState(instance, databasev1.InstanceState_INSTANCE_STATE_CREATING)
		r, instance := instances.add(v, instance)
		v.after(r, instanceCreateDelay)
		nic, err := makeDeviceNIC(v, nicSpec{subnetField: "subnet_id", subnetID: req.GetSubnetId()},
			device{r.id, req.GetName(), networkv1.NicDeviceKind_NIC_DEVICE_KIND_OTHER})
		if err != nil {
			return nil, err
		}
		nic.LinkState = networkv1.NicLink_NIC_LINK_UP
		instance.Endpoints = []*databasev1.Endpoint{{
			Kind: databasev1.EndpointKind_ENDPOINT_KIND_PRIVATE, Host: nic.GetIpAddresses()[0], Port: portOf(instance.GetEngine()),
		}}
		return &databasev1.CreateInstanceResponse{Id: r.id, State: instance.GetState()}, nil
	})
}

// newInstance checks a request and works out what it left to the cloud.
func newInstance(v *view, req *databasev1.CreateInstanceRequest) (*databasev1.Instance, error) {
	if err := zoneKnown(v, req.GetZoneId()); err != nil {
		return nil, err
	}
	if !offersEngine(v, req.GetEngine(), req.GetEngineVersion()) {
		return nil, rejected("engine_version")
	}
	flavor, err := databaseFlavor(v, req)
	if err != nil {
		return nil, err
	}
	instance := &databasev1.Instance{ZoneId: defaultZone, StorageType: defaultDiskType}
	fill(instance, req)
	instance.Charge = chargeOrPostpaid(req.GetCharge())
	instance.DbFlavorId, instance.Vcpus, instance.MemoryMib = flavor.GetId(), flavor.GetVcpus(), flavor.GetMemoryMib()
	instance.StorageGib = (req.GetStorageGib() + storageStepGib - 1) / storageStepGib * storageStepGib
	if _, _, ok := diskTypes.find(v, instance.GetStorageType()); !ok {
		return nil, rejected("storage_type")
	}
	if len(instance.GetAllowedCidrs()) == 0 {
		_, subnet, err := subnets.ref(v, "subnet_id", req.GetSubnetId())
		if err != nil {
			return nil, err
		}
		instance.AllowedCidrs = []string{subnet.GetCidr()}
	}
	if instance.GetUsername() == "" && req.GetPassword() != "" {
		instance.Username = defaultDatabaseUser
	}
	return instance, v.within(use{"database.instance.count", 1}, use{"database.instance.storage", instance.GetStorageGib()})
}

// DeleteInstance removes an instance with its storage.
func (s *instanceService) DeleteInstance(ctx context.Context, req *databasev1.DeleteInstanceRequest) (*databasev1.DeleteInstanceResponse, error) {
	return write(s.c, ctx, func(v *view) (*databasev1.DeleteInstanceResponse, error) {
		state, err := remove(v, instances, req.GetId(), databasev1.InstanceState_INSTANCE_STATE_DELETED, change[databasev1.InstanceState]{
			from: []databasev1.InstanceState{databasev1.InstanceState_INSTANCE_STATE_RUNNING,
				databasev1.InstanceState_INSTANCE_STATE_STOPPED, databasev1.InstanceState_INSTANCE_STATE_ERROR},
			via:   databasev1.InstanceState_INSTANCE_STATE_DELETING,
			delay: instanceDelay,
		})
		return &databasev1.DeleteInstanceResponse{Id: req.GetId(), State: state}, err
	})
}

// RestartInstance restarts a running instance.
func (s *instanceService) RestartInstance(ctx context.Context, req *databasev1.RestartInstanceRequest) (*databasev1.RestartInstanceResponse, error) {
	return write(s.c, ctx, func(v *view) (*databasev1.RestartInstanceResponse, error) {
		state, err := begin(v, instances, req.GetId(), change[databasev1.InstanceState]{
			from:  []databasev1.InstanceState{databasev1.InstanceState_INSTANCE_STATE_RUNNING},
			via:   databasev1.InstanceState_INSTANCE_STATE_RESTARTING,
			delay: instanceDelay,
		})
		return &databasev1.RestartInstanceResponse{Id: req.GetId(), State: state}, err
	})
}

// UpdateInstance changes name, description and tags at once, and who may connect in
// a move.
func (s *instanceService) UpdateInstance(ctx context.Context, req *databasev1.UpdateInstanceRequest) (*databasev1.UpdateInstanceResponse, error) {
	return write(s.c, ctx, func(v *view) (*databasev1.UpdateInstanceResponse, error) {
		r, instance, err := instances.get(v, req.GetId())
		if err == nil {
			err = inState(r, instance.GetState(), databasev1.InstanceState_INSTANCE_STATE_RUNNING)
		}
		if err != nil {
			return nil, err
		}
		r, instance = instances.edit(v, r)
		fill(instance, req)
		if req.GetAllowedCidrs() != nil {
			move(v, instances, r, databasev1.InstanceState_INSTANCE_STATE_UPDATING, instanceDelay)
		}
		return &databasev1.UpdateInstanceResponse{Id: r.id, State: instance.GetState()}, nil
	})
}

// ResetInstancePassword takes a new password, and forgets it.
func (s *instanceService) ResetInstancePassword(ctx context.Context, req *databasev1.ResetInstancePasswordRequest) (*databasev1.ResetInstancePasswordResponse, error) {
	return write(s.c, ctx, func(v *view) (*databasev1.ResetInstancePasswordResponse, error) {
		r, instance, err := instances.get(v, req.GetId())
		if err == nil {
			err = inState(r, instance.GetState(), databasev1.InstanceState_INSTANCE_STATE_RUNNING)
		}
		if err == nil && req.GetPassword() == "" {
			err = rejected("password")
		}
		if err != nil {
			return nil, err
		}
		_, instance = instances.edit(v, r)
		if instance.GetUsername() == "" {
			instance.Username = defaultDatabaseUser
		}
		return &databasev1.ResetInstancePasswordResponse{Id: r.id, State: instance.GetState()}, nil
	})
}

// GetInstance reads one instance.
func (s *instanceService) GetInstance(ctx context.Context, req *databasev1.GetInstanceRequest) (*databasev1.GetInstanceResponse, error) {
	return read(s.c, ctx, func(v *view) (*databasev1.GetInstanceResponse, error) {
		_, instance, err := instances.get(v, req.GetId())
		return &databasev1.GetInstanceResponse{Instance: instance}, err
	})
}

// ListInstances reads a page of instances.
func (s *instanceService) ListInstances(ctx context.Context, req *databasev1.ListInstancesRequest) (*databasev1.ListInstancesResponse, error) {
	p, err := list(s.c, ctx, instances, req, nil)
	return &databasev1.ListInstancesResponse{Instances: p.items, NextPageToken: p.next, MissingIds: p.missing}, err
}

// databaseFlavor is the size that a request names, or the smallest that is enough.
func databaseFlavor(v *view, req *databasev1.CreateInstanceRequest) (*databasev1.DbFlavor, error) {
	if req.GetDbFlavorId() != "" {
		_, flavor, err := dbFlavors.ref(v, "db_flavor_id", req.GetDbFlavorId())
		if err == nil && !flavor.GetSellable() {
			err = sdk.NewError(apiv1.Reason_REASON_OUT_OF_STOCK, sdk.Field("db_flavor_id"))
		}
		return flavor, err
	}
	var best *databasev1.DbFlavor
	for _, f := range dbFlavors.all(v) {
		enough := f.GetSellable() && f.GetVcpus() >= req.GetVcpus() && f.GetMemoryMib() >= req.GetMemoryMib()
		if enough && (best == nil || f.GetMemoryMib() < best.GetMemoryMib()) {
			best = f
		}
	}
	if best == nil {
		return nil, rejected("memory_mib")
	}
	return best, nil
}
