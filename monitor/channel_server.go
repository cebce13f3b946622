package monitor

import (
	"context"
	"errors"
	"net/url"
	"strconv"

	"google.golang.org/protobuf/types/known/timestamppb"
	"gorm.io/gorm"

	"github.com/yunqiao/yunqiao/internal/refuse"
	"github.com/yunqiao/yunqiao/internal/rowid"
	monitorv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/monitor/v1"
)

type channelServer struct {
	monitorv1.UnimplementedChannelServiceServer
	*Module
}

var _ monitorv1.ChannelServiceServer = (*channelServer)(nil)

func channelLabel(id string) string { return "monitor_channels/" + id }

// changed has the channels read again.
func (m *Module) changed() {
	select {
	case m.restart <- struct{}{}:
	default:
	}
}

// CreateChannel implements ChannelService.
func (s *channelServer) CreateChannel(ctx context.Context, request *monitorv1.CreateChannelRequest) (*monitorv1.CreateChannelResponse, error) {
	u, err := url.Parse(request.GetAddress())
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil {
		return nil, refuse.Invalid("address", "must be http(s)://host/path without credentials")
	}
	if n := len(request.GetSecret()); n > 0 && n < 16 {
		return nil, refuse.Invalid("secret", "needs at least 16 characters")
	}
	row := channelRow{
		ID: rowid.New(), TenantID: s.access.Caller(ctx).TenantID, Name: request.GetName(), Kind: int32(request.GetKind()),
		Address: request.GetAddress(), MinSeverity: int32(request.GetMinSeverity()), Enabled: true, CreatedAt: s.opts.Now().UTC(),
	}
	if request.GetSecret() != "" {
		row.Secret = s.box.Seal([]byte(request.GetSecret()), channelLabel(row.ID))
	}
	err = s.store.Write.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		var counter counterRow
		if err := tx.Where("name = ?", "serial").Take(&counter).Error; err != nil {
			return err
		}
		row.Delivered = counter.Value
		return tx.Create(&row).Error
	})
	if err != nil {
		return nil, err
	}
	s.changed()
	return &monitorv1.CreateChannelResponse{Id: row.ID, Channel: s.show(&row, row.Delivered)}, nil
}

// ListChannels implements ChannelService.
func (s *channelServer) ListChannels(ctx context.Context, _ *monitorv1.ListChannelsRequest) (*monitorv1.ListChannelsResponse, error) {
	var rows []channelRow
	if err := s.visible(ctx, s.store.Read.WithContext(ctx)).Order("id").Find(&rows).Error; err != nil {
		return nil, err
	}
	var counter counterRow
	if err := s.store.Read.WithContext(ctx).Where("name = ?", "serial").Take(&counter).Error; err != nil {
		return nil, err
	}
	response := &monitorv1.ListChannelsResponse{}
	for i := range rows {
		response.Channels = append(response.Channels, s.show(&rows[i], counter.Value))
	}
	return response, nil
}

func (s *channelServer) channelOf(ctx context.Context, id string) (*channelRow, error) {
	row := &channelRow{}
	err := s.visible(ctx, s.store.Read.WithContext(ctx)).Where("id = ?", id).Take(row).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return nil, refuse.NotFound("id", "channel")
	}
	return row, err
}

// UpdateChannel implements ChannelService.
func (s *channelServer) UpdateChannel(ctx context.Context, request *monitorv1.UpdateChannelRequest) (*monitorv1.UpdateChannelResponse, error) {
	row, err := s.channelOf(ctx, request.GetId())
	if err != nil {
		return nil, err
	}
	values := map[string]any{}
	if request.Name != nil {
		row.Name = request.GetName()
		values["name"] = row.Name
	}
	if request.MinSeverity != nil {
		row.MinSeverity = int32(request.GetMinSeverity())
		values["min_severity"] = row.MinSeverity
	}
	if request.Enabled != nil {
		row.Enabled = request.GetEnabled()
		values["enabled"] = row.Enabled
	}
	if len(values) == 0 {
		return nil, refuse.Invalid("name", "nothing is to be changed")
	}
	if err := s.store.Write.WithContext(ctx).Model(&channelRow{}).Where("id = ?", row.ID).UpdateColumns(values).Error; err != nil {
		return nil, err
	}
	s.changed()
	return &monitorv1.UpdateChannelResponse{Channel: s.show(row, row.Delivered)}, nil
}

// DeleteChannel implements ChannelService.
func (s *channelServer) DeleteChannel(ctx context.Context, request *monitorv1.DeleteChannelRequest) (*monitorv1.DeleteChannelResponse, error) {
	if err := s.visible(ctx, s.store.Write.WithContext(ctx)).Where("id = ?", request.GetId()).Delete(&channelRow{}).Error; err != nil {
		return nil, err
	}
	s.changed()
	return &monitorv1.DeleteChannelResponse{}, nil
}

func (s *channelServer) show(r *channelRow, serial int64) *monitorv1.Channel {
	c := &monitorv1.Channel{
		Id: r.ID, TenantId: r.TenantID, Name: r.Name, Kind: monitorv1.ChannelKind(r.Kind), Address: r.Address,
		MinSeverity: monitorv1.Severity(r.MinSeverity), Enabled: r.Enabled, DeliveredSerial: strconv.FormatInt(r.Delivered, 10),
		PendingCount: int32(min(serial-r.Delivered, 1<<31-1)), CreatedAt: timestamppb.New(r.CreatedAt),
	}
	if r.DeliveredAt != nil {
		c.DeliveredAt = timestamppb.New(*r.DeliveredAt)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if st := s.status[r.ID]; st != nil {
		c.FailureCount, c.LastError = int32(st.failures), st.err
	}
	return c
}
