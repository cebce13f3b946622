package cloudtenant

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"maps"
	"slices"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/yunqiao/yunqiao/drivers/sdk"
	"github.com/yunqiao/yunqiao/gateway/account"
	"github.com/yunqiao/yunqiao/gateway/pipeline"
	"github.com/yunqiao/yunqiao/internal/db"
	"github.com/yunqiao/yunqiao/internal/fault"
	"github.com/yunqiao/yunqiao/internal/idpage"
	"github.com/yunqiao/yunqiao/internal/rowid"
	accountv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/account/v1"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	driverv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/driver/v1"
)

// Features of an account by which tenants are made.
const (
	featureProvision = "account.cloud_tenant.provision"
	featureQuotas    = "account.cloud_tenant.quotas"
	featureDisable   = "account.cloud_tenant.disable"
)

// keyLife is how long an idempotency key is remembered.
const keyLife = 24 * time.Hour

const defaultPageSize = 50

// caller is who makes the call; the zero value outside of one.
func caller(ctx context.Context) (pipeline.Principal, string) {
	if call := pipeline.CallFrom(ctx); call != nil {
		return call.Principal, call.Options.GetRequestId()
	}
	return pipeline.Principal{}, ""
}

// mayChange refuses callers of other organizations than the root: a tenant is made with
// the rights of an account that is the whole installation's.
func (s *Service) mayChange(ctx context.Context) error {
	if p, _ := caller(ctx); !s.access.Sees(p, "") {
		return sdk.NewError(apiv1.Reason_REASON_RESOURCE_FORBIDDEN, sdk.Violation("id", "cloud tenants are changed by the root organization"))
	}
	return nil
}

// administrative finds an account that may make tenants and has the features.
func (s *Service) administrative(id string, features ...string) (*account.Account, error) {
	a, err := s.accounts.Registry().Get(id)
	if err != nil {
		return nil, sdk.NewError(apiv1.Reason_REASON_ACCOUNT_NOT_FOUND, sdk.Violation("admin_account_id", "no account has this name"))
	}
	if a.ObservedAt.IsZero() || a.Conn == nil {
		return nil, sdk.NewError(cmp.Or(a.Reason, apiv1.Reason_REASON_DRIVER_UNAVAILABLE), sdk.Violation("admin_account_id", "the account could not be opened"))
	}
	for _, feature := range append([]string{featureProvision}, features...) {
		if !a.Has(feature) {
			return nil, sdk.NewError(apiv1.Reason_REASON_UNSUPPORTED_FEATURE, sdk.Feature(feature), sdk.Violation("admin_account_id",
				"needs the feature "+feature+", which the cloud of account "+a.ID+", or its rights there, do not have"))
		}
	}
	return a, nil
}

// CreateCloudTenant implements CloudTenantService.
func (s *Service) CreateCloudTenant(ctx context.Context, request *accountv1.CreateCloudTenantRequest) (*accountv1.CreateCloudTenantResponse, error) {
	r, err := s.create(ctx, request)
	if err != nil {
		return nil, err
	}
	return &accountv1.CreateCloudTenantResponse{CloudTenant: ToProtoCloudTenant(r)}, nil
}

