package contract

import (
	"fmt"
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
)

// DefaultTimeoutSeconds is how long an operation may take whose rpc names no limit.
const DefaultTimeoutSeconds = 1200

// Method is one public rpc.
type Method struct {
	FullName     string // "cloud.compute.v1.VmService/CreateVm"
	Path         string // "/cloud.compute.v1.VmService/CreateVm", as gRPC wants it
	Service      string // "compute"
	Resource     string // "vm", kebab case as in routes
	ResourceType string // "compute.vm": what it acts on
	Name         string // "create", kebab case
	Kind         apiv1.Kind
	Permission   string // "compute.vm.create"
	Rows         []string
	Routes       []Route // the annex-A route first
	Module       bool    // served inside the gateway, not by a driver
	IDField      string  // request field with the id of what is acted on; "" for lists and creates
	Until        []protoreflect.EnumNumber
	Immediate    bool
	Timeout      int32          // seconds
	Public       bool           // served to callers without credentials
	Guarded      []GuardedField // request fields that need a permission of their own
	Input        protoreflect.MessageType
	Output       protoreflect.MessageType
	Descriptor   protoreflect.MethodDescriptor
}

// GuardedField is a request field that only callers with a further permission may set.
type GuardedField struct {
	Field      protoreflect.FieldDescriptor
	Permission string // "database.instance.password"
}

// Route is one HTTP binding. Pattern has variables in braces: "/compute/v1/vms/{id}".
type Route struct {
	Method  string
	Pattern string
}

// IsWrite tells whether the rpc changes anything.
func (m *Method) IsWrite() bool {
	switch m.Kind {
	case apiv1.Kind_KIND_CREATE, apiv1.Kind_KIND_UPDATE, apiv1.Kind_KIND_ACTION, apiv1.Kind_KIND_DELETE:
		return true
	default:
		return false
	}
}

// Contract is every public rpc of a set of files.
type Contract struct {
	Methods []*Method // sorted by FullName
	byName  map[string]*Method
	getters map[string]*Method
	listers map[string]*Method
}

// Method finds an rpc by full name, or returns nil.
func (c *Contract) Method(fullName string) *Method { return c.byName[fullName] }

// Getter finds the rpc that reads one resource of a type, or returns nil.
func (c *Contract) Getter(resourceType string) *Method { return c.getters[resourceType] }

// Lister finds the rpc that lists the resources of a type, or returns nil.
func (c *Contract) Lister(resourceType string) *Method { return c.listers[resourceType] }

// New reads every service with a resource option out of the files.
func New(files ...protoreflect.FileDescriptor) (*Contract, error) {
	c := &Contract{byName: map[string]*Method{}, getters: map[string]*Method{}, listers: map[string]*Method{}}
	for _, file := range files {
		for i := range file.Services().Len() {
			if err := c.addService(file.Services().Get(i)); err != nil {
				return nil, err
			}
		}
	}
	slices.SortFunc(c.Methods, func(a, b *Method) int { return strings.Compare(a.FullName, b.FullName) })
	return c, nil
}

func (c *Contract) addService(service protoreflect.ServiceDescriptor) error {
	rule := proto.GetExtension(service.Options(), apiv1.E_Resource).(*apiv1.ResourceRule)
	if rule.GetName() == "" {
		return nil
	}
	for i := range service.Methods().Len() {
		m, err := newMethod(service.Methods().Get(i), rule)
		if err != nil {
			return err
		}
		c.Methods = append(c.Methods, m)
		c.byName[m.FullName] = m
		switch m.Kind {
		case apiv1.Kind_KIND_GET:
			c.getters[m.ResourceType] = m
		case apiv1.Kind_KIND_LIST:
			if c.listers[m.ResourceType] == nil || m.Name == "list" { // others list what belongs to the resources
				c.listers[m.ResourceType] = m
			}
		}
	}
	return nil
}

