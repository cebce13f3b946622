package broken

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/yunqiao/yunqiao/drivers/drivertest"
	"github.com/yunqiao/yunqiao/drivers/sdk"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	computev1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/compute/v1"
	driverv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/driver/v1"
	networkv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/network/v1"
	storagev1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/storage/v1"
)

// Driver is one broken driver.
type Driver struct {
	Rule  drivertest.Rule // the rule that it breaks
	Fault string          // how, in words
	// Over puts the fault in front of a sound driver.
	Over func(drivertest.Target) drivertest.Target
}

// lateness is how long a driver that ignores deadlines works on.
const lateness = 3 * time.Second

// Drivers lists the broken drivers.
func Drivers() []Driver {
	return []Driver{
		simple(drivertest.RuleInfo, "declares an rpc that the contract does not have", fakesRpc),
		simple(drivertest.RuleDeclared, "declares an update that always fails", refusesUpdate),
		simple(drivertest.RuleFeature, "declares descriptions of networks and drops them", dropsDescription),
		simple(drivertest.RuleUndeclared, "answers an rpc that it does not declare", hidesRpc),
		{drivertest.RuleIdempotent, "takes a repeat for a new request", over(forgetsRequest)},
		{drivertest.RuleParallel, "takes calls at the same time for different requests", over(racing)},
		simple(drivertest.RuleGetAbsent, "reports an absent resource as an error of the cloud", mistakesAbsent),
		{drivertest.RuleDelAbsent, "refuses to delete what is gone", over(deletesOnce)},
		simple(drivertest.RulePages, "counts pages by position", countsPages),
		simple(drivertest.RuleInTime, "works on after the deadline", ignoresDeadline),
		simple(drivertest.RuleStates, "answers a state that the contract does not have", inventsState),
		simple(drivertest.RuleSettles, "leaves disks in CREATING for ever", neverSettles),
		simple(drivertest.RuleErrors, "answers errors without a reason", losesReason),
		{drivertest.RuleSecrets, "logs passwords", overLogging},
		simple(drivertest.RuleUnits, "gives MB for MiB", countsMegabytes),
		simple(drivertest.RuleTenants, "takes retired credentials of a tenant", keepsCredentials),
		simple(drivertest.RuleNothingLeft, "reports a deletion that it does not do", keepsKeyPairs),
		simple(drivertest.RuleSteps, "asks for one more step for ever", neverEnds),
		simple(drivertest.RuleFaults, "takes throttling for a refusal of the request", mistakesThrottling),
		simple(drivertest.RuleCrash, "forgets its requests when it is killed", forgetsOnCrash),
	}
}

func simple(rule drivertest.Rule, text string, f fault) Driver {
	return Driver{rule, text, over(func() fault { return f })}
}

func over(newFault func() fault) func(drivertest.Target) drivertest.Target {
	return func(sound drivertest.Target) drivertest.Target { return &target{Target: sound, fault: newFault()} }
}

func ends(c call, name string) bool { return strings.HasSuffix(c.method, "/"+name) }

func fakesRpc(c call) error {
	err := c.send(c.ctx)
	if info, ok := c.answer.(*driverv1.GetInfoResponse); ok {
		info.Methods = append(info.Methods, "cloud.compute.v1.VmService/FreezeVm")
	}
	return err
}

func refusesUpdate(c call) error {
	if ends(c, "UpdateSecurityGroup") {
		return sdk.NewError(apiv1.Reason_REASON_CLOUD_ERROR)
	}
	return c.send(c.ctx)
}

func dropsDescription(c call) error {
	err := c.send(c.ctx)
	switch answer := c.answer.(type) {
	case *driverv1.GetInfoResponse:
		answer.Features = append(answer.Features, &driverv1.Feature{Name: "network.network.description"})
	case *networkv1.GetNetworkResponse:
		if answer.GetNetwork() != nil {
			answer.Network.Description = ""
		}
	}
	return err
}

