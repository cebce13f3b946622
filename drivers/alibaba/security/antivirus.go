package security

import (
	"context"
	"slices"

	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	securityv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/security/v1"

	"github.com/yunqiao/yunqiao/drivers/alibaba/api"
	"github.com/yunqiao/yunqiao/drivers/alibaba/kind"
	"github.com/yunqiao/yunqiao/drivers/alibaba/session"
	"github.com/yunqiao/yunqiao/drivers/sdk"
	"github.com/yunqiao/yunqiao/drivers/sdk/nativeid"
)

type antivirusServer struct {
	securityv1.UnimplementedAntivirusServiceServer
	base
}

var _ securityv1.AntivirusServiceServer = (*antivirusServer)(nil)

// bindResult is the answer of BindAuthToMachine.
type bindResult struct{ ResultCode int32 }

// Results of BindAuthToMachine: seats and cores that are bought are used up.
const (
	bindRejected = 1
	bindNoSeat   = 2
	bindNoCore   = 3
)

// CreateAntivirus binds an edition of Security Center to a server.
func (n *antivirusServer) CreateAntivirus(ctx context.Context, req *securityv1.CreateAntivirusRequest) (*securityv1.CreateAntivirusResponse, error) {
	s, err := n.accounts.From(ctx)
	if err != nil {
		return nil, err
	}
	v, err := readServer(ctx, s, req.GetVmId())
	if err != nil {
		return nil, err
	}
	if v == nil {
		return nil, refreshServers(ctx, s, req.GetVmId())
	}
	if v.protected() && !api.Repeated(ctx) && v.AuthVersion != fromProtoEdition(req.GetEdition()) {
		return nil, sdk.NewError(apiv1.Reason_REASON_ALREADY_EXISTS, sdk.Resource(typeAntivirus, antivirusID(req.GetVmId())), sdk.Field("vm_id"))
	}
	params := api.Params{}.List("Bind", v.UUID).Int("AuthVersion", fromProtoEdition(req.GetEdition()))
	if err := bindServer(ctx, s, params, req.GetVmId()); err != nil {
		return nil, err
	}
	if req.GetScanNow() {
		target := []map[string]string{{"type": "uuid", "target": v.UUID}}
		if err := s.Call(ctx, api.SecurityCenter, "StartVirusScanTask", api.Params{}.JSON("TargetInfo", target), nil); err != nil {
			return nil, api.Error(err, typeAntivirus, antivirusID(req.GetVmId()))
		}
	}
	return &securityv1.CreateAntivirusResponse{Id: antivirusID(req.GetVmId()), State: securityv1.AntivirusState_ANTIVIRUS_STATE_ACTIVE}, nil
}

func bindServer(ctx context.Context, s *session.Session, params api.Params, vmID string) error {
	var result bindResult
	if err := s.Call(ctx, api.SecurityCenter, "BindAuthToMachine", params, &result); err != nil {
		return api.Error(err, typeAntivirus, antivirusID(vmID))
	}
	switch result.ResultCode {
	case bindRejected:
		return sdk.NewError(apiv1.Reason_REASON_PARAMETER_REJECTED, sdk.Resource(typeAntivirus, antivirusID(vmID)))
	case bindNoSeat, bindNoCore:
		return sdk.NewError(apiv1.Reason_REASON_QUOTA_EXCEEDED, sdk.Resource(typeAntivirus, antivirusID(vmID)))
	}
	return nil
}

// refreshServers lets Security Center look for servers anew, which it does now and
// then by itself, and tells that the one asked for is not known.
func refreshServers(ctx context.Context, s *session.Session, vmID string) error {
	err := s.Call(ctx, api.SecurityCenter, "RefreshAssets", api.Params{}.Set("AssetType", "ecs"), nil)
	if err != nil && !api.HasCode(err, "DuplicatedRefresh") {
		return api.Error(err, typeAntivirus, "")
	}
	return sdk.NewError(apiv1.Reason_REASON_REFERENCE_NOT_FOUND, sdk.Resource(typeVM, vmID), sdk.Field("vm_id"))
}

