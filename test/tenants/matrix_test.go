package tenants

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/yunqiao/yunqiao/gateway/identity"
	"github.com/yunqiao/yunqiao/plugin-proto/contract"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	"github.com/yunqiao/yunqiao/test/e2e/harness"
)

// unmade are parameters for which no valid request with a foreign id can be made.
var unmade = map[string]string{}

// TestMatrix uses the ids of one organization in the name of another, in every id
// parameter of every rpc.
func TestMatrix(t *testing.T) {
	w := newWorld(t)
	w.alphaReachesItsOwn(t)
	before := w.alphaAsItIs(t)
	for _, role := range people {
		t.Run("lists/"+role, func(t *testing.T) { w.checkLists(t, w.beta.users[role]) })
	}
	calls := 0
	for _, m := range w.contract.Methods {
		t.Run(strings.TrimPrefix(m.FullName, "cloud."), func(t *testing.T) {
			if identity.InstallationWide(m.Permission) {
				w.checkWhole(t, m)
				return
			}
			for _, p := range w.parameters(t, m) {
				calls += w.checkParameter(t, m, p)
			}
		})
	}
	t.Logf("%d calls with foreign ids", calls)
	if after := w.alphaAsItIs(t); !slices.Equal(before, after) {
		t.Errorf("the first organization's things have changed\nbefore %v\nafter  %v", before, after)
	}
}

// checkWhole calls an rpc that only the root organization has.
func (w *world) checkWhole(t *testing.T, m *contract.Method) {
	t.Helper()
	request := w.sample(t, m)
	if answer := w.call(t, m, request, w.beta.users["administrator"]); answer.Reason() != "PERMISSION_DENIED" {
		t.Errorf("%d %s, want PERMISSION_DENIED", answer.Status, answer.Body)
	}
}

// checkParameter sends a foreign id in one parameter as each of the people, and
// compares the answer with that to an id of nothing.
func (w *world) checkParameter(t *testing.T, m *contract.Method, p parameter) (calls int) {
	t.Helper()
	name := m.FullName + " " + p.String()
	for _, id := range w.foreign(t, p) {
		request := w.request(t, m, p, id)
		if made := request != nil; made == (unmade[name] != "") {
			t.Errorf("a valid request with a foreign id in %s can be made: %t; put what it needs beside the id into beside in foreign_test.go, or explain in unmade", p, made)
		}
		if request == nil {
			return calls
		}
		void := w.request(t, m, p, w.absent(p, id))
		for _, role := range people {
			answer := w.call(t, m, request, w.beta.users[role])
			calls++
			w.expectNothing(t, m, p, role, request, answer)
			if void == nil {
				continue
			}
			if nothing := w.call(t, m, void, w.beta.users[role]); nothing.Status != answer.Status || nothing.Reason() != answer.Reason() {
				t.Errorf("%s as %s: %d %s, but of an id of nothing %d %s: they can be told apart",
					p, role, answer.Status, answer.Body, nothing.Status, nothing.Body)
			}
		}
	}
	return calls
}

// expectNothing checks that an answer refuses, or tells nothing.
func (w *world) expectNothing(t *testing.T, m *contract.Method, p parameter, role string, request proto.Message, answer *harness.Answer) {
	t.Helper()
	switch status := answer.Status; {
	case status == http.StatusForbidden, status == http.StatusNotFound:
		if role == "administrator" && answer.Reason() == "PERMISSION_DENIED" && !strings.HasPrefix(m.FullName, "cloud.tenant.") {
			t.Errorf("%s as %s: %s: the id was not looked at", p, role, answer.Body)
		}
	case status == http.StatusBadRequest && answer.Reason() == "REFERENCE_NOT_FOUND": // it says that there is none
	case status == http.StatusOK && mayAnswer(m):
	case status == http.StatusNotImplemented && !m.Module && !w.offered[m.FullName]:
	default:
		t.Errorf("%s as %s: %d %s\nrequest %v", p, role, status, answer.Body, request)
	}
	w.expectNoLeak(t, p.String()+" as "+role, m, request, answer)
}

// expectNoLeak looks for anything of the first organization in the bytes of an
// answer, but for what the request itself says.
func (w *world) expectNoLeak(t *testing.T, what string, m *contract.Method, request proto.Message, answer *harness.Answer) {
	t.Helper()
	if m.FullName == "cloud.tenant.v1.AuditService/ListAudits" {
		w.expectOwnAudits(t, what, answer)
		return
	}
	sent, err := protojson.Marshal(request)
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range w.secrets() {
		if strings.Contains(string(answer.Body), secret) && !strings.Contains(string(sent), secret) {
			t.Errorf("%s: the answer tells %s of the other organization: %s", what, secret, answer.Body)
		}
	}
}