func newMethod(d protoreflect.MethodDescriptor, resource *apiv1.ResourceRule) (*Method, error) {
	rule := proto.GetExtension(d.Options(), apiv1.E_Method).(*apiv1.MethodRule)
	fullName := string(d.Parent().FullName()) + "/" + string(d.Name())
	if rule.GetKind() == apiv1.Kind_KIND_UNSPECIFIED || rule.GetName() == "" {
		return nil, fmt.Errorf("rpc %s: the method option needs kind and name", fullName)
	}
	service, version, err := servicePart(d.ParentFile().Package())
	if err != nil {
		return nil, fmt.Errorf("rpc %s: %w", fullName, err)
	}
	input, err := messageType(d.Input())
	if err != nil {
		return nil, err
	}
	output, err := messageType(d.Output())
	if err != nil {
		return nil, err
	}
	m := &Method{
		FullName:     fullName,
		Path:         "/" + fullName,
		Service:      service,
		Resource:     resource.GetName(),
		ResourceType: rule.GetActsOn(),
		Name:         rule.GetName(),
		Kind:         rule.GetKind(),
		Permission:   rule.GetPermission(),
		Rows:         rule.GetGyt355Rows(),
		Module:       resource.GetServer() == apiv1.Server_SERVER_MODULE,
		IDField:      rule.GetIdField(),
		Immediate:    rule.GetImmediate(),
		Timeout:      rule.GetTimeoutSeconds(),
		Public:       rule.GetPublic(),
		Input:        input,
		Output:       output,
		Descriptor:   d,
	}
	if m.ResourceType == "" {
		m.ResourceType = service + "." + snake(m.Resource)
	}
	if m.Permission == "" {
		m.Permission = service + "." + snake(m.Resource) + "." + snake(m.Name)
	}
	if m.Timeout == 0 {
		m.Timeout = DefaultTimeoutSeconds
	}
	if m.IDField == "" && d.Input().Fields().ByName("id") != nil {
		m.IDField = "id"
	}
	if m.IDField != "" && d.Input().Fields().ByName(protoreflect.Name(m.IDField)) == nil {
		return nil, fmt.Errorf("rpc %s: id_field %q is no field of %s", fullName, m.IDField, d.Input().FullName())
	}
	if m.Until, err = enumNumbers(d.Output(), rule.GetUntil()); err != nil {
		return nil, fmt.Errorf("rpc %s: %w", fullName, err)
	}
	m.Guarded = guardedFields(d.Input())
	m.Routes = []Route{
		{httpMethod(m), "/" + service + "/" + version + "/" + m.Resource + "/" + m.Name},
		restRoute(m, rule.GetRest(), resource.GetPlural(), version),
	}
	return m, nil
}

func httpMethod(m *Method) string {
	if m.IsWrite() {
		return "POST"
	}
	return "GET"
}

func restRoute(m *Method, explicit, plural, version string) Route {
	if verb, pattern, ok := strings.Cut(explicit, " "); ok {
		return Route{verb, pattern}
	}
	collection := "/" + m.Service + "/" + version + "/" + plural
	item := collection
	if m.IDField != "" {
		item += "/{" + m.IDField + "}"
	}
	switch m.Kind {
	case apiv1.Kind_KIND_CREATE:
		return Route{"POST", collection}
	case apiv1.Kind_KIND_LIST:
		return Route{"GET", collection}
	case apiv1.Kind_KIND_GET:
		return Route{"GET", item}
	case apiv1.Kind_KIND_UPDATE:
		return Route{"PATCH", item}
	case apiv1.Kind_KIND_DELETE:
		return Route{"DELETE", item}
	default:
		return Route{httpMethod(m), item + "/" + m.Name}
	}
}

// servicePart takes "compute" and "v1" out of "cloud.compute.v1".
func servicePart(pkg protoreflect.FullName) (service, version string, err error) {
	parts := strings.Split(string(pkg), ".")
	if len(parts) != 3 || parts[0] != "cloud" {
		return "", "", fmt.Errorf("package %s is not cloud.<service>.<version>", pkg)
	}
	return parts[1], parts[2], nil
}

func snake(kebab string) string { return strings.ReplaceAll(kebab, "-", "_") }