// DeleteAntivirus takes the edition off the server.
func (n *antivirusServer) DeleteAntivirus(ctx context.Context, req *securityv1.DeleteAntivirusRequest) (*securityv1.DeleteAntivirusResponse, error) {
	s, err := n.accounts.From(ctx)
	if err != nil {
		return nil, err
	}
	gone := &securityv1.DeleteAntivirusResponse{Id: req.GetId(), State: securityv1.AntivirusState_ANTIVIRUS_STATE_DELETED}
	vmID, ok := vmOfAntivirus(req.GetId())
	if !ok {
		return gone, nil
	}
	v, err := readServer(ctx, s, vmID)
	if err != nil || v == nil || !v.protected() {
		return gone, err
	}
	return gone, bindServer(ctx, s, api.Params{}.List("UnBind", v.UUID), vmID)
}

// GetAntivirus reads the protection of a server.
func (n *antivirusServer) GetAntivirus(ctx context.Context, req *securityv1.GetAntivirusRequest) (*securityv1.GetAntivirusResponse, error) {
	s, err := n.accounts.From(ctx)
	if err != nil {
		return nil, err
	}
	vmID, ok := vmOfAntivirus(req.GetId())
	if !ok {
		return nil, sdk.NotFound(typeAntivirus, req.GetId(), nil)
	}
	v, err := readServer(ctx, s, vmID)
	if err != nil {
		return nil, err
	}
	if v == nil || !v.protected() {
		return nil, sdk.NotFound(typeAntivirus, req.GetId(), nil)
	}
	return &securityv1.GetAntivirusResponse{Antivirus: toProtoAntivirus(v, s.Region)}, nil
}

// ListAntiviruses reads a page of the account's protected servers in its region.
func (n *antivirusServer) ListAntiviruses(ctx context.Context, req *securityv1.ListAntivirusesRequest) (*securityv1.ListAntivirusesResponse, error) {
	s, err := n.accounts.From(ctx)
	if err != nil {
		return nil, err
	}
	p, err := serversPage(ctx, s, req)
	if err != nil {
		return nil, err
	}
	resp := &securityv1.ListAntivirusesResponse{NextPageToken: p.Next, MissingIds: p.Missing}
	for i := range p.Items {
		if !p.Items[i].protected() {
			if id := antivirusID(p.Items[i].InstanceID); slices.Contains(req.GetIds(), id) {
				resp.MissingIds = append(resp.MissingIds, id)
			}
			continue
		}
		if v := toProtoAntivirus(&p.Items[i], s.Region); keepsAntivirus(req, v) {
			resp.Antiviruses = append(resp.Antiviruses, v)
		}
	}
	return resp, nil
}

func serversPage(ctx context.Context, s *session.Session, req *securityv1.ListAntivirusesRequest) (kind.Page[server], error) {
	params := api.Params{}.Set("MachineTypes", "ecs")
	if req.GetVmId() != "" {
		params = askServer(req.GetVmId())
	}
	if len(req.GetIds()) == 0 {
		return servers().Find(ctx, s, req, params)
	}
	all, err := servers().All(ctx, s, params)
	if err != nil {
		return kind.Page[server]{}, err
	}
	return kind.Slice(all, req, func(v *server) string { return antivirusID(v.InstanceID) })
}

// askServer is the search for a server by its instance's id.
func askServer(vmID string) api.Params {
	criteria := []map[string]string{{"name": "instanceId", "value": vmID}}
	return api.Params{}.Set("MachineTypes", "ecs").JSON("Criteria", criteria)
}

// readServer reads a server as Security Center knows it; nil: it does not.
func readServer(ctx context.Context, s *session.Session, vmID string) (*server, error) {
	all, err := servers().All(ctx, s, askServer(vmID))
	if err != nil {
		return nil, err
	}
	for i := range all {
		if all[i].InstanceID == vmID {
			return &all[i], nil
		}
	}
	return nil, nil
}

// antivirusID is the id of the protection of a VM.
func antivirusID(vmID string) string { return nativeid.Join(vmID, "av") }

func vmOfAntivirus(id string) (string, bool) {
	parts, err := nativeid.Split(id)
	if err != nil || len(parts) != 2 || parts[1] != "av" {
		return "", false
	}
	return parts[0], true
}
