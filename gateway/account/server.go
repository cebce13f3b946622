package account

import (
	"context"
	"log/slog"

	"github.com/yunqiao/yunqiao/drivers/sdk"
	accountv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/account/v1"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	driverv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/driver/v1"
)

// Operations tells whether an account has work in progress.
type Operations interface {
	RunningIn(ctx context.Context, accountID string) (int, error)
}

// Server is AccountService over a Manager.
type Server struct {
	accountv1.UnimplementedAccountServiceServer
	manager    *Manager
	operations Operations
}

var _ accountv1.AccountServiceServer = (*Server)(nil)

// NewServer serves the accounts of a manager.
func NewServer(manager *Manager, operations Operations) *Server {
	return &Server{manager: manager, operations: operations}
}

// CreateAccount implements AccountService.
func (s *Server) CreateAccount(ctx context.Context, request *accountv1.CreateAccountRequest) (*accountv1.CreateAccountResponse, error) {
	a, err := s.manager.create(ctx, request)
	if err != nil {
		return nil, err
	}
	return &accountv1.CreateAccountResponse{Account: ToProtoAccount(a)}, nil
}

// GetAccount implements AccountService.
func (s *Server) GetAccount(_ context.Context, request *accountv1.GetAccountRequest) (*accountv1.GetAccountResponse, error) {
	a, err := s.manager.registry.Get(request.GetId())
	if err != nil {
		return nil, err
	}
	return &accountv1.GetAccountResponse{Account: ToProtoAccount(a)}, nil
}

// ListAccounts implements AccountService.
func (s *Server) ListAccounts(_ context.Context, request *accountv1.ListAccountsRequest) (*accountv1.ListAccountsResponse, error) {
	response := &accountv1.ListAccountsResponse{}
	for _, a := range s.manager.registry.All() {
		if request.GetDriver() == "" || request.GetDriver() == a.Driver {
			response.Accounts = append(response.Accounts, ToProtoAccount(a))
		}
	}
	return response, nil
}

// UpdateAccount implements AccountService.
func (s *Server) UpdateAccount(ctx context.Context, request *accountv1.UpdateAccountRequest) (*accountv1.UpdateAccountResponse, error) {
	a, err := s.manager.update(ctx, request)
	if err != nil {
		return nil, err
	}
	return &accountv1.UpdateAccountResponse{Account: ToProtoAccount(a)}, nil
}

// DeleteAccount implements AccountService.
func (s *Server) DeleteAccount(ctx context.Context, request *accountv1.DeleteAccountRequest) (*accountv1.DeleteAccountResponse, error) {
	running, err := s.operations.RunningIn(ctx, request.GetId())
	if err != nil {
		return nil, err
	}
	if running > 0 {
		return nil, sdk.NewError(apiv1.Reason_REASON_IN_USE, sdk.Violation("id", "operations are running in this account"))
	}
	if err := s.manager.remove(ctx, request.GetId()); err != nil {
		return nil, err
	}
	return &accountv1.DeleteAccountResponse{}, nil
}

// ProbeAccount implements AccountService.
func (s *Server) ProbeAccount(ctx context.Context, request *accountv1.ProbeAccountRequest) (*accountv1.ProbeAccountResponse, error) {
	m := s.manager
	rec, err := m.record(request.GetId())
	if err != nil {
		return nil, err
	}
	if opened, err := m.probe(ctx, rec); err != nil {
		m.log.LogAttrs(ctx, slog.LevelInfo, "account probed", slog.String("account_id", request.GetId()), slog.String("reason", sdk.ReasonName(sdk.ReasonOf(err))))
		m.registry.change(request.GetId(), func(a *Account) *Account {
			if a == nil {
				return nil
			}
			return a.withFailure(sdk.ReasonOf(err))
		})
		return nil, err
	} else {
		m.registry.change(request.GetId(), func(a *Account) *Account {
			if a == nil {
				return nil
			}
			return opened
		})
	}
	a, err := m.registry.Get(request.GetId())
	if err != nil {
		return nil, err
	}
	return &accountv1.ProbeAccountResponse{Account: ToProtoAccount(a)}, nil
}

// probe asks the cloud; an account that is not open yet is opened first.
func (m *Manager) probe(ctx context.Context, rec record) (*Account, error) {
	opened, err := m.tryOpen(ctx, rec)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, m.opts.OpenTimeout)
	defer cancel()
	response, err := driverv1.NewDriverServiceClient(opened.Conn).Probe(ctx, &driverv1.ProbeRequest{AccountId: rec.account.ID})
	if err != nil {
		return nil, err
	}
	driver, ok := m.drivers.Driver(rec.account.Driver)
	if !ok {
		return nil, sdk.NewError(apiv1.Reason_REASON_DRIVER_UNAVAILABLE)
	}
	return opened.withInfo(driver.Info(), response.GetCapabilities(), m.opts.Now().UTC()), nil
}
