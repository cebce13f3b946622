package account

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/yunqiao/yunqiao/drivers/sdk"
	"github.com/yunqiao/yunqiao/gateway/pipeline"
	accountv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/account/v1"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	driverv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/driver/v1"
)

// Operations tells whether an account has work in progress.
type Operations interface {
	RunningIn(ctx context.Context, accountID string) (int, error)
}

// CloudTenants tells which cloud tenants stand on an account: its own, and those that
// were made through it.
type CloudTenants interface {
	Using(ctx context.Context, accountID string) ([]string, error)
}

// Access decides which accounts a caller may use.
type Access interface {
	Account(p pipeline.Principal, accountID string) error
	// Permit tells whether the caller has a permission.
	Permit(p pipeline.Principal, permission string) error
	// Sees tells whether what an organization owns is the caller's; "" is nobody's.
	Sees(p pipeline.Principal, ownerID string) bool
}

// Server is AccountService over a Manager.
type Server struct {
	accountv1.UnimplementedAccountServiceServer
	manager    *Manager
	operations Operations
	tenants    CloudTenants
	access     Access
}

// seesSettings is the permission without which settings and names of credentials
// are left out of what is shown.
const seesSettings = "account.account.update"

var _ accountv1.AccountServiceServer = (*Server)(nil)

// NewServer serves the accounts of a manager.
func NewServer(manager *Manager, operations Operations, tenants CloudTenants, access Access) *Server {
	return &Server{manager: manager, operations: operations, tenants: tenants, access: access}
}

// show is an account as the caller may see it.
func (s *Server) show(ctx context.Context, a *Account) *accountv1.Account {
	p := ToProtoAccount(a)
	if call := pipeline.CallFrom(ctx); call != nil && s.access.Permit(call.Principal, seesSettings) != nil {
		p.Settings, p.CredentialNames = nil, nil
	}
	return p
}

// mayUse refuses an account that the caller has not been given.
func (s *Server) mayUse(ctx context.Context, id string) error {
	if call := pipeline.CallFrom(ctx); call != nil {
		return s.access.Account(call.Principal, id)
	}
	return nil
}

// mayChange refuses callers of other organizations than the root: an account is
// the whole installation's, whoever has been given it.
func (s *Server) mayChange(ctx context.Context) error {
	if call := pipeline.CallFrom(ctx); call != nil && !s.access.Sees(call.Principal, "") {
		return sdk.NewError(apiv1.Reason_REASON_RESOURCE_FORBIDDEN, sdk.Violation("id", "accounts are changed by the root organization"))
	}
	return nil
}

