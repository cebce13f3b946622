package memcloud

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"maps"
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"

	"github.com/yunqiao/yunqiao/drivers/sdk"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	driverv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/driver/v1"
)

// A tenant is a project that has passwords of its own: calls for it need one of them.
// What the API does not show of it is in its record's aux.
const (
	auxMark       = "mark"
	auxCredential = "credential/" // and the id: the digest of the password
)

type tenantService struct {
	driverv1.UnimplementedTenantServiceServer
	c *Cloud
}

var _ driverv1.TenantServiceServer = (*tenantService)(nil)

// CreateTenant makes a project; the name is unique.
func (s *tenantService) CreateTenant(ctx context.Context, req *driverv1.CreateTenantRequest) (*driverv1.CreateTenantResponse, error) {
	return writeTenants(s.c, ctx, func(v *view) (*driverv1.CreateTenantResponse, error) {
		if r, tenant, ok := tenantNamed(v, req.GetName()); ok {
			if r.aux[auxMark] != req.GetMark() {
				return nil, sdk.NewError(apiv1.Reason_REASON_ALREADY_EXISTS, sdk.Violation("name", "a project has this name"))
			}
			return &driverv1.CreateTenantResponse{Tenant: tenant}, nil
		}
		tenant := &driverv1.Tenant{Name: req.GetName(), Enabled: true}
		if err := setQuotas(tenant, req.GetQuotas()); err != nil {
			return nil, err
		}
		r, tenant := tenants.add(v, tenant)
		r.aux[auxMark] = req.GetMark()
		return &driverv1.CreateTenantResponse{Tenant: tenant}, nil
	})
}

// GetTenant reads a project with its limits and their use.
func (s *tenantService) GetTenant(ctx context.Context, req *driverv1.GetTenantRequest) (*driverv1.GetTenantResponse, error) {
	return read(s.c, ctx, func(v *view) (*driverv1.GetTenantResponse, error) {
		above, err := v.administrative()
		if err != nil {
			return nil, err
		}
		_, tenant, err := tenants.get(above, req.GetId())
		if err != nil {
			return nil, err
		}
		tenant = proto.CloneOf(tenant)
		tenant.Quotas = v.of(tenant.GetId()).quotas("")
		return &driverv1.GetTenantResponse{Tenant: tenant}, nil
	})
}

// UpdateTenant sets limits, and whether the project's passwords are taken.
func (s *tenantService) UpdateTenant(ctx context.Context, req *driverv1.UpdateTenantRequest) (*driverv1.UpdateTenantResponse, error) {
	return writeTenants(s.c, ctx, func(v *view) (*driverv1.UpdateTenantResponse, error) {
		r, _, err := tenants.own(v, req.GetId())
		if err != nil {
			return nil, err
		}
		_, tenant := tenants.edit(v, r)
		if req.Enabled != nil {
			tenant.Enabled = req.GetEnabled()
		}
		return &driverv1.UpdateTenantResponse{}, setQuotas(tenant, req.GetQuotas())
	})
}

// IssueCredentials makes a password; the settings say which project it is for.
func (s *tenantService) IssueCredentials(ctx context.Context, req *driverv1.IssueCredentialsRequest) (*driverv1.IssueCredentialsResponse, error) {
	return writeTenants(s.c, ctx, func(v *view) (*driverv1.IssueCredentialsResponse, error) {
		r, err := keepCredential(v, req.GetId(), req.GetCurrent())
		if err != nil {
			return nil, err
		}
		id, password := s.c.newID("cred-"), s.c.newID("")+s.c.newID("")
		r.aux[auxCredential+id] = digestOf(password)
		return &driverv1.IssueCredentialsResponse{
			CredentialId: id, Settings: map[string]string{"project": r.id}, Credentials: map[string]string{"password": password},
		}, nil
	})
}

// RetireCredentials forgets all passwords but one.
func (s *tenantService) RetireCredentials(ctx context.Context, req *driverv1.RetireCredentialsRequest) (*driverv1.RetireCredentialsResponse, error) {
	return writeTenants(s.c, ctx, func(v *view) (*driverv1.RetireCredentialsResponse, error) {
		_, err := keepCredential(v, req.GetId(), req.GetKeep())
		return &driverv1.RetireCredentialsResponse{}, err
	})
}

func keepCredential(v *view, id, keep string) (*record, error) {
	r, _, err := tenants.own(v, id)
	if err != nil {
		return nil, err
	}
	r, _ = tenants.edit(v, r)
	maps.DeleteFunc(r.aux, func(name, _ string) bool {
		credential, ok := strings.CutPrefix(name, auxCredential)
		return ok && credential != keep
	})
	return r, nil
}

