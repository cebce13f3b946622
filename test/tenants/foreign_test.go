package tenants

import (
	"cmp"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/yunqiao/yunqiao/plugin-proto/contract"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
)

// parameter is one field of a request that holds an id, however deep.
type parameter struct {
	path  []protoreflect.FieldDescriptor
	types string // whose id: "compute.vm", "tenant.user"
}

func (p parameter) String() string {
	var names []string
	for _, field := range p.path {
		names = append(names, string(field.Name()))
	}
	return strings.Join(names, ".")
}

func (p parameter) last() protoreflect.FieldDescriptor { return p.path[len(p.path)-1] }

// typesByName are the types of id fields that have no ref because gateway modules
// serve them.
var typesByName = map[protoreflect.Name]string{
	"organization_id": "tenant.organization",
	"parent_id":       "tenant.organization",
	"tenant_id":       "tenant.organization",
	"user_id":         "tenant.user",
	"account_id":      "account.account",
	"account_ids":     "account.account",
	"resource_id":     "compute.vm",
	"object_id":       "compute.vm",
	"operation_id":    "operation.operation",
	"vm_id":           "compute.vm",
	"vm_ids":          "compute.vm",
}

// nobodys are fields whose ids are no organization's.
var nobodys = map[protoreflect.Name]string{
	"admin_account_id":    "the root organization's",
	"zone_id":             "the cloud's catalogue",
	"zone_ids":            "the cloud's catalogue",
	"region_id":           "the cloud's catalogue",
	"role_id":             "roles are known in the whole installation",
	"permission_group_id": "permission groups are known in the whole installation",
	"certificate_id":      "certificates of a cloud are its whole account's",
	"certificate_ids":     "certificates of a cloud are its whole account's",
	"nat_gateway_id":      "NAT gateways of a cloud are its whole account's",
	"engine_id":           "an SNMP engine's",
	"local_id":            "name of an IKE peer",
	"peer_id":             "name of an IKE peer",
	"process_id":          "a number that an operating system gave",
	"record_id":           "the sender's own",
	"request_id":          "the sender's own",
}

// parameters finds every id field of a request. One that it cannot place fails the
// test.
func (w *world) parameters(t *testing.T, m *contract.Method) []parameter {
	t.Helper()
	var out []parameter
	var walk func(d protoreflect.MessageDescriptor, path []protoreflect.FieldDescriptor)
	walk = func(d protoreflect.MessageDescriptor, path []protoreflect.FieldDescriptor) {
		for i := range d.Fields().Len() {
			field := d.Fields().Get(i)
			here := append(path[:len(path):len(path)], field)
			switch rule := contract.FieldRule(field); {
			case filledByChain(here), nobodys[field.Name()] != "":
			case rule.GetRef() != "" && field.Message() == nil:
				if w.ownable(rule.GetRef()) {
					out = append(out, parameter{here, rule.GetRef()})
				}
			case rule.GetRef() != "": // a list that may be absent
				if w.ownable(rule.GetRef()) {
					out = append(out, parameter{append(here, field.Message().Fields().ByName("values")), rule.GetRef()})
				}
			case field.Message() != nil && !field.IsMap() && field.Message().ParentFile().Package() != "google.protobuf":
				walk(field.Message(), here)
			case field.Kind() == protoreflect.StringKind && holdsID(field):
				types := typesByName[field.Name()]
				if types == "" && m.Module && (field.Name() == "id" || field.Name() == "ids") {
					types = m.ResourceType
				}
				if types == "" && m.Module {
					types = w.typeOfName(m.Service, string(field.Name()))
				}
				if types == "tenant.ownership" {
					types = "compute.vm"
				}
				if types == "" {
					t.Errorf("%s: whose id is %s? Give it a ref, or put it into typesByName or nobodys", m.FullName, field.FullName())
					continue
				}
				out = append(out, parameter{here, types})
			}
		}
	}
	walk(m.Input.Descriptor(), nil)
	return out
}

