package monitor

import (
	"cmp"
	"context"
	"encoding/base64"
	"errors"
	"math"
	"slices"
	"strconv"
	"time"

	"gorm.io/gorm"

	"github.com/yunqiao/yunqiao/internal/refuse"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	monitorv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/monitor/v1"
)

type alarmServer struct {
	monitorv1.UnimplementedAlarmServiceServer
	*Module
}

var _ monitorv1.AlarmServiceServer = (*alarmServer)(nil)

// retryAfter is what clients are told while the store cannot write.
const retryAfter = 5 * time.Second

func (m *Module) tenant(ctx context.Context, wanted string) (string, error) {
	own := m.access.Caller(ctx).TenantID
	if wanted == "" || wanted == own {
		return own, nil
	}
	if seen := m.access.Tenants(own); seen != nil && !slices.Contains(seen, wanted) {
		return "", refuse.NotFound("tenant_id", "organization")
	}
	return wanted, nil
}

// ReportAlarm implements AlarmService (T7.1).
func (s *alarmServer) ReportAlarm(ctx context.Context, request *monitorv1.ReportAlarmRequest) (*monitorv1.ReportAlarmResponse, error) {
	tenant, err := s.tenant(ctx, request.GetTenantId())
	if err != nil {
		return nil, err
	}
	r := &raise{
		tenant: tenant, name: request.GetName(), object: request.GetObjectId(), description: request.GetDescription(), cause: request.GetProbableCause(),
		source: sourceAPI, labels: request.GetLabels(), kind: int32(request.GetType()), dataType: int32(request.GetDataType()),
		severity: int32(max(request.GetSeverity(), monitorv1.Severity_SEVERITY_INDETERMINATE)),
	}
	if request.GetRaisedAt() != nil {
		r.at = request.GetRaisedAt().AsTime()
	}
	if n := request.GetExpireSeconds(); n > 0 {
		r.expires = s.opts.Now().Add(time.Duration(n) * time.Second)
	}
	c := &command{identity: identity(tenant, r.name, r.object, r.labels), raise: r}
	if err := s.submit(ctx, []*command{c}); err != nil {
		return nil, refuse.Unavailable(retryAfter, err)
	}
	return &monitorv1.ReportAlarmResponse{Id: c.alarm.ID, Alarm: toProtoAlarm(c.alarm)}, nil
}

// alarmOf finds one that the caller sees.
func (m *Module) alarmOf(ctx context.Context, id string) (*alarmRow, error) {
	row := &alarmRow{}
	err := m.store.Read.WithContext(ctx).Where("id = ?", id).Take(row).Error
	if err == nil {
		_, err = m.tenant(ctx, row.TenantID)
		if err == nil {
			return row, nil
		}
	} else if !errors.Is(err, gorm.ErrRecordNotFound) {
		return nil, err
	}
	return nil, refuse.NotFound("id", "alarm")
}

// GetAlarm implements AlarmService.
func (s *alarmServer) GetAlarm(ctx context.Context, request *monitorv1.GetAlarmRequest) (*monitorv1.GetAlarmResponse, error) {
	row, err := s.alarmOf(ctx, request.GetId())
	if err != nil {
		return nil, err
	}
	return &monitorv1.GetAlarmResponse{Alarm: toProtoAlarm(row)}, nil
}

func (s *alarmServer) changeOne(ctx context.Context, c *command) (*monitorv1.Alarm, error) {
	if _, err := s.alarmOf(ctx, c.id); err != nil {
		return nil, err
	}
	c.user = s.access.Caller(ctx).UserID
	if err := s.submit(ctx, []*command{c}); err != nil {
		return nil, refuse.Unavailable(retryAfter, err)
	}
	if errors.Is(c.err, errNotActive) {
		return nil, refuse.With(apiv1.Reason_REASON_INVALID_STATE, "id", "is cleared")
	}
	if c.alarm == nil {
		return nil, refuse.NotFound("id", "alarm")
	}
	return toProtoAlarm(c.alarm), nil
}

// ClearAlarm implements AlarmService (T7.3).
func (s *alarmServer) ClearAlarm(ctx context.Context, request *monitorv1.ClearAlarmRequest) (*monitorv1.ClearAlarmResponse, error) {
	alarm, err := s.changeOne(ctx, &command{id: request.GetId(), clear: monitorv1.ClearType_CLEAR_TYPE_MANUAL, comment: request.GetComment()})
	return &monitorv1.ClearAlarmResponse{Alarm: alarm}, err
}

