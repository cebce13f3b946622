package memcloud

import (
	"context"
	"strings"

	computev1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/compute/v1"
	networkv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/network/v1"
)

type containerService struct {
	computev1.UnimplementedContainerServiceServer
	c *Cloud
}

var _ computev1.ContainerServiceServer = (*containerService)(nil)

// CreateContainer makes a container with its NIC and starts it. The cloud has
// every image.
func (s *containerService) CreateContainer(ctx context.Context, req *computev1.CreateContainerRequest) (*computev1.CreateContainerResponse, error) {
	return write(s.c, ctx, func(v *view) (*computev1.CreateContainerResponse, error) {
		err := zoneKnown(v, req.GetZoneId())
		if err == nil {
			err = groupRefs(v, "security_group_ids", req.GetSecurityGroupIds())
		}
		if err == nil {
			err = v.within(use{"compute.container.count", 1}, use{"compute.container.memory", req.GetMemoryMib()})
		}
		if err != nil {
			return nil, err
		}
		container := &computev1.Container{ZoneId: defaultZone, RestartPolicy: computev1.RestartPolicy_RESTART_POLICY_ALWAYS}
		fill(container, req)
		container.Charge = chargeOrPostpaid(req.GetCharge())
		for _, variable := range container.GetEnvironment() {
			variable.SecretValue = ""
		}
		setState(container, computev1.ContainerState_CONTAINER_STATE_CREATING)
		r, container := containers.add(v, container)
		v.after(r, containerCreateDelay)
		nic, err := makeDeviceNIC(v, nicSpec{subnetField: "subnet_id", subnetID: req.GetSubnetId(), groups: req.GetSecurityGroupIds()},
			device{r.id, req.GetName(), networkv1.NicDeviceKind_NIC_DEVICE_KIND_OTHER})
		if err != nil {
			return nil, err
		}
		container.PrivateIpAddress = nic.GetIpAddresses()[0]
		return &computev1.CreateContainerResponse{Id: r.id, State: container.GetState()}, nil
	})
}

// DeleteContainer removes a container in any state.
func (s *containerService) DeleteContainer(ctx context.Context, req *computev1.DeleteContainerRequest) (*computev1.DeleteContainerResponse, error) {
	return write(s.c, ctx, func(v *view) (*computev1.DeleteContainerResponse, error) {
		r, container, ok := containers.find(v, req.GetId())
		if !ok {
			return &computev1.DeleteContainerResponse{Id: req.GetId(), State: computev1.ContainerState_CONTAINER_STATE_DELETED}, nil
		}
		if container.GetState() != computev1.ContainerState_CONTAINER_STATE_DELETING {
			move(v, containers, r, computev1.ContainerState_CONTAINER_STATE_DELETING, containerDelay)
		}
		return &computev1.DeleteContainerResponse{Id: r.id, State: computev1.ContainerState_CONTAINER_STATE_DELETING}, nil
	})
}

// UpdateContainer changes description and tags at once, and the size in a move.
func (s *containerService) UpdateContainer(ctx context.Context, req *computev1.UpdateContainerRequest) (*computev1.UpdateContainerResponse, error) {
	return write(s.c, ctx, func(v *view) (*computev1.UpdateContainerResponse, error) {
		r, container, err := containers.get(v, req.GetId())
		if err != nil {
			return nil, err
		}
		wanted := wantedSize(container, req)
		if container.GetState() == computev1.ContainerState_CONTAINER_STATE_UPDATING && wanted == sizeUnderWay(r) {
			return &computev1.UpdateContainerResponse{Id: r.id, State: container.GetState()}, nil
		}
		err = inState(r, container.GetState(), computev1.ContainerState_CONTAINER_STATE_RUNNING, computev1.ContainerState_CONTAINER_STATE_STOPPED)
		if err == nil {
			err = v.within(use{"compute.container.memory", wanted.memory - container.GetMemoryMib()})
		}
		if err != nil {
			return nil, err
		}
		now := sizeOf(container)
		r, container = containers.edit(v, r)
		fill(container, req)
		container.CpuMillicores, container.MemoryMib = now.cpu, now.memory
		if wanted != now {
			beginResizeContainer(v, r, container, wanted)
		}
		return &computev1.UpdateContainerResponse{Id: r.id, State: container.GetState()}, nil
	})
}

