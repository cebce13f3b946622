package tenants

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/yunqiao/yunqiao/internal/redact"
	"github.com/yunqiao/yunqiao/plugin-proto/contract"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	"github.com/yunqiao/yunqiao/test/e2e/harness"
)

// cage keeps the secrets that were sent or told, by what they are.
type cage struct {
	*world
	secret map[string]string
}

// marker is no secret: it shows that what is searched is searched well.
const marker = "visible-marker-5b1c"

// TestCanaries sends a marked secret in every secret field of every request,
// remembers every secret that an answer tells, and looks for them wherever they must
// not be.
func TestCanaries(t *testing.T) {
	traces := newTraceSink(t)
	w := newWorldWith(t, harness.Setup{Store: "sqlite", Config: object{
		"log": object{"level": "debug", "format": "json"}, "traces": object{"endpoint": traces.url, "sample_ratio": 1},
	}})
	c := &cage{world: w, secret: map[string]string{"log-in password": password}}
	c.secret["first token"] = c.root.token
	for role, u := range w.alpha.users {
		c.secret["token of "+role] = u.token
	}
	w.makeAll(t, w.alpha)
	w.Post(t, "tenant/organization/create", object{"name": "marked", "description": marker})
	for _, m := range w.contract.Methods {
		for _, path := range secretFields(m.Input.Descriptor()) {
			c.send(t, m, path)
		}
		if len(secretFields(m.Output.Descriptor())) > 0 && !m.Public {
			c.ask(t, m)
		}
	}
	if len(c.secret) < 15 {
		t.Errorf("only %d secrets went through: %v", len(c.secret), c.secret)
	}
	t.Logf("%d secrets", len(c.secret))
	c.readEverything(t)
	c.search(t, "the log", w.Log(t), `"level":"DEBUG"`)
	c.search(t, "/metrics", w.Send(t, http.MethodGet, "/metrics", nil).Body, "yunqiao_")
	c.searchFiles(t)
	w.Stop(t) // sends what is left of the traces
	c.searchFiles(t)
	c.search(t, "the traces", traces.text(), "cloud.compute.v1.VmService/CreateVm")
}

// traceSink takes the traces that a gateway sends by OTLP.
type traceSink struct {
	url string

	mu  sync.Mutex
	all []byte
}

func newTraceSink(t *testing.T) *traceSink {
	t.Helper()
	s := &traceSink{}
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil || r.Header.Get("Content-Encoding") != "" {
			t.Errorf("traces: %v, encoded as %q", err, r.Header.Get("Content-Encoding"))
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		s.all = append(s.all, body...)
	}))
	t.Cleanup(server.Close)
	s.url = server.URL + "/v1/traces"
	return s
}

func (s *traceSink) text() []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.all
}

// secretFields are the paths of all secret fields of a message.
func secretFields(d protoreflect.MessageDescriptor) [][]protoreflect.FieldDescriptor {
	var out [][]protoreflect.FieldDescriptor
	var walk func(d protoreflect.MessageDescriptor, path []protoreflect.FieldDescriptor)
	walk = func(d protoreflect.MessageDescriptor, path []protoreflect.FieldDescriptor) {
		for i := range d.Fields().Len() {
			field := d.Fields().Get(i)
			here := append(path[:len(path):len(path)], field)
			switch {
			case contract.IsSecret(field):
				out = append(out, here)
			case field.Message() != nil && !field.IsMap() && field.Message().ParentFile().Package() != "google.protobuf":
				walk(field.Message(), here)
			}
		}
	}
	walk(d, nil)
	return out
}

