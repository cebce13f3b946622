package drivertest

import (
	"context"
	"fmt"
	"maps"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	"github.com/yunqiao/yunqiao/drivers/sdk"
	"github.com/yunqiao/yunqiao/drivers/sdk/pace"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	driverv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/driver/v1"
)

// Features of drivers that make tenants, and the account that the suite opens with
// what a tenant was given.
const (
	tenantResource   = "account.cloud_tenant"
	featureProvision = "account.cloud_tenant.provision"
	featureQuotas    = "account.cloud_tenant.quotas"
	featureDisable   = "account.cloud_tenant.disable"
	tenantAccountID  = "conformance-tenant"
)

// tenantCheck is the life of one tenant; the first thing that is wrong ends it.
type tenantCheck struct {
	*suite
	ctx    context.Context
	wrong  string
	client driverv1.TenantServiceClient
	name   string
	mark   string
	id     string
}

// checkTenant makes a tenant, works in it, and deletes it.
func (s *suite) checkTenant(ctx context.Context) {
	if !s.features[featureProvision] || !s.wanted(tenantResource) {
		return
	}
	name := "conf-" + s.run
	c := &tenantCheck{suite: s, ctx: ctx, client: driverv1.NewTenantServiceClient(s.target.Conn()), name: name, mark: sdk.Token(name, "")}
	for _, step := range []func(){c.make, c.work, c.limit, c.disable, c.remove} {
		if c.wrong == "" {
			step()
		}
	}
	if c.wrong != "" { // leave nothing
		_, _ = tenantCall(c, c.client.DeleteTenant, &driverv1.DeleteTenantRequest{Id: c.id, Name: c.name, Mark: c.mark})
	}
	s.verdict(RuleTenants, "", c.wrong)
	if c.wrong == "" {
		s.used[featureProvision] = true
	}
}

// tenantCall calls an rpc as the gateway does, while the cloud asks to repeat.
func tenantCall[Req, Resp proto.Message](c *tenantCheck, rpc func(context.Context, Req, ...grpc.CallOption) (Resp, error), request Req) (Resp, error) {
	call := c.newCall()
	for {
		ctx, cancel := context.WithTimeout(c.ctx, callTimeout)
		answer, err := rpc(sdk.WithCall(ctx, call), request)
		cancel()
		call.Attempt++
		if !passes(sdk.ReasonOf(err)) || call.Attempt > maxSteps || pace.Pause(c.ctx, c.options.poll()) != nil {
			return answer, err
		}
	}
}

// expect notes an error with another reason than the wanted; 0 is success.
func (c *tenantCheck) expect(what string, err error, want apiv1.Reason) {
	if got := sdk.ReasonOf(err); c.wrong == "" && got != want {
		c.wrong = fmt.Sprintf("%s: %v, want %s", what, err, sdk.ReasonName(want))
	}
}

func (c *tenantCheck) make() {
	request := &driverv1.CreateTenantRequest{Name: c.name, Description: "a tenant of the conformance suite", Mark: c.mark}
	made, err := tenantCall(c, c.client.CreateTenant, request)
	c.expect("create", err, 0)
	c.id = made.GetTenant().GetId()
	again, err := tenantCall(c, c.client.CreateTenant, request)
	c.expect("a repeated create", err, 0)
	if c.wrong == "" && (c.id == "" || again.GetTenant().GetId() != c.id) {
		c.wrong = fmt.Sprintf("create answers %q, repeated %q", c.id, again.GetTenant().GetId())
	}
	_, err = tenantCall(c, c.client.CreateTenant, &driverv1.CreateTenantRequest{Name: c.name, Mark: sdk.Token(c.name, "other")})
	c.expect("a create of the same name with another mark", err, apiv1.Reason_REASON_ALREADY_EXISTS)
	_, err = tenantCall(c, c.client.DeleteTenant, &driverv1.DeleteTenantRequest{Name: c.name, Mark: sdk.Token(c.name, "other")})
	c.expect("a deletion of what another mark has made", err, 0)
}

// work opens accounts with the tenant's credentials, and replaces these.
func (c *tenantCheck) work() {
	first := c.issue("")
	c.expect("open an account with the credentials", c.openTenant(first), 0)
	c.seeNothing()
	second := c.issue(first.GetCredentialId())
	c.expect("open with the former credentials while both hold", c.openTenant(first), 0)
	_, err := tenantCall(c, c.client.RetireCredentials, &driverv1.RetireCredentialsRequest{Id: c.id, Keep: second.GetCredentialId()})
	c.expect("retire the former credentials", err, 0)
	c.expect("open with retired credentials", c.openTenant(first), apiv1.Reason_REASON_ACCOUNT_UNAUTHENTICATED)
	c.expect("open with those that were kept", c.openTenant(second), 0)
}

