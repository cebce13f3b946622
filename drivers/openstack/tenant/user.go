package tenant

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"time"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack/identity/v3/applicationcredentials"
	"github.com/gophercloud/gophercloud/v2/openstack/identity/v3/projects"
	"github.com/gophercloud/gophercloud/v2/openstack/identity/v3/roles"
	"github.com/gophercloud/gophercloud/v2/openstack/identity/v3/users"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	driverv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/driver/v1"

	"github.com/yunqiao/yunqiao/drivers/openstack/session"
	"github.com/yunqiao/yunqiao/drivers/sdk"
	"github.com/yunqiao/yunqiao/drivers/sdk/pace"
)

const userPrefix = "yunqiao-"

// The roles of the technical user: the cloud must have the first, and may have the other.
const (
	roleMember       = "member"
	roleLoadBalancer = "load-balancer_member"
)

// IssueCredentials implements TenantService.
func (t *server) IssueCredentials(ctx context.Context, req *driverv1.IssueCredentialsRequest) (*driverv1.IssueCredentialsResponse, error) {
	c, err := t.open(ctx)
	if err != nil {
		return nil, err
	}
	project, err := c.project(ctx, req.GetId())
	if err != nil {
		return nil, err
	}
	password := newPassword()
	user, err := c.ensureUser(ctx, project, password)
	if err != nil {
		return nil, err
	}
	if err := c.keepCredential(ctx, user.ID, req.GetCurrent()); err != nil {
		return nil, err
	}
	made, err := c.newCredential(ctx, user.ID, password, project.ID)
	if err != nil {
		return nil, err
	}
	settings, credentials := session.ForApplicationCredential(made.ID, made.Secret)
	return &driverv1.IssueCredentialsResponse{CredentialId: made.ID, Settings: settings, Credentials: credentials}, nil
}

// newPassword is one that every common rule for passwords takes.
func newPassword() string {
	var raw [33]byte
	_, _ = rand.Read(raw[:]) // never fails, see crypto/rand
	return "Aa1-" + base64.RawURLEncoding.EncodeToString(raw[:])
}

// ensureUser makes the technical user of a project, or gives it another password.
func (c *cloud) ensureUser(ctx context.Context, project *projects.Project, password string) (*users.User, error) {
	user, err := c.user(ctx, project.Name)
	switch {
	case err != nil:
		return nil, err
	case user == nil:
		user, err = users.Create(ctx, c.identity, users.CreateOpts{
			Name: userPrefix + project.Name, DomainID: c.domain, DefaultProjectID: project.ID, Enabled: gophercloud.Enabled, Password: password,
			Description: "works in the project " + project.Name + " for a gateway",
		}).Extract()
	case user.DefaultProjectID != project.ID:
		return nil, sdk.NewError(apiv1.Reason_REASON_ALREADY_EXISTS, sdk.Violation("id", "a user of the domain has the name "+user.Name))
	default:
		_, err = users.Update(ctx, c.identity, user.ID, users.UpdateOpts{Password: password, Enabled: gophercloud.Enabled}).Extract()
	}
	if err != nil {
		return nil, session.Error(err, typeTenant, project.ID)
	}
	return user, c.assignRoles(ctx, user.ID, project.ID)
}

// user finds the technical user of a project by its name; nil: there is none.
func (c *cloud) user(ctx context.Context, projectName string) (*users.User, error) {
	page, err := users.List(c.identity, users.ListOpts{Name: userPrefix + projectName, DomainID: c.domain}).AllPages(ctx)
	if err != nil {
		return nil, session.Error(err, typeTenant, "")
	}
	found, err := users.ExtractUsers(page)
	if err != nil || len(found) == 0 {
		return nil, err
	}
	return &found[0], nil
}

