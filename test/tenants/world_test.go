package tenants

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"buf.build/go/protovalidate"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	"github.com/yunqiao/yunqiao/internal/openapi"
	"github.com/yunqiao/yunqiao/plugin-proto/contract"
	_ "github.com/yunqiao/yunqiao/plugin-proto/gen" // links all messages
	"github.com/yunqiao/yunqiao/test/e2e/harness"
)

type object = harness.Object

const (
	sharedAccount = "shared"  // both organizations may use it
	secretAccount = "private" // only the first may
	password      = "Matrix-Pass-2026"
)

// world is a gateway with two organizations that share an account.
type world struct {
	*harness.Gateway
	contract  *contract.Contract
	samples   *openapi.Samples
	validator protovalidate.Validator
	offered   map[string]bool   // rpcs that the simulated cloud has
	roles     map[string]string // name -> id
	root      user
	alpha     *party
	beta      *party
}

// party is an organization with its people and things.
type party struct {
	mark         string // in every name of its things
	organization string
	users        map[string]user // by role
	ids          map[string]string
	made         []string // every id of a thing, of any kind, that is its own
	making       map[string]bool
}

type user struct{ id, name, token string }

// newWorld makes organizations that own something of everything.
func newWorld(t *testing.T) *world {
	t.Helper()
	w := newBareWorld(t)
	w.makeAll(t, w.alpha)
	w.makeAll(t, w.beta)
	w.closeMonth(t)
	return w
}

// newBareWorld makes organizations that own nothing.
func newBareWorld(t *testing.T) *world {
	t.Helper()
	return newWorldWith(t, harness.Setup{})
}

func newWorldWith(t *testing.T, setup harness.Setup) *world {
	t.Helper()
	fast := harness.Object{"state_delay_scale": 0.01, "client_tokens": true}
	w := &world{Gateway: harness.NewGatewayWith(t, programs, setup,
		harness.Account{ID: sharedAccount, Driver: "memory", Settings: map[string]string{"knobs": fast.String()}},
		harness.Account{ID: secretAccount, Driver: "memory", Settings: map[string]string{"knobs": fast.String()}},
		harness.Account{Driver: "openstack"},
	), offered: map[string]bool{}, roles: map[string]string{}}
	w.readContract(t)
	token, err := os.ReadFile(filepath.Join(w.Dir, "admin.token"))
	if err != nil {
		t.Fatal(err)
	}
	w.root.token = strings.TrimSpace(string(token))
	for _, name := range w.Get(t, "account/account/get", object{"id": sharedAccount}).Object("account").Texts("methods") {
		w.offered[name] = true
	}
	for _, role := range w.Get(t, "tenant/role/list", nil).List("roles") {
		w.roles[role.Text("name")] = role.Text("id")
	}
	w.alpha = w.newParty(t, "alphasecret", sharedAccount, secretAccount)
	for types, name := range map[string]string{"tenant.role": "tenant/role/create", "tenant.permission_group": "tenant/permission-group/create"} {
		w.alpha.ids[types] = w.Post(t, name, object{"name": "own-of-root", "permissions": []string{"compute.vm.get"}}).Text("id")
	}
	w.beta = w.newParty(t, "betaown", sharedAccount)
	return w
}

func (w *world) readContract(t *testing.T) {
	t.Helper()
	image, err := os.ReadFile("../../plugin-proto/gen/descriptors.binpb")
	if err != nil {
		t.Fatal(err)
	}
	files, err := openapi.ParseImage(image)
	if err != nil {
		t.Fatal(err)
	}
	files = slices.DeleteFunc(files, func(f protoreflect.FileDescriptor) bool { // not in the program yet
		_, err := protoregistry.GlobalFiles.FindFileByPath(f.Path())
		return err != nil
	})
	if w.samples, err = openapi.NewSamples(files); err != nil {
		t.Fatal(err)
	}
	if w.contract, err = contract.Linked(); err != nil {
		t.Fatal(err)
	}
	if w.validator, err = protovalidate.New(); err != nil {
		t.Fatal(err)
	}
}

// roles that each organization's people have. Those of an administrator of the
// organization show that it is not the lack of a permission that holds them back.
var people = []string{"tenant-member", "tenant-administrator", "administrator"}

func (w *world) newParty(t *testing.T, mark string, accounts ...string) *party {
	t.Helper()
	p := &party{mark: mark, users: map[string]user{}, ids: map[string]string{}, making: map[string]bool{}}
	p.organization = w.Post(t, "tenant/organization/create", object{"name": mark + "-org"}).Text("id")
	w.Post(t, "tenant/organization/set-accounts", object{"id": p.organization, "account_ids": accounts})
	p.made = append(p.made, p.organization)
	for _, role := range people {
		name := mark + "-" + role
		id := w.Post(t, "tenant/user/create", object{"name": name, "password": password, "organization_id": p.organization}).Text("id")
		w.Post(t, "tenant/organization/grant-role", object{"id": p.organization, "user_id": id, "role_id": w.roles[role]})
		token := w.Post(t, "tenant/token/create", object{"user_name": name, "password": password}).Text("token")
		p.users[role] = user{id, name, token}
		key := w.Post(t, "tenant/access-key/create", object{"user_id": id}).Text("id")
		p.made = append(p.made, id, token, key)
		p.ids["tenant.user"], p.ids["tenant.access_key"] = id, key
	}
	p.ids["tenant.organization"], p.ids["account.account"] = p.organization, accounts[len(accounts)-1]
	return p
}

// as makes requests in the name of a user.
func (u user) as() harness.Option { return harness.Header("Authorization", "Bearer "+u.token) }

// call sends a request of an rpc by its first route.
func (w *world) call(t *testing.T, m *contract.Method, request proto.Message, u user) *harness.Answer {
	t.Helper()
	text, err := protojson.MarshalOptions{UseProtoNames: true}.Marshal(request)
	if err != nil {
		t.Fatal(err)
	}
	route := m.Routes[0]
	if route.Method != http.MethodGet {
		return w.Send(t, route.Method, route.Pattern, text, u.as())
	}
	var members map[string]any
	if err := json.Unmarshal(text, &members); err != nil {
		t.Fatal(err)
	}
	query := url.Values{}
	for _, name := range slices.Sorted(maps.Keys(members)) {
		if list, ok := members[name].([]any); ok {
			for _, item := range list {
				query.Add(name, fmt.Sprint(item))
			}
			continue
		}
		query.Set(name, fmt.Sprint(members[name]))
	}
	return w.Send(t, route.Method, route.Pattern+"?"+query.Encode(), nil, u.as())
}

// native is an id as the cloud knows it.
func native(id string) string {
	_, after, found := strings.Cut(id, ".")
	if !found {
		return id
	}
	return after
}
