package cloudtenant

import (
	"context"

	"github.com/yunqiao/yunqiao/drivers/sdk"
	accountv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/account/v1"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	driverv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/driver/v1"
)

// step is what is to be done next to a tenant.
type step string

// The steps.
const (
	nothing          step = ""
	makeProject      step = "project"
	makeCredentials  step = "credentials"
	giveOrganization step = "organization"
	closeAccount     step = "close"
	removeProject    step = "remove"
	forgetAccount    step = "forget"
	disable          step = "disable"
	enable           step = "enable"
	rotate           step = "rotate"
	retire           step = "retire"
)

const (
	creating = accountv1.CloudTenantState_CLOUD_TENANT_STATE_CREATING
	active   = accountv1.CloudTenantState_CLOUD_TENANT_STATE_ACTIVE
	disabled = accountv1.CloudTenantState_CLOUD_TENANT_STATE_DISABLED
	deleting = accountv1.CloudTenantState_CLOUD_TENANT_STATE_DELETING
)

func (r *row) state() accountv1.CloudTenantState { return accountv1.CloudTenantState(r.State) }

// next puts a tenant before another step.
func (r *row) next(to step) { r.Step, r.Reason = to, 0 }

// settle puts a tenant into a state in which nothing is to be done.
func (r *row) settle(state accountv1.CloudTenantState) {
	r.State = int32(state)
	r.next(nothing)
}

// make makes the tenant's next step. What it learns is in r, for the caller to store.
func (s *Service) make(ctx context.Context, r *row) error {
	switch r.Step {
	case makeProject:
		return s.makeProject(ctx, r)
	case makeCredentials:
		return s.makeCredentials(ctx, r)
	case giveOrganization:
		if err := s.organizations.GiveAccount(ctx, r.OrganizationID, r.ID); err != nil {
			return err
		}
		r.settle(active)
	case closeAccount:
		if err := s.close(ctx, r.ID); err != nil {
			return err
		}
		r.next(removeProject)
	case removeProject:
		return s.removeProject(ctx, r)
	case forgetAccount:
		return s.forgetAccount(ctx, r)
	case disable:
		if err := s.accounts.SetEnabled(ctx, r.ID, false); err != nil {
			return err
		}
		if err := s.setEnabled(ctx, r, false); err != nil {
			return err
		}
		r.settle(disabled)
	case enable:
		if err := s.setEnabled(ctx, r, true); err != nil {
			return err
		}
		if err := s.accounts.SetEnabled(ctx, r.ID, true); err != nil {
			return err
		}
		r.State = int32(active)
		r.next(retire) // what a rotation may have left
	case rotate:
		return s.rotate(ctx, r)
	case retire:
		return s.retire(ctx, r)
	}
	return nil
}

func (s *Service) makeProject(ctx context.Context, r *row) error {
	request := &driverv1.CreateTenantRequest{Name: r.ID, Description: r.Description, Mark: r.Mark, Quotas: toDriverQuotas(r.Quotas)}
	answer := &driverv1.CreateTenantResponse{}
	if err := s.ask(ctx, r, driverv1.TenantService_CreateTenant_FullMethodName, request, answer); err != nil {
		return err
	}
	r.Native = answer.GetTenant().GetId()
	r.next(makeCredentials)
	return nil
}

// makeCredentials makes credentials and opens the account with them. Their id is stored
// before the account, so that an account that is there has the credentials that are known.
func (s *Service) makeCredentials(ctx context.Context, r *row) error {
	if _, err := s.accounts.Registry().Get(r.ID); err == nil {
		r.next(giveOrganization)
		return nil
	}
	admin, err := s.accounts.Registry().Get(r.AdminAccountID)
	if err != nil {
		return err
	}
	issued, err := s.issue(ctx, r)
	if err != nil {
		return err
	}
	r.CredentialID = issued.GetCredentialId()
	r.CredentialsAt = new(s.now())
	if err := s.store.save(ctx, r); err != nil {
		return err
	}
	_, err = s.accounts.Create(ctx, &accountv1.CreateAccountRequest{
		Id: r.ID, Driver: admin.Driver, CloudKind: admin.Kind, Description: r.Description,
		Settings: tenantSettings(admin.Settings, issued.GetSettings()), Credentials: issued.GetCredentials(),
	}, nil)
	if err != nil {
		return err
	}
	r.next(giveOrganization)
	return nil
}

