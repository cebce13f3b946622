package database

import (
	"cmp"
	"context"
	"strings"

	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	databasev1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/database/v1"

	"github.com/yunqiao/yunqiao/drivers/alibaba/api"
	"github.com/yunqiao/yunqiao/drivers/alibaba/kind"
	"github.com/yunqiao/yunqiao/drivers/alibaba/session"
	"github.com/yunqiao/yunqiao/drivers/alibaba/vswitch"
	"github.com/yunqiao/yunqiao/drivers/sdk"
)

// stepAccount says that the instance was ordered and waits for its administrator;
// its id follows.
const stepAccount = "account:"

// CreateInstance orders an instance; when it runs, its administrator is made.
func (n *instanceServer) CreateInstance(ctx context.Context, req *databasev1.CreateInstanceRequest) (*databasev1.CreateInstanceResponse, error) {
	s, err := n.accounts.From(ctx)
	if err != nil {
		return nil, err
	}
	if id, ok := strings.CutPrefix(sdk.CallFrom(ctx).NextStep, stepAccount); ok {
		if sdk.CallFrom(ctx).Undo {
			return n.undoCreate(ctx, s, id)
		}
		return administer(ctx, s, id, req)
	}
	if req.GetCharge().GetMode() > apiv1.ChargeMode_CHARGE_MODE_POSTPAID {
		return nil, sdk.Unsupported("database.instance.prepaid")
	}
	subnet, err := vswitch.Kind().Get(ctx, s, req.GetSubnetId())
	if err != nil {
		return nil, kind.AsReference(err, "subnet_id")
	}
	if req.GetZoneId() != "" && req.GetZoneId() != subnet.ZoneID {
		return nil, sdk.NewError(apiv1.Reason_REASON_REFERENCE_MISMATCH, sdk.Resource(vswitch.Type, subnet.VSwitchID), sdk.Field("zone_id"))
	}
	category := basicSeries
	if req.GetHighAvailability() {
		category = doubleSeries
	}
	storageType := cmp.Or(req.GetStorageType(), defaultStorageType)
	of, err := choose(ctx, s, req, subnet.ZoneID, category, storageType)
	if err != nil {
		return nil, err
	}
	allowed := cmp.Or(strings.Join(req.GetAllowedCidrs(), ","), subnet.CidrBlock)
	params := api.Params{}.Set("Engine", fromProtoEngine(req.GetEngine())).Set("EngineVersion", req.GetEngineVersion()).
		Set("DBInstanceClass", of.class).Int("DBInstanceStorage", of.storage).Set("DBInstanceStorageType", storageType).
		Set("Category", category).Set("DBInstanceDescription", req.GetName()).Set("PayType", "Postpaid").
		Set("DBInstanceNetType", "Intranet").Set("InstanceNetworkType", "VPC").Set("VPCId", subnet.VpcID).
		Set("VSwitchId", subnet.VSwitchID).Set("ZoneId", subnet.ZoneID).Set("SecurityIPList", allowed).
		Set("ResourceGroupId", s.ResourceGroup).Tags("Tag", req.GetTags()).Once(ctx, "")
	if req.GetHighAvailability() {
		params.Set("ZoneIdSlave1", subnet.ZoneID) // both nodes in the subnet's zone: one vSwitch
	}
	var made struct{ DBInstanceID string }
	if err := s.Call(ctx, api.RDS, "CreateDBInstance", params, &made); err != nil {
		return nil, explainCreate(err)
	}
	if req.GetPassword() != "" {
		sdk.SetNextStep(ctx, stepAccount+made.DBInstanceID, instancePoll)
	}
	return &databasev1.CreateInstanceResponse{Id: made.DBInstanceID, State: databasev1.InstanceState_INSTANCE_STATE_CREATING}, nil
}

// undoCreate releases an instance as soon as it runs: the cloud takes no deletion
// before.
func (n *instanceServer) undoCreate(ctx context.Context, s *session.Session, id string) (*databasev1.CreateInstanceResponse, error) {
	v, err := readInstance(ctx, s, id)
	if sdk.ReasonOf(err) == apiv1.Reason_REASON_NOT_FOUND {
		return &databasev1.CreateInstanceResponse{Id: id, State: databasev1.InstanceState_INSTANCE_STATE_DELETED}, nil
	}
	if err != nil {
		return nil, err
	}
	state := toProtoState(v.DBInstanceStatus)
	if state == databasev1.InstanceState_INSTANCE_STATE_RUNNING {
		gone, err := n.DeleteInstance(ctx, &databasev1.DeleteInstanceRequest{Id: id})
		if err != nil {
			return nil, err
		}
		state = gone.GetState()
	}
	if state != databasev1.InstanceState_INSTANCE_STATE_DELETED {
		sdk.SetNextStep(ctx, stepAccount+id, pollAfter)
	}
	return &databasev1.CreateInstanceResponse{Id: id, State: state}, nil
}

func explainCreate(err error) error {
	switch {
	case api.HasCode(err, "InvalidEngineVersion.*", "InvalidParam.Engine"):
		return api.As(apiv1.Reason_REASON_PARAMETER_REJECTED, err, typeInstance, "", sdk.Field("engine_version"))
	case api.HasCode(err, "InvalidDBInstanceClass.Offline", "InvalidZoneId.NotSupported", "InvalidZone.NotSupported*", "InvalidCondition"):
		return api.As(apiv1.Reason_REASON_OUT_OF_STOCK, err, typeInstance, "")
	case api.HasCode(err, "InvalidRequestId"):
		return api.As(apiv1.Reason_REASON_IDEMPOTENCY_CONFLICT, err, typeInstance, "")
	case api.HasCode(err, "InvalidPaymentMethod.*", "Pay.*", "InsuffcientBalanceOrBankAccount"):
		return api.As(apiv1.Reason_REASON_PAYMENT_REQUIRED, err, typeInstance, "")
	}
	return api.Error(err, typeInstance, "")
}
