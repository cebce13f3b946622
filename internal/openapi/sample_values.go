package openapi

import (
	"cmp"
	"regexp"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/yunqiao/yunqiao/plugin-proto/contract"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
)

const (
	sampleAccount = "memory"
	sampleUUID    = "019a9f3c5b1c7e0e8a394f1e9a390d9a"
	sampleTime    = 1795161600 // 2026-11-20T08:00:00Z
)

// unshown are fields that a sample of a good day leaves empty.
var unshown = map[string]bool{
	"error": true, "unreachable": true, "missing_ids": true, "next_page_token": true, "state_reason": true,
	"state_message": true, "lock_reasons": true, "parent_id": true, "cause_reason": true, "page_token": true,
	"page_number": true, "order_by": true, "name_contains": true, "etag": true, "idempotency_key": true,
	"next_poll_at": true, "expires_at": true, "provider_request_id": true, "blockers": true, "applied_fields": true,
	"credentials": true, "period_months": true,
}

// worthShowing tells whether an optional field belongs in a sample. Requests
// show what every cloud can do; flags stay as they are by default.
func worthShowing(field protoreflect.FieldDescriptor, opts sampleOptions) bool {
	if name := string(field.Name()); unshown[name] || name == opts.omit {
		return false
	}
	if opts.answer {
		return field.Kind() != protoreflect.BoolKind || field.Name() == "complete" || field.Name() == "cancellable"
	}
	rule := contract.FieldRule(field)
	switch {
	case rule.GetFeature() != "", contract.IsSecret(field), field.Kind() == protoreflect.BoolKind:
		return false
	case opts.method.Kind == apiv1.Kind_KIND_LIST:
		return field.Name() == "account_id" || field.Name() == "account_ids" || field.Name() == "page_size"
	case field.Name() == "tenant_id", field.Name() == "charge", field.Kind() == protoreflect.EnumKind:
		return false
	default:
		return true
	}
}

// textsByName are values for fields of exactly this name.
var textsByName = map[string]string{
	"account_id": sampleAccount, "account_ids": sampleAccount, "name": "newsroom-01", "name_contains": "newsroom",
	"description": "融合新闻生产", "tenant_id": sampleUUID, "owner_id": sampleUUID, "actor_id": sampleUUID,
	"operation_id": sampleUUID, "region_id": "region-1", "zone_id": "zone-a", "host_name": "newsroom-01",
	"mac_address": "fa:16:3e:5b:1c:3e", "url": "https://console.example.com/vnc?token=8f3a", "password": "Yq-sample-2026",
	"username": "root", "currency": "CNY", "unit": "count", "provider_state": "ACTIVE", "driver": "memory",
	"public_key":   "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGv7l4sVtS3oO0aB6YcU1k1mQv1v9X7m2sYdC0s0q9aB editor@newsroom",
	"callback_url": "https://app.example.com/callbacks/cloud", "request_id": "create-newsroom-01",
	"method": "cloud.compute.v1.VmService/CreateVm", "methods": "cloud.compute.v1.VmService/CreateVm",
	"features": "compute.vm.zone", "resource_id": sampleAccount + ".vm-0001", "resource_type": "compute.vm",
	"resource_state": "VM_STATE_RUNNING", "cloud_project": "newsroom", "credential_names": "secret",
	"value":  "newsroom",
	"output": "Debian GNU/Linux 12 newsroom-01 ttyS0", "private_key": "-----BEGIN PRIVATE KEY-----",
	"fingerprint": "SHA256:Yb2Qw0mJ3b8vK0z1o4r7t9c5f6h2n8p3d1s0a7e6u5i",
}

// textsBySuffix are values for fields whose name ends so; the first match counts.
var textsBySuffix = []struct{ suffix, text string }{
	{"public_ip_addresses", "203.0.113.10"}, {"public_ip_address", "203.0.113.10"}, {"gateway_ip", "10.0.1.1"},
	{"gateway_ip_address", "10.0.1.1"}, {"ip_addresses", "10.0.1.10"}, {"ip_address", "10.0.1.10"}, {"next_hop", "10.0.1.254"},
	{"cidr", "10.0.1.0/24"}, {"cidrs", "10.0.1.0/24"}, {"dns_servers", "10.0.0.2"}, {"_url", "https://app.example.com/"},
	{"checksum", "9f86d081884c7d659a2feaa0c55ad015"}, {"version", "1.0.0"}, {"_name", "newsroom"}, {"name_servers", "10.0.0.2"},
}