func hidesRpc(c call) error {
	err := c.send(c.ctx)
	if info, ok := c.answer.(*driverv1.GetInfoResponse); ok {
		var rest []string
		for _, name := range info.GetMethods() {
			if !strings.HasSuffix(name, "/UpdateSubnet") {
				rest = append(rest, name)
			}
		}
		info.Methods = rest
	}
	return err
}

// asAnother gives a call another request id.
func asAnother(ctx context.Context, suffix string) context.Context {
	md, _ := metadata.FromOutgoingContext(ctx)
	md = md.Copy()
	for _, id := range md.Get("request-id") {
		md.Set("request-id", id+suffix)
	}
	return metadata.NewOutgoingContext(ctx, md)
}

func attempt(ctx context.Context) string {
	md, _ := metadata.FromOutgoingContext(ctx)
	return strings.Join(md.Get("attempt"), "")
}

// nth numbers the request ids of an rpc in the order in which they come.
type nth struct {
	rpc  string
	mu   sync.Mutex
	seen []string
}

// of is 1 for calls of the first request, and 0 for other rpcs.
func (n *nth) of(c call) int {
	if !ends(c, n.rpc) {
		return 0
	}
	md, _ := metadata.FromOutgoingContext(c.ctx)
	id := strings.Join(md.Get("request-id"), "")
	n.mu.Lock()
	defer n.mu.Unlock()
	if i := slices.Index(n.seen, id); i >= 0 {
		return i + 1
	}
	n.seen = append(n.seen, id)
	return len(n.seen)
}

// forgetsRequest does so for the first subnet, which is repeated and not sent
// several times at once.
func forgetsRequest() fault {
	order := &nth{rpc: "CreateSubnet"}
	return func(c call) error {
		if order.of(c) == 1 && attempt(c.ctx) == "2" {
			return c.send(asAnother(c.ctx, "-again"))
		}
		return c.send(c.ctx)
	}
}

// racing gives the calls of the second request, which are sent together,
// different ids.
func racing() fault {
	order := &nth{rpc: "CreateSecurityGroup"}
	return func(c call) error {
		if order.of(c) == 2 && attempt(c.ctx) != "1" {
			return c.send(asAnother(c.ctx, "-"+attempt(c.ctx)))
		}
		return c.send(c.ctx)
	}
}

func mistakesAbsent(c call) error {
	err := c.send(c.ctx)
	if ends(c, "GetSecurityGroup") && sdk.ReasonOf(err) == apiv1.Reason_REASON_NOT_FOUND {
		return sdk.NewError(apiv1.Reason_REASON_CLOUD_ERROR)
	}
	return err
}

func deletesOnce() fault {
	var mu sync.Mutex
	deleted := map[string]bool{}
	return func(c call) error {
		request, ok := c.request.(*networkv1.DeleteSecurityGroupRequest)
		if !ok {
			return c.send(c.ctx)
		}
		mu.Lock()
		defer mu.Unlock()
		if deleted[request.GetId()] {
			return sdk.NotFound("network.security_group", request.GetId(), nil)
		}
		err := c.send(c.ctx)
		deleted[request.GetId()] = err == nil
		return err
	}
}

// countsPages answers a page by the number of resources before it, so that a
// deletion between two pages loses one.
func countsPages(c call) error {
	request, ok := c.request.(*networkv1.ListNetworksRequest)
	if !ok || request.GetPageSize() == 0 {
		return c.send(c.ctx)
	}
	position := len(request.GetPageToken())
	all := proto.Clone(request).(*networkv1.ListNetworksRequest)
	all.PageSize, all.PageToken = 0, ""
	answer := c.answer.(*networkv1.ListNetworksResponse)
	if err := c.sendOther(c.ctx, all); err != nil {
		return err
	}
	networks := answer.GetNetworks()
	end := min(position+int(request.GetPageSize()), len(networks))
	answer.Networks = networks[min(position, end):end]
	answer.NextPageToken = ""
	if end < len(networks) {
		answer.NextPageToken = strings.Repeat("i", end)
	}
	return nil
}