// CreateAccount implements AccountService.
func (s *Server) CreateAccount(ctx context.Context, request *accountv1.CreateAccountRequest) (*accountv1.CreateAccountResponse, error) {
	if err := s.mayChange(ctx); err != nil {
		return nil, err
	}
	a, err := s.manager.Create(ctx, request, func(ctx context.Context) error {
		tenants, err := s.tenants.Using(ctx, request.GetId())
		if err == nil && len(tenants) > 0 {
			err = nameTaken() // by one that is being made
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return &accountv1.CreateAccountResponse{Account: s.show(ctx, a)}, nil
}

// GetAccount implements AccountService.
func (s *Server) GetAccount(ctx context.Context, request *accountv1.GetAccountRequest) (*accountv1.GetAccountResponse, error) {
	if err := s.mayUse(ctx, request.GetId()); err != nil {
		return nil, err
	}
	a, err := s.manager.registry.Get(request.GetId())
	if err != nil {
		return nil, err
	}
	return &accountv1.GetAccountResponse{Account: s.show(ctx, a)}, nil
}

// ListAccounts implements AccountService.
func (s *Server) ListAccounts(ctx context.Context, request *accountv1.ListAccountsRequest) (*accountv1.ListAccountsResponse, error) {
	response := &accountv1.ListAccountsResponse{}
	for _, a := range s.manager.registry.All() {
		if s.mayUse(ctx, a.ID) == nil && (request.GetDriver() == "" || request.GetDriver() == a.Driver) {
			response.Accounts = append(response.Accounts, s.show(ctx, a))
		}
	}
	return response, nil
}

// UpdateAccount implements AccountService.
func (s *Server) UpdateAccount(ctx context.Context, request *accountv1.UpdateAccountRequest) (*accountv1.UpdateAccountResponse, error) {
	if err := s.mayChange(ctx); err != nil {
		return nil, err
	}
	a, err := s.manager.Update(ctx, request)
	if err != nil {
		return nil, err
	}
	return &accountv1.UpdateAccountResponse{Account: s.show(ctx, a)}, nil
}

// DeleteAccount implements AccountService.
func (s *Server) DeleteAccount(ctx context.Context, request *accountv1.DeleteAccountRequest) (*accountv1.DeleteAccountResponse, error) {
	if err := s.mayChange(ctx); err != nil {
		return nil, err
	}
	running, err := s.operations.RunningIn(ctx, request.GetId())
	if err != nil {
		return nil, err
	}
	if running > 0 {
		return nil, sdk.NewError(apiv1.Reason_REASON_IN_USE, sdk.Violation("id", "operations are running in this account"))
	}
	tenants, err := s.tenants.Using(ctx, request.GetId())
	if err != nil {
		return nil, err
	}
	if len(tenants) > 0 {
		return nil, sdk.NewError(apiv1.Reason_REASON_IN_USE, sdk.Violation("id", fmt.Sprintf("cloud tenants stand on it: %q", tenants)))
	}
	if err := s.manager.Remove(ctx, request.GetId()); err != nil {
		return nil, err
	}
	return &accountv1.DeleteAccountResponse{}, nil
}

// ProbeAccount implements AccountService.
func (s *Server) ProbeAccount(ctx context.Context, request *accountv1.ProbeAccountRequest) (*accountv1.ProbeAccountResponse, error) {
	if err := s.mayUse(ctx, request.GetId()); err != nil {
		return nil, err
	}
	m := s.manager
	rec, err := m.record(request.GetId())
	if err != nil {
		return nil, err
	}
	if rec.account.Disabled {
		return nil, errDisabled()
	}
	opened, missing, err := m.probe(ctx, rec)
	if ctx.Err() == nil {
		m.opened(request.GetId(), opened, err)
	}
	if err != nil {
		m.log.LogAttrs(ctx, slog.LevelInfo, "account probed", slog.String("account_id", request.GetId()), slog.String("reason", sdk.ReasonName(sdk.ReasonOf(err))))
		return nil, err
	}
	a, err := m.registry.Get(request.GetId())
	if err != nil {
		return nil, err
	}
	response := &accountv1.ProbeAccountResponse{Account: s.show(ctx, a)}
	for _, r := range missing {
		response.MissingRights = append(response.MissingRights,
			&accountv1.MissingRight{Service: r.GetService(), Role: r.GetRole(), Unreadable: r.GetUnreadable()})
	}
	return response, nil
}

// probe asks the cloud, also for the rights that the credentials lack; an account that
// is not open yet is opened first.
func (m *Manager) probe(ctx context.Context, rec record) (*Account, []*driverv1.MissingRight, error) {
	opened, err := m.tryOpen(ctx, rec)
	if err != nil {
		return nil, nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, m.opts.OpenTimeout)
	defer cancel()
	response, err := driverv1.NewDriverServiceClient(opened.Conn).Probe(ctx, &driverv1.ProbeRequest{AccountId: rec.account.ID})
	if err != nil {
		return nil, nil, err
	}
	driver, ok := m.drivers.Driver(rec.account.Driver)
	if !ok {
		return nil, nil, sdk.NewError(apiv1.Reason_REASON_DRIVER_UNAVAILABLE)
	}
	return opened.withInfo(driver.Info(), response.GetCapabilities(), m.opts.Now().UTC()), response.GetMissingRights(), nil
}
