package tenant

import (
	"context"
	"slices"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack/identity/v3/projects"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	driverv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/driver/v1"

	"github.com/yunqiao/yunqiao/drivers/openstack/session"
	"github.com/yunqiao/yunqiao/drivers/sdk"
	"github.com/yunqiao/yunqiao/drivers/sdk/pace"
)

const typeTenant = "cloud.tenant"

type server struct {
	driverv1.UnimplementedTenantServiceServer
	accounts *sdk.Accounts[*session.Session]
}

var _ driverv1.TenantServiceServer = (*server)(nil)

// cloud is the cloud as its administrator works in it.
type cloud struct {
	*session.Session
	identity *gophercloud.ServiceClient
	domain   string
}

func (t *server) open(ctx context.Context) (*cloud, error) {
	s, err := t.accounts.From(ctx)
	if err != nil {
		return nil, err
	}
	identity, err := s.Identity()
	if err != nil {
		return nil, err
	}
	domain, err := s.DomainID()
	if err != nil {
		return nil, err
	}
	return &cloud{s, identity, domain}, nil
}

// CreateTenant implements TenantService.
func (t *server) CreateTenant(ctx context.Context, req *driverv1.CreateTenantRequest) (*driverv1.CreateTenantResponse, error) {
	c, err := t.open(ctx)
	if err != nil {
		return nil, err
	}
	if err := c.checkQuotas(req.GetQuotas()); err != nil {
		return nil, err
	}
	project, err := c.named(ctx, req.GetName())
	if err != nil {
		return nil, err
	}
	if project != nil && !slices.Contains(project.Tags, mark(req.GetMark())) {
		return nil, sdk.NewError(apiv1.Reason_REASON_ALREADY_EXISTS, sdk.Violation("id", "a project of the domain has this name"))
	}
	if project == nil {
		project, err = projects.Create(ctx, c.identity, projects.CreateOpts{
			Name: req.GetName(), DomainID: c.domain, Description: req.GetDescription(), Enabled: gophercloud.Enabled, Tags: []string{mark(req.GetMark())},
		}).Extract()
		if err != nil {
			return nil, session.Error(err, typeTenant, "")
		}
	}
	if err := c.setQuotas(ctx, project.ID, req.GetQuotas()); err != nil {
		return nil, err
	}
	return &driverv1.CreateTenantResponse{Tenant: toProtoTenant(project)}, nil
}

// mark is the tag by which a project is known as the one that a request has made.
func mark(m string) string { return session.MarkerPrefix + m }

func toProtoTenant(p *projects.Project) *driverv1.Tenant {
	return &driverv1.Tenant{Id: p.ID, Name: p.Name, Enabled: p.Enabled}
}

// named finds a project of the domain by its name, which is unique there; nil: none.
func (c *cloud) named(ctx context.Context, name string) (*projects.Project, error) {
	page, err := projects.List(c.identity, projects.ListOpts{Name: name, DomainID: c.domain}).AllPages(ctx)
	if err != nil {
		return nil, session.Error(err, typeTenant, "")
	}
	found, err := projects.ExtractProjects(page)
	if err != nil || len(found) == 0 {
		return nil, err
	}
	return &found[0], nil
}

func (c *cloud) project(ctx context.Context, id string) (*projects.Project, error) {
	if err := session.UUID(typeTenant, id); err != nil {
		return nil, err
	}
	project, err := projects.Get(ctx, c.identity, id).Extract()
	if err != nil {
		return nil, session.Error(err, typeTenant, id)
	}
	return project, nil
}

// GetTenant implements TenantService.
func (t *server) GetTenant(ctx context.Context, req *driverv1.GetTenantRequest) (*driverv1.GetTenantResponse, error) {
	c, err := t.open(ctx)
	if err != nil {
		return nil, err
	}
	project, err := c.project(ctx, req.GetId())
	if err != nil {
		return nil, err
	}
	tenant := toProtoTenant(project)
	if tenant.Quotas, err = c.quotas(ctx, project.ID); err != nil {
		return nil, err
	}
	return &driverv1.GetTenantResponse{Tenant: tenant}, nil
}

