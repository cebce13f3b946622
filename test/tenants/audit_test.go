package tenants

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/yunqiao/yunqiao/test/e2e/harness"
)

// TestRecordOfOwn changes things of every module that it can, and looks for what they
// were before and after.
func TestRecordOfOwn(t *testing.T) {
	w := newBareWorld(t)
	role := w.Post(t, "tenant/role/create", object{"name": "writers", "permissions": []string{"compute.vm.get"}}).Text("id")
	group := w.Post(t, "tenant/permission-group/create", object{"name": "readers", "permissions": []string{"compute.vm.list"}}).Text("id")
	organization, member := w.beta.organization, w.beta.users["tenant-member"].id
	key := w.Get(t, "tenant/access-key/list", object{"user_id": member}).List("access_keys")[0].Text("id")
	network := w.Done(t, "network/network/create", object{"account_id": sharedAccount, "name": "to-transfer"})
	w.Post(t, "account/account/create", object{"id": "lab", "driver": "memory", "cloud_kind": "CLOUD_KIND_PRIVATE"})
	empty := w.Post(t, "tenant/organization/create", object{"name": "short-lived"}).Text("id")
	channel := w.Post(t, "monitor/channel/create", object{"name": "pager", "kind": "CHANNEL_KIND_WEBHOOK", "address": "http://127.0.0.1:9/hook"}).Text("id")
	rule := w.Post(t, "monitor/rule/create", object{"name": "busy", "metric": "METRIC_CPU_UTILIZATION_PERCENT", "comparison": "COMPARISON_ABOVE", "threshold": "90"}).Text("id")
	root := w.Get(t, "tenant/organization/list", nil).List("organizations")[0].Text("id")
	submission := w.Post(t, "logging/submission/create", object{"name": "push", "method": "SUBMISSION_METHOD_HTTP"}).Text("id")
	discount := w.Post(t, "billing/discount/create", object{"name": "spring", "percent": "5"}).Text("id")
	for _, tc := range []struct {
		rpc           string
		body          object
		before, after string // parts of what is kept; "-" for nothing
	}{
		{"tenant/role/update", object{"id": role, "permissions": []string{"compute.vm.list"}}, `"compute.vm.get"`, `"compute.vm.list"`},
		{"tenant/role/delete", object{"id": role}, `"writers"`, "-"},
		{"tenant/permission-group-grant/create", object{"organization_id": organization, "user_id": member, "permission_group_id": group}, `"roles"`, group},
		{"tenant/permission-group-grant/delete", object{"organization_id": organization, "user_id": member, "permission_group_id": group}, group, `"roles"`},
		{"tenant/permission-group/delete", object{"id": group}, `"readers"`, "-"},
		{"tenant/organization/grant-role", object{"id": organization, "user_id": member, "role_id": w.roles["auditor"]}, `"tenant-member"`, `"auditor"`},
		{"tenant/organization/revoke-role", object{"id": organization, "user_id": member, "role_id": w.roles["auditor"]}, `"auditor"`, `"tenant-member"`},
		{"tenant/organization/update", object{"id": organization, "description": "after"}, `"betaown-org"`, `"after"`},
		{"tenant/organization/set-accounts", object{"id": organization, "account_ids": []string{}}, `"shared"`, `"betaown-org"`},
		{"tenant/organization/set-quota", object{"id": organization, "quotas": []object{{"resource_type": "compute.vm", "limit": 7}}}, `"betaown-org"`, `"limit":7`},
		{"tenant/organization/delete", object{"id": empty}, `"short-lived"`, "-"},
		{"tenant/access-key/update", object{"id": key, "enabled": false}, `"enabled":true`, key},
		{"tenant/access-key/delete", object{"id": key}, key, "-"},
		{"tenant/user/update", object{"id": member, "enabled": false}, `"enabled":true`, member},
		{"tenant/user/delete", object{"id": member}, member, "-"},
		{"account/account/update", object{"id": "lab", "description": "measured"}, `"lab"`, `"measured"`},
		{"account/account/delete", object{"id": "lab"}, `"measured"`, "-"},
		{"tenant/ownership/transfer", object{"organization_id": w.alpha.organization, "ids": []string{network}}, root, w.alpha.organization},
		{"monitor/channel/update", object{"id": channel, "name": "siren"}, `"pager"`, `"siren"`},
		{"monitor/channel/delete", object{"id": channel}, `"siren"`, "-"},
		{"monitor/rule/update", object{"id": rule, "threshold": "95"}, `"90"`, `"95"`},
		{"monitor/rule/delete", object{"id": rule}, `"95"`, "-"},
		{"logging/submission/update", object{"id": submission, "name": "pull"}, `"push"`, `"pull"`},
		{"logging/submission/delete", object{"id": submission}, `"pull"`, "-"},
		{"logging/retention/update", object{"days": 30}, `"tenant_id"`, `"days":30`},
		{"billing/discount/delete", object{"id": discount}, `"spring"`, "-"},
	} {
		answer := w.Send(t, http.MethodPost, harness.Path(tc.rpc), tc.body)
		if answer.Code != 0 {
			t.Errorf("%s: %d %s", tc.rpc, answer.Status, answer.Body)
			continue
		}
		entry := w.entryOf(t, answer.RequestID)
		for what, want := range map[string]string{"before": tc.before, "after": tc.after} {
			text := strings.ReplaceAll(entry.Text(what), ": ", ":")
			text = strings.ReplaceAll(text, ", ", ",")
			if want == "-" && text != "{}" || want != "-" && !strings.Contains(text, want) {
				t.Errorf("%s: %s is %q, want %q in it", tc.rpc, what, text, want)
			}
		}
	}
}