func (c *tenantCheck) issue(current string) *driverv1.IssueCredentialsResponse {
	if c.wrong != "" {
		return nil
	}
	issued, err := tenantCall(c, c.client.IssueCredentials, &driverv1.IssueCredentialsRequest{Id: c.id, Current: current})
	c.expect("issue credentials", err, 0)
	if c.wrong == "" && (issued.GetCredentialId() == "" || issued.GetCredentialId() == current) {
		c.wrong = fmt.Sprintf("the credentials are called %q", issued.GetCredentialId())
	}
	return issued
}

func (c *tenantCheck) openTenant(issued *driverv1.IssueCredentialsResponse) error {
	settings := maps.Clone(c.options.Settings)
	if settings == nil {
		settings = map[string]string{}
	}
	maps.Copy(settings, issued.GetSettings())
	maps.DeleteFunc(settings, func(_, value string) bool { return value == "" })
	ctx, cancel := context.WithTimeout(c.ctx, callTimeout)
	defer cancel()
	_, err := driverv1.NewDriverServiceClient(c.target.Conn()).OpenAccount(ctx, &driverv1.OpenAccountRequest{
		AccountId: tenantAccountID, Settings: settings, Credentials: issued.GetCredentials(),
	})
	return err
}

// seeNothing looks in the tenant for what the suite's own account has made.
func (c *tenantCheck) seeNothing() {
	for resource, own := range c.suite.made {
		getter := c.contract.Getter(resource)
		if c.wrong != "" || !c.declared(getter) || own.id == "" {
			continue
		}
		request := getter.Input.New()
		setText(request, fieldName(getter), own.id)
		call := c.newCall()
		call.AccountID = tenantAccountID
		if _, _, err := c.invoke(c.ctx, getter, request.Interface(), call); err == nil {
			c.wrong = "the tenant sees another account's " + resource
		}
	}
}

// limit sets the limits that there are anyway.
func (c *tenantCheck) limit() {
	read, err := tenantCall(c, c.client.GetTenant, &driverv1.GetTenantRequest{Id: c.id})
	c.expect("get", err, 0)
	if c.wrong != "" || !c.features[featureQuotas] {
		return
	}
	for _, quota := range read.GetTenant().GetQuotas() {
		if quota.Limit == nil {
			continue
		}
		_, err := tenantCall(c, c.client.UpdateTenant, &driverv1.UpdateTenantRequest{
			Id: c.id, Quotas: []*driverv1.TenantQuota{{Name: quota.GetName(), Limit: quota.GetLimit()}},
		})
		c.expect("set "+quota.GetName(), err, 0)
		c.used[featureQuotas] = c.wrong == ""
		return
	}
}

func (c *tenantCheck) disable() {
	if !c.features[featureDisable] {
		return
	}
	issued := c.issue("")
	for _, enabled := range []bool{false, true} {
		_, err := tenantCall(c, c.client.UpdateTenant, &driverv1.UpdateTenantRequest{Id: c.id, Enabled: &enabled})
		c.expect(fmt.Sprintf("set enabled=%t", enabled), err, 0)
		want := apiv1.Reason_REASON_ACCOUNT_UNAUTHENTICATED
		if enabled {
			want = 0
		}
		c.expect(fmt.Sprintf("open an account with enabled=%t", enabled), c.openTenant(issued), want)
	}
	c.used[featureDisable] = c.wrong == ""
}

func (c *tenantCheck) remove() {
	_, err := driverv1.NewDriverServiceClient(c.target.Conn()).CloseAccount(c.ctx, &driverv1.CloseAccountRequest{AccountId: tenantAccountID})
	c.expect("close the tenant's account", err, 0)
	for range 2 {
		_, err := tenantCall(c, c.client.DeleteTenant, &driverv1.DeleteTenantRequest{Id: c.id, Name: c.name, Mark: c.mark})
		c.expect("delete", err, 0)
	}
	_, err = tenantCall(c, c.client.GetTenant, &driverv1.GetTenantRequest{Id: c.id})
	c.expect("get what was deleted", err, apiv1.Reason_REASON_NOT_FOUND)
}