func (c *cloud) assignRoles(ctx context.Context, userID, projectID string) error {
	page, err := roles.List(c.identity, nil).AllPages(ctx)
	if err != nil {
		return session.Error(err, typeTenant, projectID)
	}
	known, err := roles.ExtractRoles(page)
	if err != nil {
		return err
	}
	isMember := false
	for _, role := range known {
		if role.Name != roleMember && role.Name != roleLoadBalancer {
			continue
		}
		if err := roles.Assign(ctx, c.identity, role.ID, roles.AssignOpts{UserID: userID, ProjectID: projectID}).ExtractErr(); err != nil {
			return session.Error(err, typeTenant, projectID)
		}
		isMember = isMember || role.Name == roleMember
	}
	if !isMember {
		return sdk.NewError(apiv1.Reason_REASON_UNSUPPORTED_FEATURE, sdk.Feature("account.cloud_tenant.provision"),
			sdk.Violation("admin_account_id", "the cloud has no role called "+roleMember))
	}
	return nil
}

// tokenPause is longer than Keystone's seconds: a token that was issued in the second in
// which a password was changed, or a project disabled, counts as one from before that.
const (
	tokenPause = 1100 * time.Millisecond
	maxLogIns  = 4
)

// newCredential makes an application credential, which only its user may do.
func (c *cloud) newCredential(ctx context.Context, userID, password, projectID string) (*applicationcredentials.ApplicationCredential, error) {
	for attempt := 1; ; attempt++ {
		made, err := c.tryCredential(ctx, userID, password, projectID)
		if err == nil || attempt == maxLogIns || !session.IsUnauthorized(err) {
			return made, session.Error(err, typeTenant, projectID)
		}
		if err := pace.Pause(ctx, tokenPause); err != nil {
			return nil, session.Error(err, typeTenant, projectID)
		}
	}
}

func (c *cloud) tryCredential(ctx context.Context, userID, password, projectID string) (*applicationcredentials.ApplicationCredential, error) {
	own, err := c.LogIn(ctx, userID, password, projectID)
	if err != nil {
		return nil, err
	}
	return applicationcredentials.Create(ctx, own, userID, applicationcredentials.CreateOpts{
		Name: userPrefix + rand.Text(), Description: "of a gateway's account",
	}).Extract()
}

// keepCredential removes all application credentials of a user but one.
func (c *cloud) keepCredential(ctx context.Context, userID, keep string) error {
	page, err := applicationcredentials.List(c.identity, userID, nil).AllPages(ctx)
	if err != nil {
		return session.Error(err, typeTenant, "")
	}
	held, err := applicationcredentials.ExtractApplicationCredentials(page)
	if err != nil {
		return err
	}
	for i := range held {
		if held[i].ID == keep {
			continue
		}
		if err := applicationcredentials.Delete(ctx, c.identity, userID, held[i].ID).ExtractErr(); err != nil && !session.IsNotFound(err) {
			return session.Error(err, typeTenant, "")
		}
	}
	return nil
}

// RetireCredentials implements TenantService.
func (t *server) RetireCredentials(ctx context.Context, req *driverv1.RetireCredentialsRequest) (*driverv1.RetireCredentialsResponse, error) {
	c, err := t.open(ctx)
	if err != nil {
		return nil, err
	}
	project, err := c.project(ctx, req.GetId())
	if err != nil {
		return nil, err
	}
	user, err := c.user(ctx, project.Name)
	if err != nil || user == nil || user.DefaultProjectID != project.ID {
		return &driverv1.RetireCredentialsResponse{}, err
	}
	return &driverv1.RetireCredentialsResponse{}, c.keepCredential(ctx, user.ID, req.GetKeep())
}

// removeUser removes the technical user of a project, with its credentials.
func (c *cloud) removeUser(ctx context.Context, projectName, projectID string) error {
	if projectID == "" {
		return nil // the project was never known, so it has no user
	}
	user, err := c.user(ctx, projectName)
	if err != nil || user == nil || user.DefaultProjectID != projectID {
		return err
	}
	err = users.Delete(ctx, c.identity, user.ID).ExtractErr()
	if session.IsNotFound(err) {
		return nil
	}
	return session.Error(err, typeTenant, projectID)
}
