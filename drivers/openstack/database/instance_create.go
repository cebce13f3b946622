package database

import (
	"context"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/subnets"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	databasev1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/database/v1"

	"github.com/yunqiao/yunqiao/drivers/openstack/rest"
	"github.com/yunqiao/yunqiao/drivers/openstack/session"
	"github.com/yunqiao/yunqiao/drivers/sdk"
)

const (
	// stepAdministrator says that the instance is being made and waits for its
	// administrator; its id follows.
	stepAdministrator = "administrator"
	// pollAfter is how soon a change of an instance is worth looking at.
	pollAfter = 5 * time.Second
)

// CreateInstance makes an instance; when it runs, it gets its administrator. Taking
// the steps back removes it.
func (n *instanceServer) CreateInstance(ctx context.Context, req *databasev1.CreateInstanceRequest) (*databasev1.CreateInstanceResponse, error) {
	s, err := n.open(ctx)
	if err != nil {
		return nil, err
	}
	call := sdk.CallFrom(ctx)
	of, stepped := call.Step(stepAdministrator)
	switch {
	case stepped && len(of) == 1 && call.Undo:
		return undoCreate(ctx, s, of[0])
	case stepped && len(of) == 1:
		return finishCreate(ctx, s, of[0], req.GetPassword())
	case call.Undo:
		v, found, err := marked(s, req).Made(ctx)
		if err != nil || !found {
			return &databasev1.CreateInstanceResponse{}, err
		}
		return undoCreate(ctx, s, v.ID)
	}
	if err := checkCreate(req); err != nil {
		return nil, err
	}
	v, err := marked(s, req).FindOrCreate(ctx)
	if err != nil {
		return nil, err
	}
	if req.GetPassword() != "" {
		sdk.SetNextStep(ctx, sdk.JoinStep(stepAdministrator, v.ID), pollAfter)
	}
	return &databasev1.CreateInstanceResponse{Id: v.ID, State: toProtoState(v)}, nil
}

// marked is the instance of a request, whose name ends in the request's mark.
func marked(s *session.Session, req *databasev1.CreateInstanceRequest) sdk.Marked[*instance] {
	return sdk.Marked[*instance]{
		Find:    func(ctx context.Context) ([]*instance, error) { return findMarked(ctx, s) },
		Create:  func(ctx context.Context) (*instance, error) { return create(ctx, s, req) },
		Compare: compareAge,
		Remove: func(ctx context.Context, twin *instance) error {
			_, err := remove(ctx, s, twin.ID)
			return err
		},
	}
}

// findMarked finds the instances that the request has made.
func findMarked(ctx context.Context, s *session.Session) ([]*instance, error) {
	mark := rest.Mark("", sdk.CallFrom(ctx).RequestID)
	all, err := readAll(ctx, s)
	var found []*instance
	for i := range all {
		if mark != "" && rest.Marker(all[i].Name) == mark && toProtoState(&all[i]) != databasev1.InstanceState_INSTANCE_STATE_DELETING {
			found = append(found, &all[i])
		}
	}
	return found, err
}

func compareAge(a, b *instance) int {
	if c := a.CreatedAt.Compare(b.CreatedAt.Time); c != 0 {
		return c
	}
	return strings.Compare(a.ID, b.ID)
}

// checkCreate refuses what Trove has not. A description is not kept, which is no
// reason to refuse an instance.
func checkCreate(req *databasev1.CreateInstanceRequest) error {
	switch {
	case len(req.GetTags()) > 0:
		return sdk.Unsupported(featureTags)
	case req.GetCharge().GetMode() > apiv1.ChargeMode_CHARGE_MODE_POSTPAID:
		return sdk.Unsupported(featurePrepaid)
	case req.GetUsername() != "":
		return sdk.Unsupported(featureAdminName)
	}
	return checkCIDRs(req.GetAllowedCidrs())
}

// checkCIDRs refuses ranges of IPv6, which Trove does not know.
func checkCIDRs(cidrs []string) error {
	for _, c := range cidrs {
		if prefix, err := netip.ParsePrefix(c); err != nil || !prefix.Addr().Is4() {
			return sdk.NewError(apiv1.Reason_REASON_PARAMETER_REJECTED, sdk.Field("allowed_cidrs"),
				sdk.Violation("allowed_cidrs", "must be ranges of IPv4 addresses on this cloud"))
		}
	}
	return nil
}

