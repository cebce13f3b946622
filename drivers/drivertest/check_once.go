package drivertest

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	"github.com/yunqiao/yunqiao/drivers/sdk"
	"github.com/yunqiao/yunqiao/drivers/sdk/plugin"
	"github.com/yunqiao/yunqiao/plugin-proto/contract"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	driverv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/driver/v1"
)

var (
	driverName  = regexp.MustCompile(`^[a-z][a-z0-9-]*$`)
	versionForm = regexp.MustCompile(`^\d+\.\d+\.\d+([-+].+)?$`)
	featureForm = regexp.MustCompile(`^[a-z]+\.[a-z0-9_]+(\.[a-z0-9_]+)+$`)
)

// checkInfo holds what a driver says of itself.
func (s *suite) checkInfo(info *driverv1.GetInfoResponse) {
	var wrong []string
	if !driverName.MatchString(info.GetName()) {
		wrong = append(wrong, fmt.Sprintf("name %q is not lower case letters, digits and hyphens", info.GetName()))
	}
	if !versionForm.MatchString(info.GetVersion()) {
		wrong = append(wrong, fmt.Sprintf("version %q is not major.minor.patch", info.GetVersion()))
	}
	if !slices.Contains(info.GetContractVersions(), plugin.ContractVersion) {
		wrong = append(wrong, fmt.Sprintf("contract versions %v are without %d", info.GetContractVersions(), plugin.ContractVersion))
	}
	for _, name := range info.GetMethods() {
		if m := s.contract.Method(name); (m == nil || m.Module) && !isGatewaysOwn(name) {
			wrong = append(wrong, fmt.Sprintf("%s is no rpc of drivers", name))
		}
	}
	for _, feature := range info.GetFeatures() {
		if !featureForm.MatchString(feature.GetName()) {
			wrong = append(wrong, fmt.Sprintf("feature %q is not <service>.<resource>.<what>", feature.GetName()))
		}
	}
	s.verdict(RuleInfo, "", strings.Join(wrong, "; "))
}

// isGatewaysOwn tells whether an rpc is one that the gateway alone calls.
func isGatewaysOwn(name string) bool {
	service, method, _ := strings.Cut(name, "/")
	d, err := protoregistry.GlobalFiles.FindDescriptorByName(protoreflect.FullName(service))
	found, ok := d.(protoreflect.ServiceDescriptor)
	return err == nil && ok && found.ParentFile().Package() == driverv1.File_cloud_driver_v1_driver_proto.Package() &&
		found.Methods().ByName(protoreflect.Name(method)) != nil
}

// checkUndeclared calls what the driver does not declare.
func (s *suite) checkUndeclared(ctx context.Context) {
	for _, m := range s.contract.Methods {
		if m.Module || s.declared(m) || !s.wantedMethod(m) {
			continue
		}
		request := m.Input.New()
		setText(request, fieldName(m), "conf-absent")
		_, _, err := s.invoke(ctx, m, request.Interface(), s.newCall())
		wrong := ""
		if sdk.StatusOf(err).Code() != codes.Unimplemented && sdk.ReasonOf(err) != apiv1.Reason_REASON_UNSUPPORTED_METHOD {
			wrong = fmt.Sprintf("it is not declared and answers %v", err)
		}
		s.verdict(RuleUndeclared, m.FullName, wrong)
	}
}

// checkReads lists and reads what the cloud has anyway: flavors, images, zones.
func (s *suite) checkReads(ctx context.Context) {
	for _, m := range s.contract.Methods {
		if m.Module || m.Kind != apiv1.Kind_KIND_LIST || !s.declared(m) || !s.wantedMethod(m) || needsParent(m) {
			continue
		}
		items := s.items(ctx, m.ResourceType, nil)
		for _, item := range items {
			s.checkStates(m.ResourceType, item)
		}
		if m.ResourceType == "compute.flavor" {
			s.checkFlavorUnits(items)
		}
		if get := s.contract.Getter(m.ResourceType); len(items) > 0 && s.declared(get) {
			_, err := s.get(ctx, get, text(items[0], "id"))
			s.worked(get, err)
		}
	}
}

