package tenant

import (
	"context"
	"errors"
	"time"

	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	driverv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/driver/v1"

	"github.com/yunqiao/yunqiao/drivers/alibaba/api"
	"github.com/yunqiao/yunqiao/drivers/alibaba/session"
	"github.com/yunqiao/yunqiao/drivers/sdk"
	"github.com/yunqiao/yunqiao/drivers/sdk/pace"
)

const typeTenant = "cloud.tenant"

type server struct {
	driverv1.UnimplementedTenantServiceServer
	accounts *session.Accounts
}

var _ driverv1.TenantServiceServer = (*server)(nil)

// group is a resource group.
type group struct {
	ID          string `json:"Id"`
	Name        string
	DisplayName string
	Status      string
}

// gone tells whether a group is on its way out.
func (g *group) gone() bool { return g.Status == "PendingDelete" || g.Status == "Deleting" }

// displayName tells a group that a request has made from another of its name; the cloud
// takes 50 characters.
func displayName(name, mark string) string { return name + "-" + mark[:min(16, len(mark))] }

// CreateTenant implements TenantService.
func (t *server) CreateTenant(ctx context.Context, req *driverv1.CreateTenantRequest) (*driverv1.CreateTenantResponse, error) {
	s, err := t.accounts.From(ctx)
	if err != nil {
		return nil, err
	}
	if err := refuseQuotas(req.GetQuotas()); err != nil {
		return nil, err
	}
	found, err := named(ctx, s, req.GetName())
	if err != nil {
		return nil, err
	}
	if found != nil && found.DisplayName != displayName(req.GetName(), req.GetMark()) {
		return nil, sdk.NewError(apiv1.Reason_REASON_ALREADY_EXISTS, sdk.Violation("id", "a resource group of the account has this name"))
	}
	if found == nil {
		var made struct{ ResourceGroup group }
		params := api.Params{}.Set("Name", req.GetName()).Set("DisplayName", displayName(req.GetName(), req.GetMark()))
		if err := s.Call(ctx, api.ResourceManager, "CreateResourceGroup", params, &made); err != nil {
			return nil, api.Error(err, typeTenant, "")
		}
		found = &made.ResourceGroup
	}
	return &driverv1.CreateTenantResponse{Tenant: &driverv1.Tenant{Id: found.ID, Name: found.Name, Enabled: true}}, ready(ctx, s, found.ID)
}

// refuseQuotas: a resource group has no limits.
func refuseQuotas(quotas []*driverv1.TenantQuota) error {
	if len(quotas) > 0 {
		return sdk.Unsupported("account.cloud_tenant.quotas")
	}
	return nil
}

// How often a group that is being made is looked at, and how many times; the cloud takes a
// second or two.
const (
	readyPause = 500 * time.Millisecond
	readyLooks = 10
)

// ready waits until a group can be used, or answers RESOURCE_BUSY.
func ready(ctx context.Context, s *session.Session, id string) error {
	for range readyLooks {
		g, err := get(ctx, s, id)
		if err != nil || g.Status == "OK" {
			return err
		}
		if err := pause(ctx, readyPause); err != nil {
			return err
		}
	}
	return sdk.NewError(apiv1.Reason_REASON_RESOURCE_BUSY, sdk.Resource(typeTenant, id), sdk.RetryAfter(readyPause))
}

func pause(ctx context.Context, d time.Duration) error {
	if err := pace.Pause(ctx, d); err != nil {
		return sdk.NewError(apiv1.Reason_REASON_DEADLINE_EXCEEDED, sdk.Cause(err))
	}
	return nil
}

// named finds a group by its name, which is unique in the account; nil: none.
func named(ctx context.Context, s *session.Session, name string) (*group, error) {
	var out struct {
		ResourceGroups struct{ ResourceGroup []group }
	}
	if err := s.Call(ctx, api.ResourceManager, "ListResourceGroups", api.Params{}.Set("Name", name), &out); err != nil {
		return nil, api.Error(err, typeTenant, "")
	}
	for i := range out.ResourceGroups.ResourceGroup {
		if g := &out.ResourceGroups.ResourceGroup[i]; g.Name == name && !g.gone() {
			return g, nil
		}
	}
	return nil, nil
}

