package session

import (
	"context"
	"strings"

	"github.com/yunqiao/yunqiao/drivers/alibaba/api"
	"github.com/yunqiao/yunqiao/drivers/sdk"
)

// Accepts asks the cloud whether it takes another AccessKey. Errors:
// ACCOUNT_UNAUTHENTICATED, and those of an outage.
func (s *Session) Accepts(ctx context.Context, accessKeyID string, secret sdk.Secret) error {
	credentials := api.Static(api.Credential{AccessKeyID: accessKeyID, AccessKeySecret: secret})
	other := &Session{Caller: api.NewClient(s.endpoints, credentials, s.transport)}
	_, _, err := other.identify(ctx)
	return err
}

// TenantUser begins the names of the RAM users that work in tenants.
const TenantUser = "yunqiao-"

// ConfinedTo is the resource group in which a tenant's user works; empty for everybody
// else, who may have rights elsewhere too.
func (s *Session) ConfinedTo() string {
	if strings.HasPrefix(s.Principal, "acs:ram::"+s.OwnerID+":user/"+TenantUser) {
		return s.ResourceGroup
	}
	return ""
}

// ForAccessKey are settings and credentials of an account that works with an AccessKey in
// a resource group, over those of one of the same cloud.
func ForAccessKey(id, secret, resourceGroup string) (settings, credentials map[string]string) {
	return map[string]string{
		settingAccessKeyID: id, settingResourceGroup: resourceGroup,
		settingRoleARN: "", settingRoleSession: "", settingRoleExternalID: "", settingRoleSeconds: "",
	}, map[string]string{credentialSecret: secret}
}
