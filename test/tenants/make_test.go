package tenants

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/yunqiao/yunqiao/gateway/identity"
	"github.com/yunqiao/yunqiao/gateway/pipeline"
	"github.com/yunqiao/yunqiao/plugin-proto/contract"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	"github.com/yunqiao/yunqiao/test/e2e/harness"
)

// catalogue are things of the simulated cloud that all may use.
var catalogue = map[string]string{
	"compute.flavor":     "m1.tiny",
	"storage.image":      "img-cirros",
	"storage.disk_type":  "standard",
	"database.db_flavor": "",
	"database.engine":    "",
}

// fitting are members of a create that the simulated cloud or a module wants
// otherwise than the sample has them; null leaves one out. "@TYPE" stands for the id
// of a thing of the same organization, "$MARK" for the organization's mark and
// "$LAST_MONTH" for the billing period that is over.
var fitting = map[string]string{
	"billing.adjustment":  `{"period": "$LAST_MONTH", "reason": "for $MARK", "category": null}`,
	"billing.attribution": `{"order_id": null}`,
	"billing.discount":    `{"valid_until": null}`,
	"billing.price":       `{"unit": "UNIT_HOUR", "tiers": null, "states": null, "match": null, "term_months": null}`,
	"compute.container":   `{"subnet_id": "@network.subnet"}`,
	"logging.entry":       `{"entries": [{"message": "$MARK line", "resource_id": "@compute.vm"}]}`,
	"logging.forward":     `{"address": "http://127.0.0.1:9/insert"}`,
	"logging.location":    `{"submission_id": "@logging.submission", "address": "udp://127.0.0.1:0", "resource_id": "@compute.vm"}`,
	"logging.submission": `{"method": "SUBMISSION_METHOD_SNMP", "time_zone": "Asia/Shanghai", "pattern": null, "multiline": null,
		"allowed_sources": null, "snmp": {"community": "of-$MARK"}}`,
	"monitor.channel":           `{"address": "http://127.0.0.1:9/hook", "snmp": null, "mail": null, "ca_certificate": null, "grouping": null}`,
	"monitor.rule":              `{"vm_ids": ["@compute.vm"], "account_id": null, "no_data_seconds": 0}`,
	"monitor.silence":           `{"matchers": [{"name": "alertname", "value": "$MARK"}], "starts_at": null, "ends_at": "2126-01-01T00:00:00Z"}`,
	"network.listener":          `{"vip_id": null, "default_pool_id": "@network.pool"}`,
	"network.network":           `{"subnets": null}`,
	"network.nic":               `{"ip_address": null}`,
	"network.pool":              `{"listener": null}`,
	"network.public_ip":         `{"external_network_id": "shared.net-public", "nic_id": null}`,
	"network.router":            `{"external_gateway": {"network_id": "shared.net-public"}, "network_id": null}`,
	"security.firewall":         `{"router_ids": ["@network.router"], "network_id": null}`,
	"security.ipsec_connection": `{"vpn_service_id": "@security.vpn_service", "dpd": null}`,
	"security.waf":              `{"domain": "$MARK.example.com"}`,
	"storage.disk":              `{"vm_id": null, "zone_id": null}`,
	"storage.image":             `{"vm_id": "@compute.vm", "snapshot_id": null}`,
}

// afterwards are rpcs that make a thing fit for others: their samples, with the
// party's own ids.
var afterwards = map[string]string{
	"network.router": "cloud.network.v1.RouterService/AddRouterInterface",
}

// creator finds the rpc that makes a type.
func (w *world) creator(resourceType string) *contract.Method {
	for _, m := range w.contract.Methods {
		if m.Kind == apiv1.Kind_KIND_CREATE && m.ResourceType == resourceType {
			return m
		}
	}
	return nil
}

// own is the id of a thing of a type that the party may use: its own, made when
// first asked for, or one of the catalogue.
func (w *world) own(t *testing.T, p *party, resourceType string) string {
	t.Helper()
	if id := p.ids[resourceType]; id != "" {
		return id
	}
	if id := catalogue[resourceType]; id != "" && !p.making[resourceType] {
		return sharedAccount + "." + id
	}
	if w.creator(resourceType) == nil || p.making[resourceType] {
		return sharedAccount + ".none"
	}
	w.make(t, p, w.creator(resourceType))
	return p.ids[resourceType]
}