// get reads a group; one on its way out is NOT_FOUND.
func get(ctx context.Context, s *session.Session, id string) (*group, error) {
	var out struct{ ResourceGroup group }
	if err := s.Call(ctx, api.ResourceManager, "GetResourceGroup", api.Params{}.Set("ResourceGroupId", id), &out); err != nil {
		if api.Reason(err) == apiv1.Reason_REASON_NOT_FOUND {
			return nil, sdk.NotFound(typeTenant, id, err)
		}
		return nil, api.Error(err, typeTenant, id)
	}
	if out.ResourceGroup.gone() {
		return nil, sdk.NotFound(typeTenant, id, errGoing)
	}
	return &out.ResourceGroup, nil
}

var (
	errGoing    = errors.New("the resource group is being deleted")
	errNotEmpty = errors.New("the resource group holds resources")
)

// GetTenant implements TenantService.
func (t *server) GetTenant(ctx context.Context, req *driverv1.GetTenantRequest) (*driverv1.GetTenantResponse, error) {
	s, err := t.accounts.From(ctx)
	if err != nil {
		return nil, err
	}
	g, err := get(ctx, s, req.GetId())
	if err != nil {
		return nil, err
	}
	keys, err := listKeys(ctx, s, userName(g.Name))
	if err != nil {
		return nil, err
	}
	tenant := &driverv1.Tenant{Id: g.ID, Name: g.Name, Enabled: true}
	for _, k := range keys {
		tenant.Enabled = tenant.GetEnabled() && k.Status == keyActive
	}
	return &driverv1.GetTenantResponse{Tenant: tenant}, nil
}

// UpdateTenant implements TenantService.
func (t *server) UpdateTenant(ctx context.Context, req *driverv1.UpdateTenantRequest) (*driverv1.UpdateTenantResponse, error) {
	s, err := t.accounts.From(ctx)
	if err != nil {
		return nil, err
	}
	if err := refuseQuotas(req.GetQuotas()); err != nil {
		return nil, err
	}
	g, err := get(ctx, s, req.GetId())
	if err != nil || req.Enabled == nil {
		return &driverv1.UpdateTenantResponse{}, err
	}
	return &driverv1.UpdateTenantResponse{}, setKeys(ctx, s, userName(g.Name), req.GetEnabled())
}

// DeleteTenant implements TenantService. The cloud refuses to remove a group that holds
// anything; while it does, the tenant's keys go on.
func (t *server) DeleteTenant(ctx context.Context, req *driverv1.DeleteTenantRequest) (*driverv1.DeleteTenantResponse, error) {
	s, err := t.accounts.From(ctx)
	if err != nil {
		return nil, err
	}
	g, err := doomed(ctx, s, req)
	if err != nil {
		return nil, err
	}
	if g == nil {
		if req.GetId() == "" {
			return &driverv1.DeleteTenantResponse{}, nil // the group was never known, so it has no user
		}
		return &driverv1.DeleteTenantResponse{}, removeUser(ctx, s, req.GetName(), req.GetId())
	}
	err = removeGroup(ctx, s, g)
	if sdk.ReasonOf(err) == apiv1.Reason_REASON_IN_USE {
		if failure := grant(ctx, s, g); failure != nil { // what this, or a deletion that was cut off, has taken
			return nil, failure
		}
	}
	if err != nil {
		return nil, err
	}
	return &driverv1.DeleteTenantResponse{}, removeUser(ctx, s, g.Name, g.ID)
}

// removeGroup removes an empty group. What is attached in it goes before: afterwards
// nothing can be said about the group any more.
func removeGroup(ctx context.Context, s *session.Session, g *group) error {
	if err := expectEmpty(ctx, s, g.ID); err != nil {
		return err
	}
	if err := revoke(ctx, s, g); err != nil {
		return err
	}
	err := s.Call(ctx, api.ResourceManager, "DeleteResourceGroup", api.Params{}.Set("ResourceGroupId", g.ID), nil)
	switch {
	case api.HasCode(err, "DeleteConflict.ResourceGroup.Resource"):
		return sdk.InUse(typeTenant, g.ID, err)
	case err != nil && api.Reason(err) != apiv1.Reason_REASON_NOT_FOUND:
		return api.Error(err, typeTenant, g.ID)
	}
	return nil
}

// doomed finds the group that a deletion is about; nil: it is gone.
func doomed(ctx context.Context, s *session.Session, req *driverv1.DeleteTenantRequest) (*group, error) {
	if req.GetId() != "" {
		g, err := get(ctx, s, req.GetId())
		if sdk.ReasonOf(err) == apiv1.Reason_REASON_NOT_FOUND {
			return nil, nil
		}
		return g, err
	}
	g, err := named(ctx, s, req.GetName())
	if err != nil || g == nil || g.DisplayName != displayName(req.GetName(), req.GetMark()) {
		return nil, err
	}
	return g, nil
}
