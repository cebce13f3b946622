package session

import (
	"context"
	"fmt"
	"slices"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack"
	"github.com/gophercloud/gophercloud/v2/openstack/identity/v3/tokens"
)

// roleAdmin is the role with which the identity service's default policies let projects
// and users be made.
const roleAdmin = "admin"

// Administers tells whether the credentials may make projects and users, as far as the
// roles of the token tell.
func (s *Session) Administers() bool {
	roles, err := s.roles()
	return err == nil && slices.Contains(roles, roleAdmin)
}

// Identity is the identity service at the address that the account was opened at.
func (s *Session) Identity() (*gophercloud.ServiceClient, error) {
	client, err := openstack.NewIdentityV3(s.provider, gophercloud.EndpointOpts{})
	if err != nil {
		return nil, Error(err, "", "")
	}
	return client, nil
}

// DomainID is the domain of the account's project.
func (s *Session) DomainID() (string, error) {
	r, ok := s.provider.GetAuthResult().(tokens.CreateResult)
	if !ok {
		return "", rejected(settingAuthURL, "only version 3 of the identity service is spoken")
	}
	project, err := r.ExtractProject()
	if err != nil || project == nil {
		return "", fmt.Errorf("read project of token: %w", err)
	}
	return project.Domain.ID, nil
}

// LogIn asks the identity service as another user, for what nobody else may do.
func (s *Session) LogIn(ctx context.Context, userID, password, projectID string) (*gophercloud.ServiceClient, error) {
	provider, err := openstack.NewClient(s.provider.IdentityEndpoint)
	if err != nil {
		return nil, Error(err, "", "")
	}
	provider.HTTPClient = s.provider.HTTPClient
	provider.UserAgent = s.provider.UserAgent
	auth := gophercloud.AuthOptions{
		IdentityEndpoint: s.provider.IdentityEndpoint, UserID: userID, Password: password, Scope: &gophercloud.AuthScope{ProjectID: projectID},
	}
	if err := openstack.Authenticate(ctx, provider, auth); err != nil {
		return nil, authError(err)
	}
	client, err := openstack.NewIdentityV3(provider, gophercloud.EndpointOpts{})
	if err != nil {
		return nil, Error(err, "", "")
	}
	return client, nil
}

// ForApplicationCredential are settings and credentials of an account that works with an
// application credential, over those of one of the same cloud.
func ForApplicationCredential(id, secret string) (settings, credentials map[string]string) {
	return map[string]string{
		settingAppCredential: id,
		settingUsername:      "", settingUserDomain: "", settingProjectName: "", settingProjectID: "", settingProjectDomain: "",
	}, map[string]string{credentialAppSecret: secret}
}

// IsUnauthorized tells whether the cloud refused the token.
func IsUnauthorized(err error) bool { return gophercloud.ResponseCodeIs(err, 401) }