// make makes one thing by its rpc, of a cloud or of a module.
func (w *world) make(t *testing.T, p *party, m *contract.Method) {
	t.Helper()
	p.making[m.ResourceType] = true
	if m.Module {
		w.record(t, p, m)
	} else {
		w.build(t, p, m)
	}
}

// build makes one thing of a cloud from the sample of its rpc.
func (w *world) build(t *testing.T, p *party, m *contract.Method) {
	t.Helper()
	resourceType := m.ResourceType
	request := w.fit(t, m, p, fitting[resourceType])
	message := request.ProtoReflect()
	set(message, "account_id", sharedAccount)
	set(message, "name", fmt.Sprintf("%s-%d", p.mark, len(p.made)))
	w.fillRefs(t, p, message)
	operation := w.done(t, p, m, request)
	p.ids[resourceType] = operation.Text("resource_id")
	p.made = append(p.made, operation.Text("resource_id"), operation.Text("id"))
	p.ids["operation.operation"] = operation.Text("id")
	if next := w.contract.Method(afterwards[resourceType]); next != nil {
		request := w.sample(t, next)
		w.fillRefs(t, p, request.ProtoReflect())
		w.done(t, p, next, request)
	}
}

// done makes a call that must succeed and returns its operation.
func (w *world) done(t *testing.T, p *party, m *contract.Method, request proto.Message) object {
	t.Helper()
	answer := w.call(t, m, request, p.users["tenant-member"])
	if answer.Code != 0 {
		t.Fatalf("%s for %s: %d %s\nrequest %v\nif the simulated cloud wants other values than the sample has, put them into fitting",
			m.FullName, p.mark, answer.Status, answer.Body, request)
	}
	operation := w.Wait(t, answer.Data.Text("operation_id"))
	if operation.Text("status") != harness.Succeeded {
		t.Fatalf("%s for %s: %v", m.FullName, p.mark, operation)
	}
	return operation
}

// makeAll makes one thing of every type that the simulated cloud and the modules make.
func (w *world) makeAll(t *testing.T, p *party) {
	t.Helper()
	for _, module := range []bool{false, true} {
		for _, m := range w.contract.Methods {
			made := m.Kind == apiv1.Kind_KIND_CREATE && m.Module == module && p.ids[m.ResourceType] == ""
			if made && (w.offered[m.FullName] || module && m.Service != "tenant" && m.Service != "account" && (!identity.InstallationWide(m.Permission) || namesOwner(m))) {
				w.make(t, p, m)
			}
		}
		if !module {
			w.awaitBilling(t, p)
		}
	}
	p.ids["account.cloud_tenant"] = w.Post(t, "account/cloud-tenant/create", object{
		"id": p.mark + "-tenant", "admin_account_id": sharedAccount, "organization_id": p.organization,
	}).Object("cloud_tenant").Text("id")
	p.ids["billing.cost"] = p.ids["billing.adjustment"] // an entry by hand is a line of cost
}

// namesOwner tells whether a request says to which organization something will belong.
func namesOwner(m *contract.Method) bool {
	fields := m.Input.Descriptor().Fields()
	return fields.ByName("organization_id") != nil || fields.ByName("tenant_id") != nil
}

// awaitBilling waits until billing has heard of a party's VM.
func (w *world) awaitBilling(t *testing.T, p *party) {
	t.Helper()
	harness.Eventually(t, time.Minute, "billing has an order of the VM", func() bool {
		w.Post(t, "billing/period/rate", object{"period": lastMonth()}) // it looks for news first
		return len(w.Get(t, "billing/order/list", object{"resource_id": p.ids["compute.vm"]}).List("orders")) > 0
	})
}

// lastMonth is the billing period that is over.
func lastMonth() string {
	now := time.Now().UTC()
	return now.AddDate(0, 0, -now.Day()).Format("2006-01")
}

// closeMonth writes statements of what the parties owe for the last month.
func (w *world) closeMonth(t *testing.T) {
	t.Helper()
	for _, step := range []string{"review", "close"} {
		w.Post(t, "billing/period/"+step, object{"period": lastMonth()})
	}
	for _, p := range []*party{w.alpha, w.beta} {
		for _, s := range w.Get(t, "billing/statement/list", object{"period": lastMonth(), "organization_id": p.organization}).List("statements") {
			p.ids["billing.statement"] = s.Text("id")
			p.made = append(p.made, s.Text("id"))
		}
	}
}

