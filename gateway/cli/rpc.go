package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
	"google.golang.org/protobuf/encoding/protojson"

	"github.com/yunqiao/yunqiao/plugin-proto/contract"
	_ "github.com/yunqiao/yunqiao/plugin-proto/gen" // links every contract file
	accountv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/account/v1"
	operationv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/operation/v1"
)

// rpcTag is the tag of a command that names the rpc it calls:
// "<service> <resource> <method>" of the annex-A route.
const rpcTag = "rpc"

// fieldsCommand calls the rpc of its tag with key=value arguments.
type fieldsCommand struct {
	Fields []string `arg:"" optional:"" name:"key=value" sep:"none" help:"Fields of the request; see above."`
}

// Run makes the call.
func (c fieldsCommand) Run(selected *kong.Context, env *environment) error {
	m, err := taggedMethod(selected)
	if err != nil {
		return err
	}
	return callFields(env, m, c.Fields)
}

// idCommand calls the rpc of its tag on one resource.
type idCommand struct {
	ID     string   `arg:"" help:"Id of the resource."`
	Fields []string `arg:"" optional:"" name:"key=value" sep:"none" help:"More fields of the request; see above."`
}

// setTag is the tag of a command that names a field which it always sets.
const setTag = "set"

// Run makes the call.
func (c idCommand) Run(selected *kong.Context, env *environment) error {
	m, err := taggedMethod(selected)
	if err != nil {
		return err
	}
	fields := []string{m.IDField + "=" + c.ID}
	if always := selected.Selected().Tag.Get(setTag); always != "" {
		fields = append(fields, always)
	}
	return callFields(env, m, append(fields, c.Fields...))
}

// accountCommand adds the flag that reads better than credentials.NAME=.
type accountCommand struct {
	idCommand
	Credential []string `help:"A credential, from a file or the environment; may be repeated." placeholder:"NAME=@FILE|NAME=env:VAR" sep:"none"`
}

// Run makes the call.
func (c accountCommand) Run(selected *kong.Context, env *environment) error {
	for _, credential := range c.Credential {
		c.Fields = append(c.Fields, "credentials."+credential)
	}
	return c.idCommand.Run(selected, env)
}

// createAccountCommand names the new account as the others name theirs.
type createAccountCommand struct{ accountCommand }

// Run makes the call.
func (c createAccountCommand) Run(selected *kong.Context, env *environment) error {
	c.Fields = append([]string{"id=" + c.ID}, c.Fields...)
	return c.accountCommand.Run(selected, env)
}

// callCommand calls any rpc.
type callCommand struct {
	Service  string   `arg:"" help:"First part of the route: compute, storage, network, account, operation."`
	Resource string   `arg:"" help:"Second part: vm, disk, security-group, …"`
	Method   string   `arg:"" help:"Last part: create, get, list, …"`
	Fields   []string `arg:"" optional:"" name:"key=value" sep:"none" help:"Fields of the request."`
	JSON     string   `name:"json" help:"The whole request as JSON: the text, @FILE, or @- for standard input." placeholder:"BODY"`
}

// Help implements kong.HelpProvider.
func (callCommand) Help() string {
	return `Calls what "yunqiao routes" lists, by the words of its first route:
/compute/v1/vm/create is "compute vm create". What a request holds tells
"yunqiao fields SERVICE RESOURCE METHOD", or /docs of the gateway.

    yunqiao call network network create account_id=memory name=net-1
    yunqiao call network subnet create network_id=memory.net-1 name=a cidr=10.0.0.0/24
    yunqiao call compute flavor list account_id=memory -o json
    yunqiao call compute vm create --json @vm.json

` + valuesHelp
}

// Run makes the call.
func (c callCommand) Run(env *environment) error {
	m, err := findMethod(c.Service, c.Resource, c.Method)
	if err != nil {
		return err
	}
	if c.JSON == "" {
		return callFields(env, m, c.Fields)
	}
	if len(c.Fields) > 0 {
		return errors.New("give either --json or key=value, not both")
	}
	text := []byte(c.JSON)
	if file, ok := strings.CutPrefix(c.JSON, "@"); ok {
		if text, err = readFile(file, env.stdin); err != nil {
			return err
		}
	}
	r, err := encodeJSON(m, text)
	if err != nil {
		return err
	}
	return send(env, m, r)
}