// UpdateTenant implements TenantService.
func (t *server) UpdateTenant(ctx context.Context, req *driverv1.UpdateTenantRequest) (*driverv1.UpdateTenantResponse, error) {
	c, err := t.open(ctx)
	if err != nil {
		return nil, err
	}
	if err := c.checkQuotas(req.GetQuotas()); err != nil {
		return nil, err
	}
	project, err := c.project(ctx, req.GetId())
	if err != nil {
		return nil, err
	}
	if err := c.setQuotas(ctx, project.ID, req.GetQuotas()); err != nil {
		return nil, err
	}
	if req.Enabled == nil {
		return &driverv1.UpdateTenantResponse{}, nil
	}
	return &driverv1.UpdateTenantResponse{}, c.setEnabled(ctx, project, req.GetEnabled())
}

// setEnabled lets a project's tokens be taken, or not. It returns when new ones are.
func (c *cloud) setEnabled(ctx context.Context, project *projects.Project, enabled bool) error {
	if project.Enabled == enabled {
		return nil
	}
	_, err := projects.Update(ctx, c.identity, project.ID, projects.UpdateOpts{Enabled: &enabled}).Extract()
	if err == nil && enabled {
		err = pace.Pause(ctx, tokenPause)
	}
	return session.Error(err, typeTenant, project.ID)
}

// DeleteTenant implements TenantService. The project is disabled before it is looked at a
// second time, so that nothing can be made in it between the look and the end.
func (t *server) DeleteTenant(ctx context.Context, req *driverv1.DeleteTenantRequest) (*driverv1.DeleteTenantResponse, error) {
	c, err := t.open(ctx)
	if err != nil {
		return nil, err
	}
	project, err := c.doomed(ctx, req)
	if err != nil {
		return nil, err
	}
	if project == nil {
		return &driverv1.DeleteTenantResponse{}, c.removeUser(ctx, req.GetName(), req.GetId())
	}
	if err := c.expectEmpty(ctx, project); err != nil {
		return nil, err
	}
	wasEnabled := project.Enabled
	if err := c.setEnabled(ctx, project, false); err != nil {
		return nil, err
	}
	project.Enabled = false
	if err := c.expectEmpty(ctx, project); err != nil {
		if wasEnabled {
			_ = c.setEnabled(context.WithoutCancel(ctx), project, true) // the refusal is what the caller must know
		}
		return nil, err
	}
	return &driverv1.DeleteTenantResponse{}, c.remove(ctx, project)
}

// doomed finds the project that a deletion is about; nil: it is gone.
func (c *cloud) doomed(ctx context.Context, req *driverv1.DeleteTenantRequest) (*projects.Project, error) {
	if req.GetId() != "" {
		project, err := c.project(ctx, req.GetId())
		if sdk.ReasonOf(err) == apiv1.Reason_REASON_NOT_FOUND {
			return nil, nil
		}
		return project, err
	}
	project, err := c.named(ctx, req.GetName())
	if err != nil || project == nil || !slices.Contains(project.Tags, mark(req.GetMark())) {
		return nil, err
	}
	return project, nil
}

// remove removes an empty project, with what the cloud made in it by itself.
func (c *cloud) remove(ctx context.Context, project *projects.Project) error {
	if err := c.removeUser(ctx, project.Name, project.ID); err != nil {
		return err
	}
	if err := c.removeDefaultGroups(ctx, project.ID); err != nil {
		return err
	}
	if err := c.resetQuotas(ctx, project.ID); err != nil {
		return err
	}
	err := projects.Delete(ctx, c.identity, project.ID).ExtractErr()
	if session.IsNotFound(err) {
		return nil
	}
	return session.Error(err, typeTenant, project.ID)
}