// record makes one thing of a gateway module, in the name of the organization's
// administrator, or, where only the root may, for the organization.
func (w *world) record(t *testing.T, p *party, m *contract.Method) {
	t.Helper()
	request := w.fit(t, m, p, fitting[m.ResourceType])
	message := request.ProtoReflect()
	w.fillOwn(m, message, p)
	set(message, "name", fmt.Sprintf("%s-%d", p.mark, len(p.made)))
	by := p.users["administrator"]
	if identity.InstallationWide(m.Permission) || byRoot[m.ResourceType] != "" {
		by = w.root
		set(message, "organization_id", p.organization)
		set(message, "tenant_id", p.organization)
	}
	answer := w.call(t, m, request, by)
	id := cmp.Or(answer.Data.Text("id"), strings.Join(answer.Data.Texts("ids"), ""))
	if answer.Code != 0 || id == "" {
		t.Errorf("%s for %s: %d %s\nrequest %v\nput what it needs into the row %q of fitting in make_test.go",
			m.FullName, p.mark, answer.Status, answer.Body, request, m.ResourceType)
		return
	}
	p.ids[m.ResourceType] = id
	p.made = append(p.made, id)
}

// byRoot are types that the root makes for an organization although their permission
// holds elsewhere too.
var byRoot = map[string]string{"logging.location": "some name files and ports of the gateway's machine"}

// placeholder stands in a row for the id of a thing of the party's own.
var placeholder = regexp.MustCompile(`@[a-z_.]+`)

// fit is the sample of a request with the members of a JSON object in it.
func (w *world) fit(t *testing.T, m *contract.Method, p *party, change string) proto.Message {
	t.Helper()
	sample := w.sample(t, m)
	if change == "" {
		return sample
	}
	change = strings.NewReplacer("$MARK", p.mark, "$LAST_MONTH", lastMonth()).Replace(change)
	change = placeholder.ReplaceAllStringFunc(change, func(wanted string) string { return w.own(t, p, wanted[1:]) })
	members := map[string]any{}
	text, err := protojson.MarshalOptions{UseProtoNames: true}.Marshal(sample)
	if err == nil {
		err = errors.Join(json.Unmarshal(text, &members), json.Unmarshal([]byte(change), &members))
	}
	maps.DeleteFunc(members, func(_ string, value any) bool { return value == nil })
	if err == nil {
		text, err = json.Marshal(members)
	}
	fitted := m.Input.New().Interface()
	if err := errors.Join(err, protojson.Unmarshal(text, fitted)); err != nil {
		t.Fatalf("%s: %v", m.FullName, err)
	}
	return fitted
}

// fillRefs puts ids of the party's own things in the place of those of the sample.
func (w *world) fillRefs(t *testing.T, p *party, message protoreflect.Message) {
	t.Helper()
	err := pipeline.RewriteIDs(message, func(_ string, rule *apiv1.FieldRule, id string) (string, error) {
		if strings.HasPrefix(id, sharedAccount+".") {
			return id, nil
		}
		return w.own(t, p, rule.GetRef()), nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// sample is a request of an rpc as the document shows it.
func (w *world) sample(t *testing.T, m *contract.Method) proto.Message {
	t.Helper()
	sample, err := w.samples.Request(m.FullName)
	if err != nil {
		t.Fatal(err)
	}
	return transcribe(t, sample, m.Input.New().Interface())
}

// transcribe reads a message of one set of descriptors as one of another.
func transcribe(t *testing.T, from, to proto.Message) proto.Message {
	t.Helper()
	text, err := proto.Marshal(from)
	if err == nil {
		err = proto.Unmarshal(text, to)
	}
	if err != nil {
		t.Fatal(err)
	}
	return to
}

func set(m protoreflect.Message, name protoreflect.Name, value string) {
	field := m.Descriptor().Fields().ByName(name)
	switch {
	case field == nil || field.Kind() != protoreflect.StringKind:
	case field.IsList():
		list := m.NewField(field).List()
		list.Append(protoreflect.ValueOfString(value))
		m.Set(field, protoreflect.ValueOfList(list))
	default:
		m.Set(field, protoreflect.ValueOfString(value))
	}
}