// StartContainer starts a container that does not run.
func (s *containerService) StartContainer(ctx context.Context, req *computev1.StartContainerRequest) (*computev1.StartContainerResponse, error) {
	return write(s.c, ctx, func(v *view) (*computev1.StartContainerResponse, error) {
		state, err := begin(v, containers, req.GetId(), change[computev1.ContainerState]{
			from: []computev1.ContainerState{computev1.ContainerState_CONTAINER_STATE_STOPPED,
				computev1.ContainerState_CONTAINER_STATE_SUCCEEDED, computev1.ContainerState_CONTAINER_STATE_FAILED},
			via:   computev1.ContainerState_CONTAINER_STATE_STARTING,
			to:    computev1.ContainerState_CONTAINER_STATE_RUNNING,
			delay: containerDelay,
		})
		return &computev1.StartContainerResponse{Id: req.GetId(), State: state}, err
	})
}

// StopContainer stops a running container.
func (s *containerService) StopContainer(ctx context.Context, req *computev1.StopContainerRequest) (*computev1.StopContainerResponse, error) {
	return write(s.c, ctx, func(v *view) (*computev1.StopContainerResponse, error) {
		state, err := begin(v, containers, req.GetId(), change[computev1.ContainerState]{
			from:  []computev1.ContainerState{computev1.ContainerState_CONTAINER_STATE_RUNNING},
			via:   computev1.ContainerState_CONTAINER_STATE_STOPPING,
			to:    computev1.ContainerState_CONTAINER_STATE_STOPPED,
			delay: containerDelay,
		})
		return &computev1.StopContainerResponse{Id: req.GetId(), State: state}, err
	})
}

// RestartContainer restarts a running container.
func (s *containerService) RestartContainer(ctx context.Context, req *computev1.RestartContainerRequest) (*computev1.RestartContainerResponse, error) {
	return write(s.c, ctx, func(v *view) (*computev1.RestartContainerResponse, error) {
		state, err := begin(v, containers, req.GetId(), change[computev1.ContainerState]{
			from:  []computev1.ContainerState{computev1.ContainerState_CONTAINER_STATE_RUNNING},
			via:   computev1.ContainerState_CONTAINER_STATE_RESTARTING,
			delay: containerDelay,
		})
		return &computev1.RestartContainerResponse{Id: req.GetId(), State: state}, err
	})
}

// GetContainer reads one container.
func (s *containerService) GetContainer(ctx context.Context, req *computev1.GetContainerRequest) (*computev1.GetContainerResponse, error) {
	return read(s.c, ctx, func(v *view) (*computev1.GetContainerResponse, error) {
		_, container, err := containers.get(v, req.GetId())
		return &computev1.GetContainerResponse{Container: container}, err
	})
}

// ListContainers reads a page of containers.
func (s *containerService) ListContainers(ctx context.Context, req *computev1.ListContainersRequest) (*computev1.ListContainersResponse, error) {
	p, err := list(s.c, ctx, containers, req, nil)
	return &computev1.ListContainersResponse{Containers: p.items, NextPageToken: p.next, MissingIds: p.missing}, err
}

// GetContainerLog tells when the container began and ended to run.
func (s *containerService) GetContainerLog(ctx context.Context, req *computev1.GetContainerLogRequest) (*computev1.GetContainerLogResponse, error) {
	return read(s.c, ctx, func(v *view) (*computev1.GetContainerLogResponse, error) {
		r, _, err := containers.get(v, req.GetId())
		if err != nil {
			return nil, err
		}
		wanted := int(req.GetLines())
		if wanted == 0 {
			wanted = defaultLogLines
		}
		lines := strings.SplitAfter(r.aux[auxLog], "\n")
		lines = lines[:len(lines)-1] // what follows the last line feed
		return &computev1.GetContainerLogResponse{Output: strings.Join(lines[max(0, len(lines)-wanted):], "")}, nil
	})
}