func (s *Service) create(ctx context.Context, request *accountv1.CreateCloudTenantRequest) (*row, error) {
	if err := s.mayChange(ctx); err != nil {
		return nil, err
	}
	p, key := caller(ctx)
	if err := s.access.Organization(p, "organization_id", request.GetOrganizationId()); err != nil {
		return nil, err
	}
	encoded, err := proto.MarshalOptions{Deterministic: true}.Marshal(request)
	if err != nil {
		return nil, err
	}
	hash := sha256.Sum256(encoded)
	if key != "" {
		made, err := s.store.byKey(ctx, p.TenantID, key, s.now().Add(-keyLife))
		switch {
		case err != nil:
			return nil, err
		case made != nil && !bytes.Equal(made.RequestHash, hash[:]):
			return nil, sdk.NewError(apiv1.Reason_REASON_IDEMPOTENCY_CONFLICT)
		case made != nil:
			return s.work(context.WithoutCancel(ctx), made.ID, nil)
		}
	}
	var features []string
	if len(request.GetQuotas()) > 0 {
		features = append(features, featureQuotas)
	}
	if _, err := s.administrative(request.GetAdminAccountId(), features...); err != nil {
		return nil, err
	}
	done, err := s.accounts.Reserve(ctx, request.GetId())
	if err != nil {
		return nil, err
	}
	r := &row{
		ID: request.GetId(), AdminAccountID: request.GetAdminAccountId(), OrganizationID: request.GetOrganizationId(), Description: request.GetDescription(),
		Quotas: fromProtoQuotas(request.GetQuotas()), Mark: sdk.Token(rowid.New(), ""), State: int32(creating), Step: makeProject,
		KeyTenant: p.TenantID, RequestKey: key, RequestHash: hash[:], CreatedAt: s.now(),
	}
	err = s.store.insert(ctx, r)
	done()
	if db.IsDuplicate(err) {
		return nil, sdk.NewError(apiv1.Reason_REASON_ALREADY_EXISTS, sdk.Violation("id", "a cloud tenant has this name"))
	} else if err != nil {
		return nil, err
	}
	return s.work(context.WithoutCancel(ctx), r.ID, nil)
}

// visible reads a tenant that the caller sees.
func (s *Service) visible(ctx context.Context, id string) (*row, error) {
	r, err := s.store.get(ctx, id)
	if err != nil {
		return nil, err
	}
	if p, _ := caller(ctx); !s.access.Sees(p, r.OrganizationID) {
		return nil, absent()
	}
	return r, nil
}

// GetCloudTenant implements CloudTenantService. Where the cloud does not answer, the
// limits are those that were set.
func (s *Service) GetCloudTenant(ctx context.Context, request *accountv1.GetCloudTenantRequest) (*accountv1.GetCloudTenantResponse, error) {
	r, err := s.visible(ctx, request.GetId())
	if err != nil {
		return nil, err
	}
	shown := ToProtoCloudTenant(r)
	if state := r.state(); state != active && state != disabled {
		return &accountv1.GetCloudTenantResponse{CloudTenant: shown}, nil
	}
	answer := &driverv1.GetTenantResponse{}
	err = s.ask(ctx, r, driverv1.TenantService_GetTenant_FullMethodName, &driverv1.GetTenantRequest{Id: r.Native}, answer)
	switch {
	case err == nil:
		shown.Quotas = answer.GetTenant().GetQuotas()
	case shown.GetStateReason() == "":
		setReason(shown, sdk.ReasonOf(err))
	}
	return &accountv1.GetCloudTenantResponse{CloudTenant: shown}, nil
}

// ListCloudTenants implements CloudTenantService.
func (s *Service) ListCloudTenants(ctx context.Context, request *accountv1.ListCloudTenantsRequest) (*accountv1.ListCloudTenantsResponse, error) {
	after, err := idpage.Decode(request.GetPageToken())
	if err != nil {
		return nil, err
	}
	size := int(request.GetPageSize())
	if size == 0 {
		size = defaultPageSize
	}
	p, _ := caller(ctx)
	rows, err := s.store.list(ctx, query{
		admin: request.GetAdminAccountId(), organization: request.GetOrganizationId(), after: after, organizations: s.access.Tenants(p), limit: size + 1,
	})
	if err != nil {
		return nil, err
	}
	response := &accountv1.ListCloudTenantsResponse{}
	if len(rows) > size {
		rows = rows[:size]
		response.NextPageToken = idpage.Encode(rows[size-1].ID)
	}
	for i := range rows {
		response.CloudTenants = append(response.CloudTenants, ToProtoCloudTenant(&rows[i]))
	}
	return response, nil
}

