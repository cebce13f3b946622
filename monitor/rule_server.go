package monitor

import (
	"context"
	"errors"
	"math"
	"slices"
	"strings"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"
	"gorm.io/gorm"

	"github.com/yunqiao/yunqiao/internal/idpage"
	"github.com/yunqiao/yunqiao/internal/refuse"
	"github.com/yunqiao/yunqiao/internal/rowid"
	monitorv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/monitor/v1"
)

type ruleServer struct {
	monitorv1.UnimplementedRuleServiceServer
	*Module
}

var _ monitorv1.RuleServiceServer = (*ruleServer)(nil)

// CreateRule implements RuleService.
func (s *ruleServer) CreateRule(ctx context.Context, request *monitorv1.CreateRuleRequest) (*monitorv1.CreateRuleResponse, error) {
	row := ruleRow{
		ID: rowid.New(), TenantID: s.access.Caller(ctx).TenantID, Name: request.GetName(), Metric: int32(request.GetMetric()),
		Comparison: int32(request.GetComparison()), Threshold: request.GetThreshold(), ForSeconds: request.GetForSeconds(),
		NoDataSeconds: request.GetNoDataSeconds(), NoData: int32(max(request.GetNoData(), monitorv1.NoDataPolicy_NO_DATA_POLICY_KEEP)),
		Severity: int32(max(request.GetSeverity(), monitorv1.Severity_SEVERITY_INDETERMINATE)), VMs: strings.Join(request.GetVmIds(), "\n"),
		AccountID: request.GetAccountId(), Enabled: true, CreatedAt: s.opts.Now().UTC(),
	}
	if slices.ContainsFunc(request.GetVmIds(), func(id string) bool { return strings.ContainsAny(id, " \t\r\n") || !strings.Contains(id, ".") }) {
		return nil, refuse.Invalid("vm_ids", "must be public ids of virtual machines")
	}
	if row.NoDataSeconds == 0 {
		row.NoDataSeconds = int32(defaultNoData / time.Second)
	}
	if row.NoDataSeconds < 60 {
		return nil, refuse.Invalid("no_data_seconds", "must be 0 or at least 60")
	}
	if err := s.store.Write.WithContext(ctx).Create(&row).Error; err != nil {
		return nil, err
	}
	return &monitorv1.CreateRuleResponse{Id: row.ID, Rule: showRule(&row, nil)}, nil
}

// ListRules implements RuleService.
func (s *ruleServer) ListRules(ctx context.Context, _ *monitorv1.ListRulesRequest) (*monitorv1.ListRulesResponse, error) {
	var rows []ruleRow
	if err := s.visible(ctx, s.store.Read.WithContext(ctx)).Order("id").Find(&rows).Error; err != nil {
		return nil, err
	}
	var counts []verdictCount
	err := s.store.Read.WithContext(ctx).Model(&targetRow{}).Select("rule_id, verdict, COUNT(*) AS n").Group("rule_id, verdict").Scan(&counts).Error
	if err != nil {
		return nil, err
	}
	response := &monitorv1.ListRulesResponse{}
	for i := range rows {
		response.Rules = append(response.Rules, showRule(&rows[i], counts))
	}
	return response, nil
}

// verdictCount is at how many machines a rule found the same.
type verdictCount struct {
	RuleID  string
	Verdict int32
	N       int64
}

func (s *ruleServer) ruleOf(ctx context.Context, id string) (*ruleRow, error) {
	row := &ruleRow{}
	err := s.visible(ctx, s.store.Read.WithContext(ctx)).Where("id = ?", id).Take(row).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return nil, refuse.NotFound("id", "rule")
	}
	return row, err
}

