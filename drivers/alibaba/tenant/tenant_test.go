package tenant_test

import (
	"context"
	"maps"
	"strings"
	"testing"

	"google.golang.org/grpc"

	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	driverv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/driver/v1"

	"github.com/yunqiao/yunqiao/drivers/alibaba/api"
	"github.com/yunqiao/yunqiao/drivers/alibaba/session"
	"github.com/yunqiao/yunqiao/drivers/alibaba/sim"
	"github.com/yunqiao/yunqiao/drivers/alibaba/sim/simtest"
	"github.com/yunqiao/yunqiao/drivers/alibaba/tenant"
	"github.com/yunqiao/yunqiao/drivers/sdk"
	"github.com/yunqiao/yunqiao/drivers/sdk/sdktest"
)

type driver struct {
	driverv1.UnimplementedDriverServiceServer
	accounts *session.Accounts
}

func (d *driver) Register(r grpc.ServiceRegistrar) { tenant.Register(r, d.accounts) }

type rig struct {
	*testing.T
	cloud    *simtest.Cloud
	service  driverv1.TenantServiceClient
	session  *session.Session
	settings map[string]string
}

func newRig(t *testing.T) *rig {
	t.Helper()
	r := &rig{T: t, cloud: simtest.Start(t, sim.Options{})}
	r.settings = map[string]string{
		"access_key_id": r.cloud.Account.AccessKeyID, "region": r.cloud.Region, "endpoint": strings.TrimPrefix(r.cloud.URL, "http://"), "scheme": "http",
	}
	r.session = r.open(r.settings, map[string]string{"access_key_secret": r.cloud.Account.AccessKeySecret})
	accounts := &session.Accounts{}
	accounts.Put("admin", r.session)
	r.service = driverv1.NewTenantServiceClient(sdktest.Serve(t, &driver{accounts: accounts}))
	return r
}

func (r *rig) open(settings, credentials map[string]string) *session.Session {
	r.Helper()
	s, err := session.Open(r.Context(), settings, credentials, session.Options{})
	if err != nil {
		r.Fatal(err)
	}
	r.Cleanup(s.Close)
	return s
}

func (r *rig) ctx() context.Context {
	return sdk.WithCall(r.Context(), sdk.Call{AccountID: "admin", RequestID: "r", Attempt: 1})
}

// as opens an account with issued credentials, as the gateway does.
func (r *rig) as(issued *driverv1.IssueCredentialsResponse) *session.Session {
	r.Helper()
	settings := maps.Clone(r.settings)
	maps.Copy(settings, issued.GetSettings())
	maps.DeleteFunc(settings, func(_, value string) bool { return value == "" })
	return r.open(settings, issued.GetCredentials())
}

func (r *rig) must(what string, err error) {
	r.Helper()
	if err != nil {
		r.Fatalf("%s: %v", what, err)
	}
}

func (r *rig) refused(what string, err error, want apiv1.Reason) {
	r.Helper()
	if got := sdk.ReasonOf(err); got != want {
		r.Errorf("%s: %v, want %v", what, err, want)
	}
}

// TestLife: what a tenant makes is in its group, and what is not it may neither see nor
// touch.
func TestLife(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	request := &driverv1.CreateTenantRequest{Name: "desk", Mark: sdk.Token("desk", "")}
	made, err := r.service.CreateTenant(r.ctx(), request)
	r.must("create", err)
	id := made.GetTenant().GetId()
	again, err := r.service.CreateTenant(r.ctx(), request)
	if err != nil || again.GetTenant().GetId() != id {
		t.Errorf("repeated: %v, %v", again, err)
	}
	_, err = r.service.CreateTenant(r.ctx(), &driverv1.CreateTenantRequest{Name: "desk", Mark: sdk.Token("other", "")})
	r.refused("another of this name", err, apiv1.Reason_REASON_ALREADY_EXISTS)
	_, err = r.service.UpdateTenant(r.ctx(), &driverv1.UpdateTenantRequest{Id: id, Quotas: []*driverv1.TenantQuota{{Name: "compute.vm.count", Limit: 1}}})
	r.refused("limits", err, apiv1.Reason_REASON_UNSUPPORTED_FEATURE)

	issued, err := r.service.IssueCredentials(r.ctx(), &driverv1.IssueCredentialsRequest{Id: id})
	r.must("issue", err)
	desk := r.as(issued)
	if len(tenant.Absent(desk)) == 0 || len(tenant.Absent(r.session)) > 0 {
		t.Errorf("absent in the tenant: %v, with the administrator: %v", tenant.Absent(desk), tenant.Absent(r.session))
	}
	var others, mine struct {
		VpcID string `json:"VpcId"`
	}
	r.must("a VPC of another", r.session.Call(r.ctx(), api.VPC, "CreateVpc", api.Params{}, &others))
	r.must("a VPC", desk.Call(r.ctx(), api.VPC, "CreateVpc", api.Params{}.Set("ResourceGroupId", id), &mine))
	for what, params := range map[string]api.Params{
		"DeleteVpc": api.Params{}.Set("VpcId", others.VpcID), "CreateVpc": {}, "DescribeNetworkAcls": {},
	} {
		if err := desk.Call(r.ctx(), api.VPC, what, params, nil); api.Reason(err) != apiv1.Reason_REASON_CLOUD_PERMISSION_DENIED {
			t.Errorf("%s out of the group: %v", what, err)
		}
	}
	var listed struct {
		Vpcs struct {
			Vpc []struct {
				VpcID string `json:"VpcId"`
			}
		}
	}
	r.must("VPCs", desk.Call(r.ctx(), api.VPC, "DescribeVpcs", api.Params{}, &listed))
	if vpcs := listed.Vpcs.Vpc; len(vpcs) != 1 || vpcs[0].VpcID != mine.VpcID || desk.ConfinedTo() != id || r.session.ConfinedTo() != "" {
		t.Errorf("the tenant sees %v", vpcs)
	}
	if err := desk.Call(r.ctx(), api.VPC, "DescribeVpcs", api.Params{}.Set("VpcId", others.VpcID), nil); api.Reason(err) != apiv1.Reason_REASON_CLOUD_PERMISSION_DENIED {
		t.Errorf("the VPC of another: %v", err)
	}
	r.must("a VPC that is not there", desk.Call(r.ctx(), api.VPC, "DescribeVpcs", api.Params{}.Set("VpcId", "vpc-none"), nil))
	r.must("zones", desk.Call(r.ctx(), api.ECS, "DescribeZones", api.Params{}, nil))

	_, err = r.service.DeleteTenant(r.ctx(), &driverv1.DeleteTenantRequest{Id: id, Name: "desk", Mark: request.GetMark()})
	r.refused("with a VPC", err, apiv1.Reason_REASON_IN_USE)
	if blockers := sdk.InfoOf(err)["blockers"]; !strings.Contains(blockers, "/"+mine.VpcID) || strings.Contains(blockers, others.VpcID) {
		t.Errorf("blockers: %s", blockers)
	}
	r.must("delete the VPC", desk.Call(r.ctx(), api.VPC, "DeleteVpc", api.Params{}.Set("VpcId", mine.VpcID), nil))
	rotateAndDisable(r, id, issued)

	for range 2 {
		_, err = r.service.DeleteTenant(r.ctx(), &driverv1.DeleteTenantRequest{Id: id, Name: "desk", Mark: request.GetMark()})
		r.must("delete", err)
	}
	_, err = r.service.GetTenant(r.ctx(), &driverv1.GetTenantRequest{Id: id})
	r.refused("gone", err, apiv1.Reason_REASON_NOT_FOUND)
	for action, name := range map[string]string{"GetUser": "UserName", "GetPolicy": "PolicyName"} {
		err := r.session.Call(r.ctx(), api.RAM, action, api.Params{}.Set(name, "yunqiao-desk").Set("PolicyType", map[string]string{"GetPolicy": "Custom"}[action]), nil)
		if api.Reason(err) != apiv1.Reason_REASON_NOT_FOUND {
			t.Errorf("%s after the deletion: %v", action, err)
		}
	}
	r.cloud.CheckClean(t)
}