// expectOwnAudits: what the caller itself has sent stands in its record, so that
// whose entries these are is what counts.
func (w *world) expectOwnAudits(t *testing.T, what string, answer *harness.Answer) {
	t.Helper()
	for _, entry := range answer.Data.List("audits") {
		if entry.Text("organization_id") != w.beta.organization {
			t.Errorf("%s: an entry of another organization: %v", what, entry)
		}
	}
}

// secrets are what only the first organization may read.
func (w *world) secrets() []string {
	out := []string{w.alpha.mark}
	for _, id := range w.alpha.made {
		out = append(out, native(id))
	}
	return out
}

// checkLists reads all lists, live and cached, page by page, and counts.
func (w *world) checkLists(t *testing.T, u user) {
	t.Helper()
	for _, m := range w.contract.Methods {
		if m.Kind != apiv1.Kind_KIND_LIST || !m.Module && !w.offered[m.FullName] {
			continue
		}
		hasView := m.Input.Descriptor().Fields().ByName("view") != nil
		for _, size := range []int32{0, 1} {
			w.checkList(t, m, size, false, u)
			if hasView {
				w.checkList(t, m, size, true, u)
			}
		}
	}
}

func (w *world) checkList(t *testing.T, m *contract.Method, size int32, cached bool, u user) {
	t.Helper()
	request := m.Input.New().Interface()
	if w.validator.Validate(request) != nil { // it lists the parts of one thing
		request = w.fit(t, m, w.beta, beside[m.FullName])
		w.fillOwn(m, request.ProtoReflect(), w.beta)
		set(request.ProtoReflect(), "account_id", sharedAccount)
		w.fillRefs(t, w.beta, request.ProtoReflect())
	}
	message, fields := request.ProtoReflect(), m.Input.Descriptor().Fields()
	if field := fields.ByName("page_size"); field != nil {
		message.Set(field, protoreflect.ValueOfInt32(size))
	}
	if cached {
		message.Set(fields.ByName("view"), protoreflect.ValueOfEnum(apiv1.View_VIEW_CACHED.Number()))
	}
	items, seen := string(m.Output.Descriptor().Fields().Get(0).Name()), 0
	for {
		answer := w.call(t, m, request, u)
		if answer.Status == http.StatusForbidden && answer.Reason() == "PERMISSION_DENIED" {
			return
		}
		if answer.Status != http.StatusOK {
			t.Errorf("%s %v: %d %s", m.FullName, request, answer.Status, answer.Body)
			return
		}
		w.expectNoLeak(t, "list", m, request, answer)
		seen += len(answer.Data.List(items))
		if cached && size == 0 && w.ownable(m.ResourceType) && answer.Data.Int("total_size") != len(answer.Data.List(items)) {
			t.Errorf("%s: total_size %d, %d are shown", m.FullName, answer.Data.Int("total_size"), len(answer.Data.List(items)))
		}
		token := answer.Data.Text("next_page_token")
		if token == "" {
			break
		}
		set(message, "page_token", token)
	}
	if seen == 0 && w.beta.ids[m.ResourceType] != "" && w.contract.Lister(m.ResourceType) == m {
		t.Errorf("%s %v: the caller does not see its own", m.FullName, request)
	}
}

// alphaReachesItsOwn shows that it is not for another reason that foreign things
// cannot be read.
func (w *world) alphaReachesItsOwn(t *testing.T) {
	t.Helper()
	for types, id := range w.alpha.ids {
		if m := w.contract.Getter(types); m != nil && types != "account.account" {
			answer := w.Send(t, http.MethodGet, m.Routes[0].Pattern+"?"+harness.Query(object{"id": id}), nil, w.alpha.users["administrator"].as())
			if answer.Status != http.StatusOK {
				t.Errorf("%s of its own %s: %d %s", m.FullName, id, answer.Status, answer.Body)
			}
		}
	}
}

// alphaAsItIs reads all things of the first organization as text.
func (w *world) alphaAsItIs(t *testing.T) []string {
	t.Helper()
	var out []string
	for types, id := range w.alpha.ids {
		m := w.contract.Getter(types)
		if m == nil {
			continue
		}
		data := w.Send(t, http.MethodGet, m.Routes[0].Pattern+"?"+harness.Query(object{"id": id}), nil).Data
		for _, value := range data {
			if thing, ok := value.(map[string]any); ok {
				delete(thing, "observed_at")
			}
		}
		text, err := json.Marshal(data)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, types+" "+string(text))
	}
	for _, u := range w.alpha.users {
		for _, read := range []string{"tenant/user/get?id=" + u.id, "tenant/access-key/list?user_id=" + u.id} {
			name, query, _ := strings.Cut(read, "?")
			out = append(out, string(w.Send(t, http.MethodGet, harness.Path(name)+"?"+query, nil).Data.String()))
		}
	}
	slices.Sort(out)
	return out
}