// create looks up what the request refers to and orders the instance.
func create(ctx context.Context, s *session.Session, req *databasev1.CreateInstanceRequest) (*instance, error) {
	subnet, err := readSubnet(ctx, s, req.GetSubnetId())
	if err != nil {
		return nil, err
	}
	offers, err := readOffers(ctx, s)
	if err != nil {
		return nil, err
	}
	o := pickOffer(offers, req.GetEngine(), req.GetEngineVersion())
	if o == nil {
		return nil, sdk.NewError(apiv1.Reason_REASON_PARAMETER_REJECTED, sdk.Field("engine_version"),
			sdk.Violation("engine_version", "is not offered; engine/list tells which are"))
	}
	flavorID, err := chooseFlavor(ctx, s, o, req)
	if err != nil {
		return nil, err
	}
	if err := checkStorageType(ctx, s, o, req.GetStorageType()); err != nil {
		return nil, err
	}
	var body struct {
		Instance *instance `json:"instance"`
	}
	body.Instance = &instance{}
	order := map[string]any{"instance": fromProtoCreate(req, o, flavorID, subnet, sdk.CallFrom(ctx).RequestID)}
	err = write(ctx, s, http.MethodPost, s.Database.ServiceURL("instances"), order, &body)
	if gophercloud.ResponseCodeIs(err, http.StatusNotImplemented) {
		return nil, session.As(apiv1.Reason_REASON_UNSUPPORTED_FEATURE, err, typeInstance, "", sdk.Field("storage_gib"))
	}
	return body.Instance, session.Error(err, typeInstance, "")
}

// fromProtoCreate maps a request. Without allowed_cidrs only clients of the subnet may
// connect; Trove's own default is set by its operator, and often is everybody.
func fromProtoCreate(req *databasev1.CreateInstanceRequest, o *offer, flavorID string, subnet *subnets.Subnet, requestID string) map[string]any {
	allowed := req.GetAllowedCidrs()
	if len(allowed) == 0 && subnet.IPVersion == 4 {
		allowed = []string{subnet.CIDR}
	}
	storage := map[string]any{"size": req.GetStorageGib()}
	if req.GetStorageType() != "" {
		storage["type"] = req.GetStorageType()
	}
	order := map[string]any{
		"name":      rest.Mark(req.GetName(), requestID),
		"flavorRef": flavorID,
		"datastore": map[string]any{"type": o.store.ID, "version": o.version.ID},
		"volume":    storage,
		"nics":      []map[string]any{{"network_id": subnet.NetworkID, "subnet_id": subnet.ID}},
		"access":    map[string]any{"is_public": false, "allowed_cidrs": allowed},
	}
	if req.GetZoneId() != "" {
		order["availability_zone"] = req.GetZoneId()
	}
	return order
}

// checkStorageType refuses a type of storage that the version does not allow.
func checkStorageType(ctx context.Context, s *session.Session, o *offer, wanted string) error {
	if wanted == "" {
		return nil
	}
	var body struct {
		Types []struct {
			ID   string `json:"id"`
			Name string `json:"name"`
		} `json:"volume_types"`
	}
	_, err := s.Database.Get(ctx, s.Database.ServiceURL("datastores", o.store.ID, "versions", o.version.ID, "volume-types"), &body, nil)
	if err != nil {
		return session.Error(err, typeInstance, "")
	}
	for _, t := range body.Types {
		if t.Name == wanted || t.ID == wanted {
			return nil
		}
	}
	return sdk.NewError(apiv1.Reason_REASON_PARAMETER_REJECTED, sdk.Field("storage_type"),
		sdk.Violation("storage_type", "is not offered for this engine"))
}

// finishCreate makes the administrator as soon as the instance runs. One that failed
// has none, which its state tells.
func finishCreate(ctx context.Context, s *session.Session, id, password string) (*databasev1.CreateInstanceResponse, error) {
	v, err := readInstance(ctx, s, id)
	if err != nil {
		return nil, err
	}
	state := toProtoState(v)
	if state == databasev1.InstanceState_INSTANCE_STATE_RUNNING {
		if err = administer(ctx, s, id, password); err != nil {
			err = refused(ctx, s, err, id)
		}
	}
	if isChanging(state) || sdk.ReasonOf(err) == apiv1.Reason_REASON_RESOURCE_BUSY {
		sdk.SetNextStep(ctx, sdk.JoinStep(stepAdministrator, id), pollAfter)
		err = nil
	}
	if err != nil {
		return nil, err
	}
	return &databasev1.CreateInstanceResponse{Id: id, State: state}, nil
}

// undoCreate removes an instance as soon as Trove lets it go, which is when it has
// been made or has failed.
func undoCreate(ctx context.Context, s *session.Session, id string) (*databasev1.CreateInstanceResponse, error) {
	v, err := readInstance(ctx, s, id)
	if sdk.ReasonOf(err) == apiv1.Reason_REASON_NOT_FOUND {
		return &databasev1.CreateInstanceResponse{Id: id, State: databasev1.InstanceState_INSTANCE_STATE_DELETED}, nil
	}
	if err != nil {
		return nil, err
	}
	state := toProtoState(v)
	if !isChanging(state) {
		if state, err = remove(ctx, s, id); err != nil {
			return nil, err
		}
	}
	sdk.SetNextStep(ctx, sdk.JoinStep(stepAdministrator, id), pollAfter)
	return &databasev1.CreateInstanceResponse{Id: id, State: state}, nil
}

// replicasOf are the ids of the copies that an instance has.
func replicasOf(v *instance) []string {
	var ids []string
	for _, r := range v.Replicas {
		ids = append(ids, rest.Blocker(typeInstance, r.ID))
	}
	return ids
}