// UpdateCloudTenant implements CloudTenantService.
func (s *Service) UpdateCloudTenant(ctx context.Context, request *accountv1.UpdateCloudTenantRequest) (*accountv1.UpdateCloudTenantResponse, error) {
	if err := s.mayChange(ctx); err != nil {
		return nil, err
	}
	r, err := s.work(context.WithoutCancel(ctx), request.GetId(), func(ctx context.Context, r *row) error {
		if err := inState(r, active, disabled); err != nil {
			return err
		}
		if err := s.changeQuotas(ctx, r, request.GetQuotas()); err != nil {
			return err
		}
		if request.Description != nil {
			r.Description = request.GetDescription()
		}
		if request.Enabled == nil || request.GetEnabled() == (r.state() == active) && r.Step != disable {
			return nil
		}
		if _, err := s.administrative(r.AdminAccountID, featureDisable); err != nil {
			return err
		}
		r.Before = r.State
		r.next(disable)
		if request.GetEnabled() {
			r.next(enable)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &accountv1.UpdateCloudTenantResponse{CloudTenant: ToProtoCloudTenant(r)}, nil
}

// changeQuotas sets limits at the cloud, then here.
func (s *Service) changeQuotas(ctx context.Context, r *row, quotas []*accountv1.CloudTenantQuota) error {
	if len(quotas) == 0 {
		return nil
	}
	if _, err := s.administrative(r.AdminAccountID, featureQuotas); err != nil {
		return err
	}
	changes := fromProtoQuotas(quotas)
	request := &driverv1.UpdateTenantRequest{Id: r.Native, Quotas: toDriverQuotas(changes)}
	if err := s.ask(ctx, r, driverv1.TenantService_UpdateTenant_FullMethodName, request, &driverv1.UpdateTenantResponse{}); err != nil {
		return fault.InAccount(err, r.AdminAccountID)
	}
	if r.Quotas == nil {
		r.Quotas = map[string]int32{}
	}
	maps.Copy(r.Quotas, changes)
	return nil
}

// inState refuses a tenant in another state with INVALID_STATE.
func inState(r *row, states ...accountv1.CloudTenantState) error {
	if slices.Contains(states, r.state()) {
		return nil
	}
	return sdk.NewError(apiv1.Reason_REASON_INVALID_STATE, sdk.Violation("id", "the cloud tenant is in state "+r.state().String()))
}

// RotateCloudTenantCredentials implements CloudTenantService.
func (s *Service) RotateCloudTenantCredentials(ctx context.Context, request *accountv1.RotateCloudTenantCredentialsRequest) (*accountv1.RotateCloudTenantCredentialsResponse, error) {
	if err := s.mayChange(ctx); err != nil {
		return nil, err
	}
	_, key := caller(ctx)
	r, err := s.work(context.WithoutCancel(ctx), request.GetId(), func(_ context.Context, r *row) error {
		if err := inState(r, active); err != nil {
			return err
		}
		if key != "" && key == r.RotationKey && r.Step != rotate && s.now().Before(r.CredentialsAt.Add(keyLife)) {
			return nil
		}
		r.RotationKey = key
		r.next(rotate)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &accountv1.RotateCloudTenantCredentialsResponse{CloudTenant: ToProtoCloudTenant(r)}, nil
}

// DeleteCloudTenant implements CloudTenantService.
func (s *Service) DeleteCloudTenant(ctx context.Context, request *accountv1.DeleteCloudTenantRequest) (*accountv1.DeleteCloudTenantResponse, error) {
	if err := s.mayChange(ctx); err != nil {
		return nil, err
	}
	if dropped, err := s.store.dropFailed(ctx, request.GetId()); dropped || err != nil {
		return &accountv1.DeleteCloudTenantResponse{}, err
	}
	running, err := s.operations.RunningIn(ctx, request.GetId())
	if err != nil {
		return nil, err
	}
	if running > 0 {
		return nil, sdk.NewError(apiv1.Reason_REASON_IN_USE, sdk.Violation("id", "operations are running in its account"))
	}
	r, err := s.work(context.WithoutCancel(ctx), request.GetId(), func(_ context.Context, r *row) error {
		if r.state() != deleting {
			r.Before, r.State = r.State, int32(deleting)
			r.next(closeAccount)
		}
		return nil
	})
	if sdk.ReasonOf(err) == apiv1.Reason_REASON_NOT_FOUND {
		return &accountv1.DeleteCloudTenantResponse{}, nil
	}
	if err != nil {
		return nil, err
	}
	response := &accountv1.DeleteCloudTenantResponse{}
	if r != nil {
		response.CloudTenant = ToProtoCloudTenant(r)
	}
	return response, nil
}