// DeleteTenant forgets an empty project with its passwords.
func (s *tenantService) DeleteTenant(ctx context.Context, req *driverv1.DeleteTenantRequest) (*driverv1.DeleteTenantResponse, error) {
	return writeTenants(s.c, ctx, func(v *view) (*driverv1.DeleteTenantResponse, error) {
		r, _, ok := tenants.find(v, req.GetId())
		if req.GetId() == "" {
			if r, _, ok = tenantNamed(v, req.GetName()); ok && r.aux[auxMark] != req.GetMark() {
				ok = false // somebody else's
			}
		}
		if !ok {
			return &driverv1.DeleteTenantResponse{}, nil
		}
		if inside := v.heldBy(r.id); len(inside) > 0 {
			return nil, sdk.InUse(string(tenants.kind), r.id, errNotEmpty, inside...)
		}
		v.remove(r.key)
		return &driverv1.DeleteTenantResponse{}, nil
	})
}

var errNotEmpty = errors.New("the project holds resources")

// writeTenants is write for an administrator, whose view is of the cloud's own records.
func writeTenants[R proto.Message](c *Cloud, ctx context.Context, fn func(*view) (R, error)) (R, error) {
	return write(c, ctx, func(v *view) (R, error) {
		above, err := v.administrative()
		if err != nil {
			var none R
			return none, err
		}
		return fn(above)
	})
}

// administrative is the view of the cloud's own records. Those who work in a tenant have
// none.
func (v *view) administrative() (*view, error) {
	if v.tenantOf(v.project) != nil {
		return nil, sdk.NewError(apiv1.Reason_REASON_CLOUD_PERMISSION_DENIED)
	}
	return v.of(""), nil
}

// of is the view of another project.
func (v *view) of(project string) *view {
	other := *v
	other.project = project
	return &other
}

// tenantOf is the tenant that a project is; nil: it is none.
func (v *view) tenantOf(project string) *record {
	return v.lookup(key{tenants.kind, "", project})
}

func tenantNamed(v *view, name string) (*record, *driverv1.Tenant, bool) {
	for r, tenant := range tenants.mine(v) {
		if tenant.GetName() == name {
			return r, tenant, true
		}
	}
	return nil, nil, false
}

// heldBy names what a project has, as an error does.
func (v *view) heldBy(project string) []string {
	var held []string
	for kind := range v.cloud.tables {
		v.each(kind, project, func(r *record) bool {
			held = append(held, string(kind)+"/"+r.id)
			return true
		})
	}
	slices.Sort(held)
	return held
}

// setQuotas keeps limits of a tenant over those of every project.
func setQuotas(tenant *driverv1.Tenant, quotas []*driverv1.TenantQuota) error {
	known := quotaRules()
	for _, q := range quotas {
		i := slices.IndexFunc(known, func(rule quotaRule) bool { return rule.name == q.GetName() })
		if i < 0 {
			return sdk.NewError(apiv1.Reason_REASON_PARAMETER_REJECTED, sdk.Field("quotas"), sdk.Violation("quotas", "the cloud has no quota "+q.GetName()))
		}
		tenant.Quotas = slices.DeleteFunc(tenant.GetQuotas(), func(old *apiv1.Quota) bool { return old.GetName() == q.GetName() })
		tenant.Quotas = append(tenant.Quotas, &apiv1.Quota{Name: q.GetName(), Unit: known[i].unit, Limit: proto.Int32(q.GetLimit())})
	}
	return nil
}

// tenantLimit is a limit of the view's project alone.
func (v *view) tenantLimit(name string) (int32, bool) {
	r := v.tenantOf(v.project)
	if r == nil {
		return 0, false
	}
	for _, q := range r.msg.(*driverv1.Tenant).GetQuotas() {
		if q.GetName() == name {
			return q.GetLimit(), true
		}
	}
	return 0, false
}

// takes tells whether a tenant's password is one of its own, and the tenant enabled.
func (r *record) takes(password string) bool {
	if !r.msg.(*driverv1.Tenant).GetEnabled() {
		return false
	}
	digest, found := digestOf(password), false
	for name, want := range r.aux {
		if strings.HasPrefix(name, auxCredential) && subtle.ConstantTimeCompare([]byte(want), []byte(digest)) == 1 {
			found = true
		}
	}
	return found
}

func digestOf(password string) string {
	sum := sha256.Sum256([]byte(password))
	return hex.EncodeToString(sum[:])
}