func ignoresDeadline(c call) error {
	if !ends(c, "ListNetworks") {
		return c.send(c.ctx)
	}
	deadline, ok := c.ctx.Deadline()
	if !ok || time.Until(deadline) > time.Second {
		return c.send(c.ctx)
	}
	<-time.After(lateness)
	return status.Error(codes.DeadlineExceeded, "too late")
}

func inventsState(c call) error {
	err := c.send(c.ctx)
	if answer, ok := c.answer.(*networkv1.GetSubnetResponse); ok && err == nil && answer.GetSubnet() != nil {
		answer.Subnet.ProtoReflect().Set(field(answer.GetSubnet(), "ip_version"), protoreflect.ValueOfEnum(77))
	}
	return err
}

func field(m proto.Message, name protoreflect.Name) protoreflect.FieldDescriptor {
	return m.ProtoReflect().Descriptor().Fields().ByName(name)
}

func neverSettles(c call) error {
	err := c.send(c.ctx)
	if answer, ok := c.answer.(*storagev1.GetDiskResponse); ok && err == nil && answer.GetDisk() != nil {
		answer.Disk.State = storagev1.DiskState_DISK_STATE_CREATING
	}
	return err
}

func losesReason(c call) error {
	err := c.send(c.ctx)
	if ends(c, "GetSecurityGroup") && err != nil {
		return status.Error(status.Code(err), "it did not work")
	}
	return err
}

func overLogging(sound drivertest.Target) drivertest.Target {
	var mu sync.Mutex
	var log strings.Builder
	t := &target{Target: sound}
	t.fault = func(c call) error {
		if request, ok := c.request.(*computev1.CreateVmRequest); ok && request.GetPassword() != "" {
			mu.Lock()
			log.WriteString("create vm with password " + request.GetPassword() + "\n")
			mu.Unlock()
		}
		return c.send(c.ctx)
	}
	t.log = func() string {
		mu.Lock()
		defer mu.Unlock()
		return log.String()
	}
	return t
}

func countsMegabytes(c call) error {
	err := c.send(c.ctx)
	if answer, ok := c.answer.(*computev1.ListFlavorsResponse); ok {
		for _, flavor := range answer.GetFlavors() {
			flavor.MemoryMib = int32(int64(flavor.GetMemoryMib()) << 20 / 1_000_000)
		}
	}
	return err
}

func keepsCredentials(c call) error {
	if ends(c, "RetireCredentials") {
		return nil
	}
	return c.send(c.ctx)
}

func keepsKeyPairs(c call) error {
	if ends(c, "DeleteKeyPair") {
		return nil
	}
	return c.send(c.ctx)
}

// neverEnds answers with a trailer that the connection would have filled in.
func neverEnds(c call) error {
	err := c.send(c.ctx)
	if !ends(c, "UpdateSubnet") || err != nil {
		return err
	}
	for _, opt := range c.opts {
		if trailer, ok := opt.(grpc.TrailerCallOption); ok {
			*trailer.TrailerAddr = metadata.Join(*trailer.TrailerAddr, metadata.Pairs("next-step", "one-more"))
		}
	}
	return nil
}

func mistakesThrottling(c call) error {
	err := c.send(c.ctx)
	if sdk.ReasonOf(err) == apiv1.Reason_REASON_THROTTLED {
		return sdk.NewError(apiv1.Reason_REASON_QUOTA_EXCEEDED)
	}
	return err
}

func forgetsOnCrash(c call) error {
	if ends(c, "CreateNetwork") && c.crashes > 0 && attempt(c.ctx) != "1" && attempt(c.ctx) != "2" {
		return c.send(asAnother(c.ctx, "-after"))
	}
	return c.send(c.ctx)
}