// fieldsOfCommand tells what the request of an rpc holds.
type fieldsOfCommand struct {
	Service  string `arg:"" help:"First part of the route."`
	Resource string `arg:"" help:"Second part."`
	Method   string `arg:"" help:"Last part."`
}

// Run prints the fields.
func (c fieldsOfCommand) Run(env *environment) error {
	m, err := findMethod(c.Service, c.Resource, c.Method)
	if err != nil {
		return err
	}
	_, err = fmt.Fprint(env.stdout, describe(m))
	return err
}

func taggedMethod(selected *kong.Context) (*contract.Method, error) {
	words := strings.Fields(selected.Selected().Tag.Get(rpcTag))
	return findMethod(words[0], words[1], words[2])
}

// findMethod finds an rpc by the words of its annex-A route.
func findMethod(service, resource, name string) (*contract.Method, error) {
	c, err := contract.Linked()
	if err != nil {
		return nil, err
	}
	var services, resources, names []string
	for _, m := range c.Methods {
		services = append(services, m.Service)
		if m.Service == service {
			resources = append(resources, m.Resource)
		}
		if m.Service == service && m.Resource == resource {
			names = append(names, m.Name)
		}
		if m.Service == service && m.Resource == resource && m.Name == name {
			return m, nil
		}
	}
	switch {
	case len(resources) == 0:
		return nil, fmt.Errorf("there is no service %q; there are: %s", service, sorted(services))
	case len(names) == 0:
		return nil, fmt.Errorf("%s has no resource %q; it has: %s", service, resource, sorted(resources))
	default:
		return nil, fmt.Errorf("%s %s has no method %q; it has: %s", service, resource, name, sorted(names))
	}
}

func sorted(names []string) string {
	slices.Sort(names)
	return strings.Join(slices.Compact(names), ", ")
}

func callFields(env *environment, m *contract.Method, fields []string) error {
	a := newArguments(m, env)
	for _, f := range fields {
		if err := a.set(f); err != nil {
			return err
		}
	}
	r, err := a.encode(m)
	if err != nil {
		return err
	}
	return send(env, m, r)
}

func send(env *environment, m *contract.Method, r *request) error {
	c := newClient(env.flags, env.getenv)
	var err error
	if !m.Public {
		if err = c.identify(env); err != nil {
			return err
		}
	}
	data, err := c.do(env.ctx, r.verb, r.path, r.query, r.body)
	if err != nil {
		return err
	}
	if env.flags.Output == "json" {
		if err := printJSON(env.stdout, data); err != nil {
			return err
		}
		return outcome(m, data)
	}
	answer := m.Output.New()
	if err := (protojson.UnmarshalOptions{DiscardUnknown: true}).Unmarshal(data, answer.Interface()); err != nil {
		return fmt.Errorf("the answer is not one of %s: %w", m.FullName, err)
	}
	if err := printTable(env.stdout, answer); err != nil {
		return err
	}
	return outcome(m, data)
}

// outcome makes waiting for an operation fail where the operation did not succeed,
// and verifying a driver where its files are others, so that scripts need not read
// the answer.
func outcome(m *contract.Method, data json.RawMessage) error {
	read := protojson.UnmarshalOptions{DiscardUnknown: true}
	switch m.FullName {
	case "cloud.account.v1.DriverService/VerifyDriver":
		verified := &accountv1.VerifyDriverResponse{}
		if err := read.Unmarshal(data, verified); err != nil || verified.GetProblem() == "" {
			return err
		}
		return errors.New(verified.GetProblem())
	case "cloud.operation.v1.OperationService/WaitOperation":
	default:
		return nil
	}
	answer := &operationv1.WaitOperationResponse{}
	if err := read.Unmarshal(data, answer); err != nil {
		return err
	}
	if status := answer.GetOperation().GetStatus(); status.String() != "OPERATION_STATUS_SUCCEEDED" {
		return fmt.Errorf("the operation is %s", shortEnum(status.Descriptor(), status.Number()))
	}
	return nil
}