// close refuses calls of the tenant's account, if there is one.
func (s *Service) close(ctx context.Context, id string) error {
	err := s.accounts.SetEnabled(ctx, id, false)
	if sdk.ReasonOf(err) == apiv1.Reason_REASON_ACCOUNT_NOT_FOUND {
		return nil
	}
	return err
}

func (s *Service) removeProject(ctx context.Context, r *row) error {
	request := &driverv1.DeleteTenantRequest{Id: r.Native, Name: r.ID, Mark: r.Mark}
	if err := s.ask(ctx, r, driverv1.TenantService_DeleteTenant_FullMethodName, request, &driverv1.DeleteTenantResponse{}); err != nil {
		return err
	}
	r.next(forgetAccount)
	return nil
}

// forgetAccount ends a tenant: one that was deleted is no more, one that was undone
// stays to be seen.
func (s *Service) forgetAccount(ctx context.Context, r *row) error {
	if err := s.accounts.Remove(ctx, r.ID); err != nil {
		return err
	}
	if err := s.organizations.TakeAccount(ctx, r.ID); err != nil {
		return err
	}
	if r.Cause == 0 {
		r.next(nothing)
		return s.store.remove(ctx, r.ID)
	}
	r.settle(failed)
	r.Native, r.CredentialID, r.Reason = "", "", r.Cause
	return nil
}

func (s *Service) setEnabled(ctx context.Context, r *row, enabled bool) error {
	request := &driverv1.UpdateTenantRequest{Id: r.Native, Enabled: &enabled}
	return s.ask(ctx, r, driverv1.TenantService_UpdateTenant_FullMethodName, request, &driverv1.UpdateTenantResponse{})
}

func (s *Service) rotate(ctx context.Context, r *row) error {
	issued, err := s.issue(ctx, r)
	if err != nil {
		return err
	}
	a, err := s.accounts.Registry().Get(r.ID)
	if err != nil {
		return err
	}
	credentials := map[string]string{}
	for _, name := range a.CredentialNames {
		credentials[name] = "" // removes what the new ones do not have
	}
	for name, value := range issued.GetCredentials() {
		credentials[name] = value
	}
	if _, err := s.accounts.Update(ctx, &accountv1.UpdateAccountRequest{Id: r.ID, Settings: issued.GetSettings(), Credentials: credentials}); err != nil {
		return err
	}
	r.CredentialID = issued.GetCredentialId()
	r.CredentialsAt = new(s.now())
	r.next(retire)
	return nil
}

func (s *Service) issue(ctx context.Context, r *row) (*driverv1.IssueCredentialsResponse, error) {
	issued := &driverv1.IssueCredentialsResponse{}
	request := &driverv1.IssueCredentialsRequest{Id: r.Native, Current: r.CredentialID}
	if r.Step == makeCredentials {
		request.Current = "" // no account has them
	}
	return issued, s.ask(ctx, r, driverv1.TenantService_IssueCredentials_FullMethodName, request, issued)
}

func (s *Service) retire(ctx context.Context, r *row) error {
	request := &driverv1.RetireCredentialsRequest{Id: r.Native, Keep: r.CredentialID}
	if err := s.ask(ctx, r, driverv1.TenantService_RetireCredentials_FullMethodName, request, &driverv1.RetireCredentialsResponse{}); err != nil {
		return err
	}
	r.next(nothing)
	return nil
}