// typeOfName finds the type of a module's own resources: "order_id" in billing holds
// the id of a billing.order.
func (w *world) typeOfName(service, name string) string {
	wanted := service + "." + strings.TrimSuffix(strings.TrimSuffix(name, "s"), "_id")
	for _, m := range w.contract.Methods {
		if m.ResourceType == wanted {
			return wanted
		}
	}
	return ""
}

func holdsID(field protoreflect.FieldDescriptor) bool {
	name := string(field.Name())
	return name == "id" || name == "ids" || strings.HasSuffix(name, "_id") || strings.HasSuffix(name, "_ids")
}

// filledByChain tells whether the gateway itself fills a field of a chained request,
// and refuses it from clients.
func filledByChain(path []protoreflect.FieldDescriptor) bool {
	if len(path) < 2 {
		return false
	}
	last := path[len(path)-1]
	chain := contract.FieldRule(path[len(path)-2]).GetChain()
	return chain != nil && (chain.GetParentField() == string(last.Name()) || contract.FieldRule(last).GetGateway())
}

// ownable tells whether things of a type belong to organizations.
func (w *world) ownable(resourceType string) bool {
	getter := w.contract.Getter(resourceType)
	return getter != nil && getter.Output.Descriptor().Fields().Get(0).Message().Fields().ByName("tenant_id") != nil
}

// foreign are ids of the first organization's: of a thing in the account that both
// may use, and of one in an account that only the first may. The first organization
// must have a thing of a module's type, or nothing would be shown.
func (w *world) foreign(t *testing.T, p parameter) []string {
	t.Helper()
	id := w.alpha.ids[p.types]
	switch {
	case w.ofModule(p.types) && id == "":
		t.Errorf("the first organization has no %s for %s: put what a create needs into fitting in make_test.go, or, if no rpc makes one, how to get one into makeAll", p.types, p)
		return nil
	case w.ofModule(p.types), !p.referring() && id != "":
		return []string{id}
	case id == "": // of a type that the simulated cloud does not make
		return []string{secretAccount + ".thing-1"}
	default:
		return []string{id, secretAccount + "." + native(id)}
	}
}

// absent is the id of nothing, which looks like a foreign one of the parameter.
func (w *world) absent(p parameter, id string) string {
	switch {
	case p.types == "account.account":
		return "absent"
	case p.types == "logging.entry":
		return strings.Repeat("0", len(w.alpha.ids[p.types]))
	case w.ofModule(p.types):
		return "0190a1b2c3d4e5f60718293a4b5c6d7e"
	case strings.HasPrefix(id, secretAccount+"."):
		return "nowhere.thing-1"
	default:
		return sharedAccount + ".thing-1"
	}
}

// referring tells whether the contract says of which type an id must be.
func (p parameter) referring() bool {
	return contract.FieldRule(p.last()).GetRef() != "" || p.last().Name() == "values"
}

// ofModule tells whether things of a type are a gateway module's.
func (w *world) ofModule(resourceType string) bool {
	return slices.ContainsFunc(w.contract.Methods, func(m *contract.Method) bool { return m.Module && m.ResourceType == resourceType })
}

// beside are members that a request needs otherwise than the sample has them, by
// rpc and, where it matters, parameter.
var beside = map[string]string{
	"cloud.billing.v1.CostService/SummarizeCosts":                 `{"period": "2026-11", "from": null, "until": null}`,
	"cloud.billing.v1.StatementService/ListStatements":            `{"period": "$LAST_MONTH"}`,
	"cloud.network.v1.LoadBalancerService/CreateMember subnet_id": `{"vm_id": null, "address": "10.0.1.9"}`,
	"cloud.tenant.v1.AccessKeyService/CreateAccessKey":            `{"public_key": null}`,
	"cloud.tenant.v1.AccessKeyService/UpdateAccessKey":            `{"enabled": true}`,
	"cloud.tenant.v1.OwnershipService/AdoptResources":             `{"since": null}`,
	"cloud.tenant.v1.OwnershipService/TransferResources":          `{"since": null}`,
}