// checkStates holds that every enum value is one that the contract knows.
func (s *suite) checkStates(resource string, found protoreflect.Message) {
	wrong := ""
	if value, _, has := stateOf(found); has && (value == nil || value.Number() == 0) {
		wrong = fmt.Sprintf("%s is %s; the cloud says %q", text(found, "id"), stateName(value), text(found, "provider_state"))
	}
	eachField(found, func(_ protoreflect.Message, f protoreflect.FieldDescriptor, v protoreflect.Value) {
		if f.Enum() != nil && !f.IsList() && !f.IsMap() && f.Enum().Values().ByNumber(v.Enum()) == nil {
			wrong = fmt.Sprintf("%s of %s is %d, which %s has not", f.Name(), text(found, "id"), v.Enum(), f.Enum().FullName())
		}
	})
	s.verdict(RuleStates, resource, wrong)
}

// checkFlavorUnits finds memory that was taken for another unit: flavors come
// in multiples of 64 MiB, MB that were called MiB do not.
func (s *suite) checkFlavorUnits(flavors []protoreflect.Message) {
	odd, example := 0, ""
	for _, flavor := range flavors {
		if memory := number(flavor, "memory_mib"); memory%64 != 0 || memory > 64<<20 {
			odd++
			example = fmt.Sprintf("%s has memory_mib %d", text(flavor, "id"), memory)
		}
	}
	switch {
	case len(flavors) == 0:
	case 2*odd > len(flavors):
		s.fail(RuleUnits, "compute.flavor", "%s, and %d of %d flavors are no multiple of 64 MiB", example, odd, len(flavors))
	default:
		s.pass(RuleUnits, "compute.flavor")
	}
}

// toldDeadline tells the server a deadline that the client does not act on.
type toldDeadline struct {
	context.Context
	at time.Time
}

// Deadline implements context.Context.
func (d toldDeadline) Deadline() (time.Time, bool) { return d.at, true }

// deadlineOfCheck is how long the calls of checkInTime may take.
const deadlineOfCheck = 20 * time.Millisecond

// checkInTime gives every list too little time and expects an answer all the same.
func (s *suite) checkInTime(ctx context.Context) {
	for _, m := range s.contract.Methods {
		if m.Module || m.Kind != apiv1.Kind_KIND_LIST || !s.declared(m) || !s.wantedMethod(m) || needsParent(m) {
			continue
		}
		s.verdict(RuleInTime, m.FullName, s.tooLate(ctx, m))
	}
}

func (s *suite) tooLate(ctx context.Context, m *contract.Method) string {
	conn, answer := s.target.Conn(), m.Output.New().Interface()
	patient, stop := context.WithTimeout(sdk.WithCall(ctx, s.newCall()), callTimeout)
	defer stop()
	start := time.Now()
	_ = conn.Invoke(toldDeadline{patient, start.Add(deadlineOfCheck)}, m.Path, m.Input.New().Interface(), answer)
	if took := time.Since(start); took > deadlineOfCheck+s.options.answer() {
		return fmt.Sprintf("answered %s after its deadline", (took - deadlineOfCheck).Round(time.Millisecond))
	}
	cancelled, cancel := context.WithCancel(sdk.WithCall(ctx, s.newCall()))
	cancel()
	start = time.Now()
	_ = conn.Invoke(cancelled, m.Path, m.Input.New().Interface(), answer)
	if took := time.Since(start); took > s.options.answer() {
		return fmt.Sprintf("returned %s after it was cancelled", took.Round(time.Millisecond))
	}
	if _, err := driverv1.NewDriverServiceClient(conn).GetInfo(ctx, &driverv1.GetInfoRequest{}); err != nil {
		return fmt.Sprintf("after a cancelled call the driver answers %v", err)
	}
	return ""
}

// checkLog looks for the canary in what the driver logged.
func (s *suite) checkLog() {
	log := s.target.Log()
	if log == "" {
		s.untested(RuleSecrets, "log", "the driver's log is not seen from here, or is empty")
		return
	}
	wrong := ""
	for line := range strings.Lines(log) {
		if strings.Contains(line, s.secret) {
			wrong = "a log line has a secret of a request: " + strings.ReplaceAll(strings.TrimSpace(line), s.secret, "******")
		}
	}
	s.verdict(RuleSecrets, "log", wrong)
}