// rotateAndDisable: the old key holds until it is retired, and none while disabled.
func rotateAndDisable(r *rig, id string, first *driverv1.IssueCredentialsResponse) {
	r.Helper()
	var latest *driverv1.IssueCredentialsResponse
	for range 2 {
		var err error
		latest, err = r.service.IssueCredentials(r.ctx(), &driverv1.IssueCredentialsRequest{Id: id, Current: first.GetCredentialId()})
		r.must("rotate", err)
	}
	old, current := r.as(first), r.as(latest)
	_, err := r.service.RetireCredentials(r.ctx(), &driverv1.RetireCredentialsRequest{Id: id, Keep: latest.GetCredentialId()})
	r.must("retire", err)
	r.refused("a retired key", old.Probe(r.ctx()), apiv1.Reason_REASON_ACCOUNT_UNAUTHENTICATED)
	for _, enabled := range []bool{false, true} {
		_, err := r.service.UpdateTenant(r.ctx(), &driverv1.UpdateTenantRequest{Id: id, Enabled: &enabled})
		r.must("enable", err)
		got, err := r.service.GetTenant(r.ctx(), &driverv1.GetTenantRequest{Id: id})
		if err != nil || got.GetTenant().GetEnabled() != enabled {
			r.Errorf("enabled %t: %v, %v", enabled, got, err)
		}
		want := apiv1.Reason_REASON_ACCOUNT_UNAUTHENTICATED
		if enabled {
			want = apiv1.Reason_REASON_UNSPECIFIED
		}
		r.refused("the key", current.Probe(r.ctx()), want)
	}
}

// TestNamesOfOthers: a user and a group that nobody made here stay as they are.
func TestNamesOfOthers(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.must("user", r.session.Call(r.ctx(), api.RAM, "CreateUser", api.Params{}.Set("UserName", "yunqiao-desk"), nil))
	request := &driverv1.CreateTenantRequest{Name: "desk", Mark: sdk.Token("desk", "")}
	made, err := r.service.CreateTenant(r.ctx(), request)
	r.must("create", err)
	_, err = r.service.IssueCredentials(r.ctx(), &driverv1.IssueCredentialsRequest{Id: made.GetTenant().GetId()})
	r.refused("a user of this name", err, apiv1.Reason_REASON_ALREADY_EXISTS)
	_, err = r.service.DeleteTenant(r.ctx(), &driverv1.DeleteTenantRequest{Name: "desk", Mark: sdk.Token("other", "")})
	r.must("another's", err)
	_, err = r.service.DeleteTenant(r.ctx(), &driverv1.DeleteTenantRequest{Name: "desk", Mark: request.GetMark()})
	r.must("undo without an id", err)
	r.must("the user is still there", r.session.Call(r.ctx(), api.RAM, "GetUser", api.Params{}.Set("UserName", "yunqiao-desk"), nil))
	_, err = r.service.GetTenant(r.ctx(), &driverv1.GetTenantRequest{Id: made.GetTenant().GetId()})
	r.refused("undone", err, apiv1.Reason_REASON_NOT_FOUND)
	r.cloud.CheckClean(t)
}