// request makes a valid request of the second organization in which one parameter
// holds a foreign id.
func (w *world) request(t *testing.T, m *contract.Method, p parameter, id string) proto.Message {
	t.Helper()
	change := cmp.Or(beside[m.FullName+" "+p.String()], beside[m.FullName])
	if change == "" && m.Module && m.Kind == apiv1.Kind_KIND_CREATE {
		change = fitting[m.ResourceType]
	}
	request := w.fit(t, m, w.beta, change)
	holder := request.ProtoReflect()
	for _, field := range p.path[:len(p.path)-1] {
		holder = w.enter(t, m, holder, field)
	}
	set(request.ProtoReflect(), "account_id", sharedAccount)
	w.fillRefs(t, w.beta, request.ProtoReflect())
	w.fillOwn(m, request.ProtoReflect(), w.beta)
	set(holder, p.last().Name(), id)
	if w.validator.Validate(request) == nil {
		return request
	}
	return w.withoutRival(request, p)
}

// withoutRival takes out the one field that excludes the parameter: beside it, or
// of the request itself.
func (w *world) withoutRival(request proto.Message, p parameter) proto.Message {
	for _, depth := range []int{len(p.path) - 1, 0} {
		fields := p.path[depth].ContainingMessage().Fields()
		for i := range fields.Len() {
			if fields.Get(i) == p.path[depth] {
				continue
			}
			lean := proto.Clone(request)
			holder := lean.ProtoReflect()
			for _, field := range p.path[:depth] {
				if field.IsList() {
					holder = holder.Mutable(field).List().Get(0).Message()
				} else {
					holder = holder.Mutable(field).Message()
				}
			}
			holder.Clear(fields.Get(i))
			if w.validator.Validate(lean) == nil {
				return lean
			}
		}
	}
	return nil
}

// enter steps into a message field, which is made if it is absent.
func (w *world) enter(t *testing.T, m *contract.Method, in protoreflect.Message, field protoreflect.FieldDescriptor) protoreflect.Message {
	t.Helper()
	if !in.Has(field) {
		fresh := in.NewField(field)
		message := fresh
		if field.IsList() {
			message = fresh.List().AppendMutable()
		}
		if sample, err := w.samples.Message(field.Message().FullName(), m.FullName); err == nil {
			transcribe(t, sample, message.Message().Interface())
		}
		in.Set(field, fresh)
	}
	if field.IsList() {
		return in.Mutable(field).List().Get(0).Message()
	}
	return in.Mutable(field).Message()
}

// fillOwn puts ids of an organization's own into the id fields of modules.
func (w *world) fillOwn(m *contract.Method, request protoreflect.Message, p *party) {
	request.Range(func(field protoreflect.FieldDescriptor, _ protoreflect.Value) bool {
		types := typesByName[field.Name()]
		if types == "" && field.Name() == "id" && m.Module {
			types = m.ResourceType
		}
		if types == "" && m.Module && holdsID(field) {
			types = w.typeOfName(m.Service, string(field.Name()))
		}
		if id := p.ids[types]; id != "" && field.Kind() == protoreflect.StringKind {
			set(request, field.Name(), id)
		}
		return true
	})
	if field := request.Descriptor().Fields().ByName("role_id"); field != nil {
		set(request, "role_id", w.roles["read-only"])
	}
}

// silent are rpcs that answer with nothing: what is not there has been taken away
// already, or counts nothing.
var silent = []string{"cloud.billing.v1.CostService/SummarizeCosts", "cloud.tenant.v1.OrganizationService/RevokeRole"}

// mayAnswer tells whether a foreign id need not be refused: lists answer without
// what is not the caller's, and what the caller cannot see has gone already.
func mayAnswer(m *contract.Method) bool {
	return m.Kind == apiv1.Kind_KIND_LIST || m.Module && m.Kind == apiv1.Kind_KIND_DELETE || slices.Contains(silent, m.FullName)
}