// AcknowledgeAlarm implements AlarmService.
func (s *alarmServer) AcknowledgeAlarm(ctx context.Context, request *monitorv1.AcknowledgeAlarmRequest) (*monitorv1.AcknowledgeAlarmResponse, error) {
	alarm, err := s.changeOne(ctx, &command{id: request.GetId(), acknowledge: true, comment: request.GetComment()})
	return &monitorv1.AcknowledgeAlarmResponse{Alarm: alarm}, err
}

// ListAlarms implements AlarmService (T7.2). The page token is the serial before
// which the next page begins.
func (s *alarmServer) ListAlarms(ctx context.Context, request *monitorv1.ListAlarmsRequest) (*monitorv1.ListAlarmsResponse, error) {
	newest, err := s.newest(ctx)
	if err != nil {
		return nil, err
	}
	before := int64(math.MaxInt64)
	if token := request.GetPageToken(); token != "" {
		raw, err := base64.RawURLEncoding.DecodeString(token)
		n, err2 := strconv.ParseInt(string(raw), 10, 64)
		if errors.Join(err, err2) != nil {
			return nil, refuse.PageToken()
		}
		before = n
	}
	size := int(request.GetPageSize())
	if size == 0 {
		size = 50
	}
	rows, err := s.pageOf(ctx, request, before, size+1)
	if err != nil {
		return nil, err
	}
	response := &monitorv1.ListAlarmsResponse{Serial: strconv.FormatInt(newest, 10)}
	if len(rows) > size {
		rows = rows[:size]
		response.NextPageToken = base64.RawURLEncoding.EncodeToString([]byte(strconv.FormatInt(rows[size-1].Serial, 10)))
	}
	for i := range rows {
		response.Alarms = append(response.Alarms, toProtoAlarm(&rows[i]))
	}
	return response, nil
}

// pageOf reads alarms that match, the last changed first.
func (s *alarmServer) pageOf(ctx context.Context, request *monitorv1.ListAlarmsRequest, before int64, limit int) (rows []alarmRow, err error) {
	filtered := func() *gorm.DB {
		query := s.visible(ctx, s.store.Read.WithContext(ctx)).Where("serial < ?", before)
		for column, value := range map[string]string{"object_id": request.GetObjectId(), "name": request.GetName(), "tenant_id": request.GetTenantId()} {
			if value != "" {
				query = query.Where(column+" = ?", value)
			}
		}
		return query
	}
	lowest := int32(request.GetMinSeverity())
	if !request.GetActive() || request.GetName() != "" || request.GetObjectId() != "" {
		query := filtered()
		if request.GetActive() {
			query = query.Where("active")
		}
		if lowest > 0 {
			query = query.Where("severity >= ?", lowest)
		}
		return rows, query.Order("serial DESC").Limit(limit).Find(&rows).Error
	}
	// The index of active alarms is in the order of serial numbers for each severity alone.
	for severity := max(lowest, int32(monitorv1.Severity_SEVERITY_INDETERMINATE)); severity <= int32(monitorv1.Severity_SEVERITY_CRITICAL); severity++ {
		var some []alarmRow
		if err := filtered().Where("active AND severity = ?", severity).Order("serial DESC").Limit(limit).Find(&some).Error; err != nil {
			return nil, err
		}
		rows = append(rows, some...)
	}
	slices.SortFunc(rows, func(a, b alarmRow) int { return cmp.Compare(b.Serial, a.Serial) })
	return rows[:min(len(rows), limit)], nil
}

// ListAlarmHistory implements AlarmService.
func (s *alarmServer) ListAlarmHistory(ctx context.Context, request *monitorv1.ListAlarmHistoryRequest) (*monitorv1.ListAlarmHistoryResponse, error) {
	query := s.visible(ctx, s.store.Read.WithContext(ctx))
	if after := request.GetAfterSerial(); after != "" {
		n, err := strconv.ParseInt(after, 10, 64)
		if err != nil {
			return nil, refuse.Invalid("after_serial", "must be decimal digits")
		}
		query = query.Where("serial > ?", n)
	}
	if request.GetId() != "" {
		query = query.Where("alarm_id = ?", request.GetId())
	}
	size := int(request.GetPageSize())
	if size == 0 {
		size = 50
	}
	var rows []changeRow
	if err := query.Order("serial").Limit(size).Find(&rows).Error; err != nil {
		return nil, err
	}
	response := &monitorv1.ListAlarmHistoryResponse{}
	for i := range rows {
		record, err := toProtoRecord(&rows[i])
		if err != nil {
			return nil, err
		}
		response.Records = append(response.Records, record)
	}
	return response, nil
}
