package monitor

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strconv"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/types/known/timestamppb"
	"gorm.io/gorm"

	"github.com/yunqiao/yunqiao/internal/refuse"
	"github.com/yunqiao/yunqiao/internal/rowid"
	"github.com/yunqiao/yunqiao/monitor/notify"
	monitorv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/monitor/v1"
)

type channelServer struct {
	monitorv1.UnimplementedChannelServiceServer
	*Module
}

var _ monitorv1.ChannelServiceServer = (*channelServer)(nil)

// Labels under which secrets are sealed.
func channelLabel(id string) string { return "monitor_channels/" + id }
func privacyLabel(id string) string { return "monitor_channels/" + id + "/privacy" }

// changed has the channels read again.
func (m *Module) changed() {
	select {
	case m.restart <- struct{}{}:
	default:
	}
}

// CreateChannel implements ChannelService.
func (s *channelServer) CreateChannel(ctx context.Context, request *monitorv1.CreateChannelRequest) (*monitorv1.CreateChannelResponse, error) {
	target := notify.Target{
		Kind: request.GetKind(), Address: request.GetAddress(), Secret: request.GetSecret(), Snmp: request.GetSnmp(), Mail: request.GetMail(),
		CACertificate: request.GetCaCertificate(),
	}
	if problem, ok := errors.AsType[*notify.Problem](target.Check()); ok {
		return nil, refuse.Invalid(problem.Field, problem.Text)
	}
	if _, bad := compile(request.GetMatchers()); bad >= 0 {
		return nil, refuse.Invalid(fmt.Sprintf("matchers[%d].value", bad), "is no regular expression (RE2)")
	}
	row := channelRow{
		ID: rowid.New(), TenantID: s.access.Caller(ctx).TenantID, Name: request.GetName(), Kind: int32(request.GetKind()), CACertificate: request.GetCaCertificate(),
		Address: request.GetAddress(), MinSeverity: int32(request.GetMinSeverity()), Enabled: true, CreatedAt: s.opts.Now().UTC(),
	}
	if request.GetSecret() != "" {
		row.Secret = s.box.Seal([]byte(request.GetSecret()), channelLabel(row.ID))
	}
	if password := request.GetSnmp().GetPrivacyPassword(); password != "" {
		row.Privacy = s.box.Seal([]byte(password), privacyLabel(row.ID))
		request.Snmp.PrivacyPassword = ""
	}
	err := row.describe(&monitorv1.Channel{
		Matchers: request.GetMatchers(), Grouping: request.GetGrouping(), Snmp: request.GetSnmp(), Mail: request.GetMail(),
	})
	if err != nil {
		return nil, err
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
	shown, err := s.show(ctx, &row)
	return &monitorv1.CreateChannelResponse{Id: row.ID, Channel: shown}, err
}

// ListChannels implements ChannelService.
func (s *channelServer) ListChannels(ctx context.Context, _ *monitorv1.ListChannelsRequest) (*monitorv1.ListChannelsResponse, error) {
	var rows []channelRow
	if err := s.visible(ctx, s.store.Read.WithContext(ctx)).Order("id").Find(&rows).Error; err != nil {
		return nil, err
	}
	response := &monitorv1.ListChannelsResponse{}
	for i := range rows {
		shown, err := s.show(ctx, &rows[i])
		if err != nil {
			return nil, err
		}
		response.Channels = append(response.Channels, shown)
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
	if request.GetGrouping() != nil {
		spec, err := specOf(row)
		if err != nil {
			return nil, err
		}
		spec.Grouping = request.GetGrouping()
		if err := row.describe(spec); err != nil {
			return nil, err
		}
		values["spec"] = row.Spec
	}
	if len(values) == 0 {
		return nil, refuse.Invalid("name", "nothing is to be changed")
	}
	values["revision"] = gorm.Expr("revision + 1")
	if err := s.store.Write.WithContext(ctx).Model(&channelRow{}).Where("id = ?", row.ID).UpdateColumns(values).Error; err != nil {
		return nil, err
	}
	s.changed()
	shown, err := s.show(ctx, row)
	return &monitorv1.UpdateChannelResponse{Channel: shown}, err
}

// DeleteChannel implements ChannelService.
func (s *channelServer) DeleteChannel(ctx context.Context, request *monitorv1.DeleteChannelRequest) (*monitorv1.DeleteChannelResponse, error) {
	err := s.store.Write.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		deleted := s.visible(ctx, tx).Where("id = ?", request.GetId()).Delete(&channelRow{})
		if deleted.Error != nil || deleted.RowsAffected == 0 {
			return deleted.Error
		}
		for _, of := range []any{&heldRow{}, &pendingRow{}, &groupRow{}} {
			if err := tx.Where("channel_id = ?", request.GetId()).Delete(of).Error; err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	s.changed()
	return &monitorv1.DeleteChannelResponse{}, nil
}

// describe keeps what is told and how.
func (r *channelRow) describe(spec *monitorv1.Channel) error {
	raw, err := protojson.Marshal(spec)
	r.Spec = string(raw)
	return err
}

func (s *channelServer) show(ctx context.Context, r *channelRow) (*monitorv1.Channel, error) {
	c, err := specOf(r)
	if err != nil {
		return nil, err
	}
	var held int64
	if err := s.store.Read.WithContext(ctx).Model(&heldRow{}).Where("channel_id = ?", r.ID).Count(&held).Error; err != nil {
		return nil, err
	}
	var waiting int64
	if c.GetGrouping() != nil {
		if err := s.store.Read.WithContext(ctx).Model(&pendingRow{}).Where("channel_id = ?", r.ID).Count(&waiting).Error; err != nil {
			return nil, err
		}
	}
	delivered, pending, err := s.progress(ctx, r)
	if err != nil {
		return nil, err
	}
	c.Id, c.TenantId, c.Name, c.Kind, c.Address = r.ID, r.TenantID, r.Name, monitorv1.ChannelKind(r.Kind), r.Address
	c.MinSeverity, c.Enabled, c.DeliveredSerial = monitorv1.Severity(r.MinSeverity), r.Enabled, strconv.FormatInt(delivered, 10)
	c.PendingCount, c.HeldCount = int32(min(pending+waiting, math.MaxInt32)), int32(min(held, math.MaxInt32))
	c.CreatedAt, c.FailureCount, c.LastError = timestamppb.New(r.CreatedAt), int32(min(r.Failures, math.MaxInt32)), r.LastError
	if r.DeliveredAt != nil {
		c.DeliveredAt = timestamppb.New(*r.DeliveredAt)
	}
	return c, nil
}