// fallbackTexts are tried when nothing else satisfies the rules.
var fallbackTexts = []string{
	sampleUUID, sampleAccount, "standard", "newsroom-01", "10.0.1.0/24", "10.0.1.10", "fa:16:3e:5b:1c:3e",
	"https://app.example.com/", "editor@example.com", "example.com", "1", "12.50", "CNY", "2026-11", "Yq-sample-2026",
}

var quoted = regexp.MustCompile(`"([^"]+)"`)

// textCandidates are strings for a field, the most fitting first. An example
// that the field's comment quotes comes before the general ones.
func (s *sampler) textCandidates(field protoreflect.FieldDescriptor, opts sampleOptions) []string {
	name := string(field.Name())
	var texts []string
	if ref := cmp.Or(contract.FieldRule(field).GetRef(), opts.ref); ref != "" {
		texts = append(texts, s.sampleID(ref))
	}
	if text, ok := textsByName[name]; ok {
		texts = append(texts, text)
	}
	for _, match := range quoted.FindAllStringSubmatch(Comment(field), -1) {
		texts = append(texts, match[1])
	}
	texts = append(texts, fieldRules(field).GetString().GetIn()...)
	if name == "id" && opts.method != nil {
		texts = append(texts, s.sampleID(opts.method.ResourceType))
	}
	for _, row := range textsBySuffix {
		if strings.HasSuffix(name, row.suffix) {
			texts = append(texts, row.text)
		}
	}
	return append(texts, fallbackTexts...)
}

// sampleID is an id of a resource: public ones name an account, those of
// modules do not.
func (s *sampler) sampleID(resourceType string) string {
	if resourceType == "account.account" {
		return sampleAccount
	}
	getter := s.contract.Getter(resourceType)
	if getter != nil && getter.Module {
		return sampleUUID
	}
	return sampleAccount + "." + lastPart(resourceType) + "-0001"
}

// numbersBySuffix are values for fields whose name ends so; the first match counts.
var numbersBySuffix = []struct {
	suffix string
	number int32
}{
	{"memory_mib", 8192}, {"_mib", 1024}, {"_gib", 40}, {"_mbps", 100}, {"_percent", 50}, {"vcpus", 4}, {"timeout_seconds", 60},
	{"wait_seconds", 60}, {"_seconds", 30}, {"page_size", 50}, {"total_size", 1}, {"mtu", 1500}, {"port", 443}, {"first", 443},
	{"last", 443}, {"priority", 10}, {"limit", 20}, {"used", 3}, {"attempts", 1}, {"lines", 100},
}

func numberCandidates(field protoreflect.FieldDescriptor) []int32 {
	var numbers []int32
	for _, row := range numbersBySuffix {
		if strings.HasSuffix(string(field.Name()), row.suffix) {
			numbers = append(numbers, row.number)
		}
	}
	rules := fieldRules(field).GetInt32()
	numbers = append(numbers, rules.GetIn()...)
	return append(numbers, 1, rules.GetGte(), rules.GetGt()+1, rules.GetLte())
}

// enumValues prefers a state that fits the rpc: one being entered in the answer
// of an asynchronous write, a settled one anywhere else.
func enumValues(field protoreflect.FieldDescriptor, opts sampleOptions) []protoreflect.Value {
	values := field.Enum().Values()
	var best, rest []protoreflect.Value
	for i := 1; i < values.Len(); i++ {
		value := protoreflect.ValueOfEnum(values.Get(i).Number())
		if fits(values.Get(i), opts) {
			best = append(best, value)
		} else {
			rest = append(rest, value)
		}
	}
	return append(best, rest...)
}

func fits(value protoreflect.EnumValueDescriptor, opts sampleOptions) bool {
	phase := contract.Phase(value)
	if opts.method == nil || !opts.method.IsWrite() || opts.method.Immediate || opts.method.Module {
		return phase == apiv1.Phase_PHASE_SETTLED
	}
	if value.Parent().FullName() == apiv1.OperationStatus(0).Descriptor().FullName() {
		return value.Number() == protoreflect.EnumNumber(apiv1.OperationStatus_OPERATION_STATUS_RUNNING)
	}
	stem := strings.ToUpper(opts.method.Name[:min(4, len(opts.method.Name))])
	return phase == apiv1.Phase_PHASE_TRANSIENT && strings.Contains(string(value.Name()), "_"+stem)
}

func timestampValue(field protoreflect.FieldDescriptor) protoreflect.Value {
	m := dynamicpb.NewMessage(field.Message())
	m.Set(field.Message().Fields().ByName("seconds"), protoreflect.ValueOfInt64(sampleTime))
	return protoreflect.ValueOfMessage(m)
}