// send sends a new secret in one field. Whether the call succeeds does not matter.
func (c *cage) send(t *testing.T, m *contract.Method, path []protoreflect.FieldDescriptor) {
	t.Helper()
	request := c.fit(t, m, c.alpha, cmp.Or(needs[m.FullName], beside[m.FullName], c.fitting(m)))
	holder := request.ProtoReflect()
	for _, field := range path[:len(path)-1] {
		holder = c.enter(t, m, holder, field)
	}
	c.dress(t, m, request)
	last := path[len(path)-1]
	name := m.FullName + " " + string(last.Name())
	secret := fmt.Sprintf("Canary-%03d-x9Q-s3cret", len(c.secret))
	switch {
	case last.IsMap():
		holder.Mutable(last).Map().Set(protoreflect.ValueOfString("password").MapKey(), protoreflect.ValueOfString(secret))
	case last.Kind() == protoreflect.StringKind && !last.IsList():
		holder.Set(last, protoreflect.ValueOfString(secret))
	case last.Kind() == protoreflect.BytesKind && !last.IsList():
		holder.Set(last, protoreflect.ValueOfBytes([]byte(secret)))
	default:
		t.Fatalf("%s: a secret of this kind cannot be sent by this test yet", name)
	}
	if c.validator.Validate(request) != nil {
		p := parameter{path: path}
		if lean := c.withoutRival(request, p); lean != nil {
			request = lean
		}
	}
	c.secret[name] = secret
	answer := c.call(t, m, request, c.root)
	if answer.Status/100 != 2 && refusedCalls[name] == "" {
		t.Errorf("%s: %d %s\nthe secret has not come far; put what the request needs into needs, or explain in refusedCalls", name, answer.Status, answer.Body)
	}
	c.expectQuiet(t, name, m, answer)
}

// ask makes a call whose answer holds secrets.
func (c *cage) ask(t *testing.T, m *contract.Method) {
	t.Helper()
	request := c.fit(t, m, c.alpha, cmp.Or(needs[m.FullName], beside[m.FullName], c.fitting(m)))
	c.dress(t, m, request)
	if field := request.ProtoReflect().Descriptor().Fields().ByName("generate"); field != nil && field.Kind() == protoreflect.BoolKind {
		request.ProtoReflect().Set(field, protoreflect.ValueOfBool(true))
		request.ProtoReflect().Clear(request.ProtoReflect().Descriptor().Fields().ByName("public_key"))
	}
	if strings.HasSuffix(m.FullName, "/RefreshToken") { // the caller's own token ends
		renewed := c.call(t, m, request, c.alpha.users["administrator"])
		c.secret["renewed token"] = renewed.Data.Text("token")
		return
	}
	answer := c.call(t, m, request, c.root)
	c.expectQuiet(t, m.FullName, m, answer)
	c.remember(m, answer)
}

// dress fills a request with the first organization's things and a fresh name.
func (c *cage) dress(t *testing.T, m *contract.Method, request proto.Message) {
	t.Helper()
	message := request.ProtoReflect()
	if m.Kind == apiv1.Kind_KIND_CREATE {
		set(message, "name", fmt.Sprintf("canary-%d", len(c.secret)))
	}
	c.fillOwn(m, message, c.alpha)
	set(message, "account_id", sharedAccount)
	if m.ResourceType == "account.account" {
		set(message, "id", "stack")
	}
	c.fillRefs(t, c.alpha, message)
}

// fitting is what the simulated cloud needs in a create.
func (c *cage) fitting(m *contract.Method) string {
	if m.Kind != apiv1.Kind_KIND_CREATE {
		return ""
	}
	return fitting[m.ResourceType]
}

// needs are members that a request needs so that its secret comes far.
var needs = map[string]string{
	"cloud.account.v1.AccountService/CreateAccount": `{"driver": "openstack",
		"settings": {"auth_url": "http://127.0.0.1:1/v3", "username": "news", "project_name": "news"}}`,
	"cloud.account.v1.AccountService/UpdateAccount":       `{"settings": null}`,
	"cloud.compute.v1.VmService/CreateVm":                 `{"image_id": "shared.img-cirros"}`,
	"cloud.logging.v1.SubmissionService/CreateSubmission": `{"method": "SUBMISSION_METHOD_SNMP", "time_zone": null, "pattern": null, "multiline": null, "allowed_sources": null, ` + snmpAccess,
	"cloud.logging.v1.SubmissionService/UpdateSubmission": `{"time_zone": null, "pattern": null, "multiline": null, "allowed_sources": null, "renew_token": null, ` + snmpAccess,
	"cloud.program.v1.PartnerService/SetPartnerTls":       `{"client_certificates": null, "server_authorities": null}`,
	"cloud.security.v1.IpsecConnectionService/CreateIpsecConnection": `{"vpn_service_id": "@security.vpn_service", "dpd": null,
		"peer_cidrs": ["192.168.77.0/24"]}`,
}

