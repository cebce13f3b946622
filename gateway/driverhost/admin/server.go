package admin

import (
	"context"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/yunqiao/yunqiao/drivers/sdk"
	"github.com/yunqiao/yunqiao/gateway/driverhost"
	accountv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/account/v1"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	driverv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/driver/v1"
)

const (
	resourceType = "account.driver"
	defaultLines = 100
)

// Server is DriverService over a host.
type Server struct {
	accountv1.UnimplementedDriverServiceServer
	host *driverhost.Host
}

var _ accountv1.DriverServiceServer = (*Server)(nil)

// NewServer serves the drivers of a host.
func NewServer(host *driverhost.Host) *Server { return &Server{host: host} }

func (s *Server) find(id string) (*driverhost.Driver, error) {
	d, ok := s.host.Driver(id)
	if !ok {
		return nil, sdk.NotFound(resourceType, id, nil)
	}
	return d, nil
}

// ListDrivers implements DriverService.
func (s *Server) ListDrivers(context.Context, *accountv1.ListDriversRequest) (*accountv1.ListDriversResponse, error) {
	answer := &accountv1.ListDriversResponse{}
	for _, status := range s.host.Drivers() {
		d, ok := s.host.Driver(status.Name)
		if ok {
			answer.Drivers = append(answer.Drivers, toProtoDriver(d))
		}
	}
	return answer, nil
}

// GetDriver implements DriverService.
func (s *Server) GetDriver(_ context.Context, req *accountv1.GetDriverRequest) (*accountv1.GetDriverResponse, error) {
	d, err := s.find(req.GetId())
	if err != nil {
		return nil, err
	}
	answer := &accountv1.GetDriverResponse{
		Driver: toProtoDriver(d), Methods: d.Info().GetMethods(), Settings: toProtoSettings(d.Schema()),
	}
	for _, f := range d.Info().GetFeatures() {
		answer.Features = append(answer.Features, f.GetName())
	}
	for _, e := range d.Events() {
		answer.Events = append(answer.Events, &accountv1.DriverEvent{At: timestamppb.New(e.At), State: toProtoState(e.State), Text: e.Text})
	}
	return answer, nil
}

// VerifyDriver implements DriverService.
func (s *Server) VerifyDriver(_ context.Context, req *accountv1.VerifyDriverRequest) (*accountv1.VerifyDriverResponse, error) {
	d, err := s.find(req.GetId())
	if err != nil {
		return nil, err
	}
	if err := d.Verify(); err != nil {
		return &accountv1.VerifyDriverResponse{Problem: err.Error()}, nil
	}
	return &accountv1.VerifyDriverResponse{Ok: true}, nil
}

// RestartDriver implements DriverService.
func (s *Server) RestartDriver(ctx context.Context, req *accountv1.RestartDriverRequest) (*accountv1.RestartDriverResponse, error) {
	d, err := s.find(req.GetId())
	if err != nil {
		return nil, err
	}
	if err := s.host.Restart(ctx, req.GetId()); err != nil {
		return nil, sdk.NewError(apiv1.Reason_REASON_DRIVER_UNAVAILABLE, sdk.Resource(resourceType, req.GetId()),
			sdk.Violation("id", err.Error()), sdk.Cause(err))
	}
	return &accountv1.RestartDriverResponse{Driver: toProtoDriver(d)}, nil
}

// GetDriverLog implements DriverService.
func (s *Server) GetDriverLog(_ context.Context, req *accountv1.GetDriverLogRequest) (*accountv1.GetDriverLogResponse, error) {
	d, err := s.find(req.GetId())
	if err != nil {
		return nil, err
	}
	wanted := int(req.GetLines())
	if wanted == 0 {
		wanted = defaultLines
	}
	answer := &accountv1.GetDriverLogResponse{}
	for _, line := range d.Log(wanted) {
		answer.Lines = append(answer.Lines, &accountv1.DriverLogLine{At: timestamppb.New(line.At), Text: line.Text})
	}
	return answer, nil
}

func toProtoDriver(d *driverhost.Driver) *accountv1.Driver {
	status := d.Status()
	return &accountv1.Driver{
		Id: status.Name, State: toProtoState(status.State), Version: status.Version, Provider: d.Info().GetProvider(),
		ContractVersion: int32(status.Contract), Pid: int32(status.PID), Restarts: int32(status.Restarts), Failures: int32(status.Failures),
		LastError: status.LastError, StartedAt: toProtoTime(status.StartedAt), NextStartAt: toProtoTime(status.NextStartAt),
		HasManifest: status.Manifest != "",
	}
}

func toProtoState(state driverhost.State) accountv1.DriverState {
	switch state {
	case driverhost.StateStarting:
		return accountv1.DriverState_DRIVER_STATE_STARTING
	case driverhost.StateReady:
		return accountv1.DriverState_DRIVER_STATE_READY
	case driverhost.StateBackoff:
		return accountv1.DriverState_DRIVER_STATE_BACKOFF
	case driverhost.StateStopped:
		return accountv1.DriverState_DRIVER_STATE_STOPPED
	default:
		return accountv1.DriverState_DRIVER_STATE_UNSPECIFIED
	}
}

func toProtoSettings(schema *driverv1.GetAccountSchemaResponse) []*accountv1.DriverSetting {
	settings := make([]*accountv1.DriverSetting, 0, len(schema.GetFields()))
	for _, f := range schema.GetFields() {
		settings = append(settings, &accountv1.DriverSetting{
			Name: f.GetName(), Description: f.GetDescription(), Required: f.GetRequired(), Secret: f.GetSecret(),
			Values: f.GetValues(), DefaultValue: f.GetDefaultValue(),
		})
	}
	return settings
}

// toProtoTime is nil for the zero time.
func toProtoTime(t time.Time) *timestamppb.Timestamp {
	if t.IsZero() {
		return nil
	}
	return timestamppb.New(t)
}