// UpdateRule implements RuleService.
func (s *ruleServer) UpdateRule(ctx context.Context, request *monitorv1.UpdateRuleRequest) (*monitorv1.UpdateRuleResponse, error) {
	row, err := s.ruleOf(ctx, request.GetId())
	if err != nil {
		return nil, err
	}
	values := map[string]any{}
	if request.Threshold != nil {
		row.Threshold = request.GetThreshold()
		values["threshold"] = row.Threshold
	}
	if request.ForSeconds != nil {
		row.ForSeconds = request.GetForSeconds()
		values["for_seconds"] = row.ForSeconds
	}
	if request.Severity != nil {
		row.Severity = int32(max(request.GetSeverity(), monitorv1.Severity_SEVERITY_INDETERMINATE))
		values["severity"] = row.Severity
	}
	if request.Enabled != nil {
		row.Enabled = request.GetEnabled()
		values["enabled"] = row.Enabled
	}
	if len(values) == 0 {
		return nil, refuse.Invalid("threshold", "nothing is to be changed")
	}
	if err := s.store.Write.WithContext(ctx).Model(&ruleRow{}).Where("id = ?", row.ID).UpdateColumns(values).Error; err != nil {
		return nil, err
	}
	if !row.Enabled {
		if err := s.endRule(ctx, row.ID); err != nil {
			return nil, refuse.Unavailable(retryAfter, err)
		}
	}
	return &monitorv1.UpdateRuleResponse{Rule: showRule(row, nil)}, nil
}

// DeleteRule implements RuleService.
func (s *ruleServer) DeleteRule(ctx context.Context, request *monitorv1.DeleteRuleRequest) (*monitorv1.DeleteRuleResponse, error) {
	row := &ruleRow{}
	found := s.visible(ctx, s.store.Read.WithContext(ctx)).Where("id = ?", request.GetId()).Limit(1).Find(row)
	if found.Error != nil || found.RowsAffected == 0 {
		return &monitorv1.DeleteRuleResponse{}, found.Error
	}
	if err := s.store.Write.WithContext(ctx).Delete(row).Error; err != nil {
		return nil, err
	}
	if err := s.endRule(ctx, row.ID); err != nil {
		return nil, refuse.Unavailable(retryAfter, err)
	}
	return &monitorv1.DeleteRuleResponse{}, nil
}

// ListRuleTargets implements RuleService. The page token is the last id.
func (s *ruleServer) ListRuleTargets(ctx context.Context, request *monitorv1.ListRuleTargetsRequest) (*monitorv1.ListRuleTargetsResponse, error) {
	if _, err := s.ruleOf(ctx, request.GetId()); err != nil {
		return nil, err
	}
	size := int(request.GetPageSize())
	if size == 0 {
		size = 50
	}
	query := s.store.Read.WithContext(ctx).Where("rule_id = ?", request.GetId())
	if token := request.GetPageToken(); token != "" {
		after, err := idpage.Decode(token)
		if err != nil {
			return nil, err
		}
		query = query.Where("vm_id > ?", after)
	}
	var rows []targetRow
	if err := query.Order("vm_id").Limit(size + 1).Find(&rows).Error; err != nil {
		return nil, err
	}
	response := &monitorv1.ListRuleTargetsResponse{}
	if len(rows) > size {
		rows = rows[:size]
		response.NextPageToken = idpage.Encode(rows[size-1].VMID)
	}
	for _, t := range rows {
		response.Targets = append(response.Targets, &monitorv1.RuleTarget{
			VmId: t.VMID, Verdict: monitorv1.Verdict(t.Verdict), Since: timestamppb.New(t.Since), Value: t.Value,
		})
	}
	return response, nil
}

func showRule(r *ruleRow, counts []verdictCount) *monitorv1.Rule {
	out := &monitorv1.Rule{
		Id: r.ID, TenantId: r.TenantID, Name: r.Name, Metric: monitorv1.Metric(r.Metric), Comparison: monitorv1.Comparison(r.Comparison),
		Threshold: r.Threshold, ForSeconds: r.ForSeconds, NoDataSeconds: r.NoDataSeconds, NoData: monitorv1.NoDataPolicy(r.NoData),
		Severity: monitorv1.Severity(r.Severity), VmIds: r.vms(), AccountId: r.AccountID, Enabled: r.Enabled, LastError: r.LastError,
		CreatedAt: timestamppb.New(r.CreatedAt),
	}
	if r.EvaluatedAt != nil {
		out.EvaluatedAt = timestamppb.New(*r.EvaluatedAt)
	}
	for _, c := range counts {
		if c.RuleID != r.ID {
			continue
		}
		switch monitorv1.Verdict(c.Verdict) {
		case monitorv1.Verdict_VERDICT_FIRING:
			out.FiringCount = int32(min(c.N, math.MaxInt32))
		case monitorv1.Verdict_VERDICT_NO_DATA:
			out.NoDataCount = int32(min(c.N, math.MaxInt32))
		default:
		}
	}
	return out
}