const snmpAccess = `"snmp": {"community": "any", "users": [{"name": "trap", "auth": "SNMP_AUTH_SHA256", "auth_password": "long-enough-1",
	"privacy": "SNMP_PRIVACY_AES", "privacy_password": "long-enough-2"}]}}`

// refusedCalls are those that a wrong secret must not pass.
var refusedCalls = map[string]string{
	"cloud.program.v1.PartnerService/SetPartnerTls private_key": "not the key of a certificate",
	"cloud.tenant.v1.TokenService/CreateToken password":         "a wrong password",
	"cloud.tenant.v1.TokenService/VerifyToken token":            "no token of ours",
	"cloud.tenant.v1.UserService/ChangePassword old_password":   "a wrong password",
	"cloud.tenant.v1.UserService/ChangePassword new_password":   "the administrator has no password yet",
}

// remember keeps the secrets that an answer tells.
func (c *cage) remember(m *contract.Method, answer *harness.Answer) {
	for _, path := range secretFields(m.Output.Descriptor()) {
		data := answer.Data
		for _, field := range path[:len(path)-1] {
			data = data.Object(string(field.Name()))
		}
		if told := data.Text(string(path[len(path)-1].Name())); len(told) > 8 {
			c.secret[m.FullName+" answers "+string(path[len(path)-1].Name())] = told
		}
	}
}

// expectQuiet checks that an answer tells no secret, but in the fields that are
// meant to.
func (c *cage) expectQuiet(t *testing.T, what string, m *contract.Method, answer *harness.Answer) {
	t.Helper()
	body := answer.Body
	if answer.Code == 0 {
		message := m.Output.New().Interface()
		if err := protojson.Unmarshal([]byte(answer.Data.String()), message); err != nil {
			t.Fatalf("%s: %v: %s", what, err, answer.Body)
		}
		clean, err := protojson.Marshal(redact.Message(message))
		if err != nil {
			t.Fatal(err)
		}
		body = clean
	}
	c.search(t, "the answer of "+what, body, "")
}

// readEverything reads all lists and all things.
func (c *cage) readEverything(t *testing.T) {
	t.Helper()
	for _, m := range c.contract.Methods {
		switch {
		case m.Kind == apiv1.Kind_KIND_LIST && (m.Module || c.offered[m.FullName]):
			request := m.Input.New().Interface()
			if c.validator.Validate(request) != nil {
				request = c.sample(t, m)
				c.dress(t, m, request)
			}
			if field := m.Input.Descriptor().Fields().ByName("page_size"); field != nil {
				request.ProtoReflect().Set(field, protoreflect.ValueOfInt32(500))
			}
			answer := c.call(t, m, request, c.root)
			c.expectQuiet(t, m.FullName, m, answer)
		case m.Kind == apiv1.Kind_KIND_GET && c.alpha.ids[m.ResourceType] != "":
			answer := c.Send(t, http.MethodGet, m.Routes[0].Pattern+"?"+harness.Query(object{"id": c.alpha.ids[m.ResourceType]}), nil)
			c.expectQuiet(t, m.FullName, m, answer)
		}
	}
}

// search looks for all secrets, as they are and in base64. Wanted shows that there
// is something to search.
func (c *cage) search(t *testing.T, where string, text []byte, wanted string) {
	t.Helper()
	if !bytes.Contains(text, []byte(wanted)) {
		t.Errorf("%s has no %q", where, wanted)
	}
	for what, secret := range c.secret {
		for _, form := range []string{secret, base64.StdEncoding.EncodeToString([]byte(secret))} {
			if at := bytes.Index(text, []byte(form)); at >= 0 {
				t.Errorf("%s holds the secret of %s: …%s…", where, what, text[max(0, at-200):min(len(text), at+len(form)+20)])
			}
		}
	}
}

// searchFiles looks into all files of the data folder but those that are meant to
// hold a secret, and the simulated cloud's own.
func (c *cage) searchFiles(t *testing.T) {
	t.Helper()
	var all []byte
	err := filepath.WalkDir(c.Dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() && entry.Name() == "clouds" {
			return fs.SkipDir
		}
		if !entry.Type().IsRegular() || slices.Contains([]string{"admin.token", "seal.key"}, entry.Name()) {
			return nil
		}
		text, err := os.ReadFile(path)
		all = append(all, text...)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	c.search(t, "the data folder", all, marker)
}
