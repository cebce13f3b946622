package memcloud

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	computev1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/compute/v1"
	networkv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/network/v1"
)

// How long a container's moves take at scale 1.
const (
	containerCreateDelay = 2 * time.Second
	containerDelay       = time.Second
	containerRunDelay    = 2 * time.Second // of a program that ends by itself
)

const (
	auxLog           = "log"
	auxResizeCPU     = "resize_cpu"
	auxResizeMemory  = "resize_memory"
	auxContainerWas  = "resize_was" // state before: CONTAINER_STATE_…
	defaultLogLines  = 100
	maxLogBytes      = 64 << 10
	terminatedBySelf = "true"
	failedBySelf     = "false"
)

// containerSize is what a container may use.
type containerSize struct{ cpu, memory int32 }

func sizeOf(c *computev1.Container) containerSize {
	return containerSize{c.GetCpuMillicores(), c.GetMemoryMib()}
}

// wantedSize is the size that an update asks for, or the present one.
func wantedSize(c *computev1.Container, req *computev1.UpdateContainerRequest) containerSize {
	size := sizeOf(c)
	if req.CpuMillicores != nil {
		size.cpu = req.GetCpuMillicores()
	}
	if req.MemoryMib != nil {
		size.memory = req.GetMemoryMib()
	}
	return size
}

// sizeUnderWay is the size that a container in UPDATING will have.
func sizeUnderWay(r *record) containerSize {
	number := func(name string) int32 {
		n, _ := strconv.ParseInt(r.aux[name], 10, 32) // empty, and so 0, where there is no move
		return int32(n)
	}
	return containerSize{number(auxResizeCPU), number(auxResizeMemory)}
}

func beginResizeContainer(v *view, r *record, c *computev1.Container, to containerSize) {
	r.aux[auxResizeCPU] = strconv.Itoa(int(to.cpu))
	r.aux[auxResizeMemory] = strconv.Itoa(int(to.memory))
	r.aux[auxContainerWas] = c.GetState().String()
	setState(c, computev1.ContainerState_CONTAINER_STATE_UPDATING)
	v.after(r, containerDelay)
}

// settleContainer ends a container's move.
func settleContainer(v *view, r *record) {
	r, c := containers.edit(v, r)
	switch c.GetState() {
	case computev1.ContainerState_CONTAINER_STATE_CREATING, computev1.ContainerState_CONTAINER_STATE_STARTING,
		computev1.ContainerState_CONTAINER_STATE_RESTARTING:
		settleTo(r, computev1.ContainerState_CONTAINER_STATE_RUNNING, computev1.ContainerState_CONTAINER_STATE_ERROR)
		if c.GetState() == computev1.ContainerState_CONTAINER_STATE_RUNNING {
			containerRuns(v, r, c)
		}
	case computev1.ContainerState_CONTAINER_STATE_RUNNING:
		code, _ := exitCode(c)
		containerEnds(v, r, c, code)
		end := computev1.ContainerState_CONTAINER_STATE_SUCCEEDED
		if code != 0 {
			end = computev1.ContainerState_CONTAINER_STATE_FAILED
		}
		setState(c, end)
	case computev1.ContainerState_CONTAINER_STATE_STOPPING:
		containerEnds(v, r, c, 0)
		setState(c, computev1.ContainerState_CONTAINER_STATE_STOPPED)
	case computev1.ContainerState_CONTAINER_STATE_UPDATING:
		endResizeContainer(v, r, c)
	case computev1.ContainerState_CONTAINER_STATE_DELETING:
		removeDeviceNICs(v, r.id)
		v.remove(r.key)
	}
}

// endResizeContainer gives the new size; a container that ran is started again.
func endResizeContainer(v *view, r *record, c *computev1.Container) {
	size := sizeUnderWay(r)
	c.CpuMillicores, c.MemoryMib = size.cpu, size.memory
	setState(c, computev1.ContainerState(computev1.ContainerState_value[r.aux[auxContainerWas]]))
	delete(r.aux, auxResizeCPU)
	delete(r.aux, auxResizeMemory)
	delete(r.aux, auxContainerWas)
	if c.GetState() == computev1.ContainerState_CONTAINER_STATE_RUNNING {
		containerRuns(v, r, c)
	}
}

func containerRuns(v *view, r *record, c *computev1.Container) {
	c.StartedAt = timestamppb.New(v.now)
	logLine(v, r, "started "+c.GetImage())
	linkDevice(v, r.id, networkv1.NicLink_NIC_LINK_UP)
	if _, ends := exitCode(c); ends {
		v.after(r, containerRunDelay)
	}
}

func containerEnds(v *view, r *record, c *computev1.Container, code int32) {
	c.ExitCode = proto.Int32(code)
	logLine(v, r, fmt.Sprintf("ended with exit code %d", code))
	linkDevice(v, r.id, networkv1.NicLink_NIC_LINK_DOWN)
}

// exitCode tells how a container ends by itself, and whether it does: the cloud
// knows the programs true and false, and takes every other for one that runs on.
func exitCode(c *computev1.Container) (code int32, ends bool) {
	program := append(append([]string{}, c.GetCommand()...), c.GetArgs()...)
	if len(program) == 0 || program[0] != terminatedBySelf && program[0] != failedBySelf {
		return 0, false
	}
	if program[0] == failedBySelf {
		code = 1
	}
	switch c.GetRestartPolicy() {
	case computev1.RestartPolicy_RESTART_POLICY_NEVER:
		return code, true
	case computev1.RestartPolicy_RESTART_POLICY_ON_FAILURE:
		return code, code == 0
	default:
		return code, false
	}
}

// logLine adds a line to what the container has written, of which the end is kept.
func logLine(v *view, r *record, text string) {
	log := r.aux[auxLog] + v.now.Format(time.RFC3339) + " " + text + "\n"
	if over := len(log) - maxLogBytes; over > 0 {
		log = log[over:]
		log = log[strings.IndexByte(log, '\n')+1:]
	}
	r.aux[auxLog] = log
}