// expectKnownRefusals: whose signature is sent again, and who is disabled, stands in
// the record.
func (w *world) expectKnownRefusals(t *testing.T) {
	t.Helper()
	u := w.alpha.users["tenant-member"]
	var headers http.Header
	signer := w.newSigner(t, u)
	path := harness.Path("network/network/list") + "?account_id=" + sharedAccount
	w.Send(t, http.MethodGet, path, nil, func(r *http.Request) {
		signed(t, signer)(r)
		headers = r.Header.Clone()
	})
	again := w.Send(t, http.MethodGet, path, nil, func(r *http.Request) { r.Header = headers.Clone() })
	w.Post(t, "tenant/organization/update", object{"id": w.alpha.organization, "enabled": false})
	disabled := w.Send(t, http.MethodGet, path, nil, u.as())
	for reason, answer := range map[string]*harness.Answer{"REPLAY_REJECTED": again, "PRINCIPAL_DISABLED": disabled} {
		if entry := w.entryOf(t, answer.RequestID); entry.Text("user_id") != u.id || entry.Text("reason") != reason || entry.Text("credential") == "none" {
			t.Errorf("%s: %v", reason, entry)
		}
	}
}

// entryOf is the record of one request.
func (w *world) entryOf(t *testing.T, requestID string) object {
	t.Helper()
	entries := w.Get(t, "tenant/audit/list", object{"request_id_equals": requestID}).List("audits")
	if len(entries) != 1 {
		t.Fatalf("%d entries of request %s", len(entries), requestID)
	}
	return entries[0]
}

// TestRecord shows what stands in an entry, and finds entries by every filter.
func TestRecord(t *testing.T) {
	w := newBareWorld(t)
	member := w.beta.users["tenant-member"]
	made := w.Send(t, http.MethodPost, harness.Path("network/network/create"), object{"account_id": sharedAccount, "name": "betaown-net"}, member.as())
	w.Wait(t, made.Data.Text("operation_id"))
	network := made.Data.Text("id")
	denied := w.Send(t, http.MethodPost, harness.Path("tenant/role/create"), object{"name": "mine", "permissions": []string{"*"}}, member.as())
	unknown := w.Send(t, http.MethodGet, harness.Path("compute/vm/list"), nil, harness.Header("Authorization", "Bearer yq_wrong"))
	if denied.Status != http.StatusForbidden || unknown.Status != http.StatusUnauthorized {
		t.Fatalf("refused: %d, %d", denied.Status, unknown.Status)
	}
	entry := w.entryOf(t, made.RequestID)
	for name, want := range map[string]string{
		"method": "cloud.network.v1.NetworkService/CreateNetwork", "permission": "network.network.create", "user_id": member.id, "user_name": member.name,
		"organization_id": w.beta.organization, "credential": "token", "client_ip": "127.0.0.1", "account_id": sharedAccount, "resource_id": network,
		"operation_id": made.Data.Text("operation_id"), "reason": "",
	} {
		if got := entry.Text(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	if entry.Int("latency_milliseconds") < 0 || entry.Text("at") == "" || !strings.Contains(entry.Text("request"), "betaown-net") {
		t.Errorf("entry %v", entry)
	}
	if got := w.entryOf(t, unknown.RequestID); got.Text("reason") != "TOKEN_INVALID" || got.Text("credential") != "none" || got.Text("client_ip") != "127.0.0.1" {
		t.Errorf("of a wrong token: %v", got)
	}
	w.expectKnownRefusals(t)
	requests := func(filter object) []string {
		return harness.Texts(w.All(t, "tenant/audit/list", "audits", filter), "request_id")
	}
	for name, tc := range map[string]struct {
		filter    object
		with, not []string
	}{
		"user":         {object{"user_id": member.id}, []string{made.RequestID, denied.RequestID}, []string{unknown.RequestID}},
		"another user": {object{"user_id": w.alpha.users["tenant-member"].id}, nil, []string{made.RequestID, denied.RequestID, unknown.RequestID}},
		"organization": {object{"organization_id": w.beta.organization}, []string{made.RequestID, denied.RequestID}, []string{unknown.RequestID}},
		"resource":     {object{"resource_id": network}, []string{made.RequestID}, []string{denied.RequestID}},
		"method":       {object{"method": "cloud.tenant.v1.RoleService/CreateRole"}, []string{denied.RequestID}, []string{made.RequestID}},
		"failed":       {object{"failed": true}, []string{denied.RequestID, unknown.RequestID}, []string{made.RequestID}},
		"since":        {object{"since": entry.Text("at")}, []string{made.RequestID, denied.RequestID}, nil},
		"until":        {object{"until": entry.Text("at")}, nil, []string{made.RequestID, denied.RequestID}},
		"pages of 2":   {object{"page_size": 2}, []string{made.RequestID, denied.RequestID, unknown.RequestID}, nil},
	} {
		found := requests(tc.filter)
		for _, id := range tc.with {
			if !slices.Contains(found, id) {
				t.Errorf("by %s: %s is missing", name, id)
			}
		}
		for _, id := range tc.not {
			if slices.Contains(found, id) {
				t.Errorf("by %s: %s is there", name, id)
			}
		}
		path := "/tenant/v1/audits/export?" + harness.Query(tc.filter)
		if _, paged := tc.filter["page_size"]; paged {
			continue
		}
		var exported []string
		for line := range strings.Lines(string(w.Send(t, http.MethodGet, path, nil).Body)) {
			var one object
			if err := json.Unmarshal([]byte(line), &one); err != nil {
				t.Fatal(err)
			}
			exported = append(exported, one.Text("request_id"))
		}
		if !slices.Equal(exported, found) {
			t.Errorf("exported by %s: %d entries, listed %d", name, len(exported), len(found))
		}
	}
}
