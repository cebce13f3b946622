package database

import (
	"context"
	"strings"

	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	databasev1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/database/v1"

	"github.com/yunqiao/yunqiao/drivers/alibaba/api"
	"github.com/yunqiao/yunqiao/drivers/alibaba/session"
	"github.com/yunqiao/yunqiao/drivers/alibaba/tags"
	"github.com/yunqiao/yunqiao/drivers/alibaba/vswitch"
	"github.com/yunqiao/yunqiao/drivers/sdk"
)

type instanceServer struct {
	databasev1.UnimplementedInstanceServiceServer
	base
}

var _ databasev1.InstanceServiceServer = (*instanceServer)(nil)

// readInstance reads one instance with storage, port and white list. Errors: NOT_FOUND.
func readInstance(ctx context.Context, s *session.Session, id string) (*instance, error) {
	var answer struct {
		Items struct{ DBInstanceAttribute []instance }
	}
	err := s.Call(ctx, api.RDS, "DescribeDBInstanceAttribute", api.Params{}.Set("DBInstanceId", id), &answer)
	switch {
	case api.IsNotFound(err), err == nil && len(answer.Items.DBInstanceAttribute) == 0:
		return nil, sdk.NotFound(typeInstance, id, err)
	case err != nil:
		return nil, api.Error(err, typeInstance, id)
	}
	return &answer.Items.DBInstanceAttribute[0], nil
}

// refusal is what a refusal about an instance means; nil stays nil. A wrong state
// is looked at once: it does not tell whether waiting helps.
func refusal(ctx context.Context, s *session.Session, err error, id string) error {
	wrong := api.IsWrongState(err) || api.HasCode(err, "IncorrectDBInstanceState", "OperationDenied.DBInstanceStatus",
		"InvalidDBInstanceStatus.NotSupport", "IncorrectDBInstanceLockMode*")
	if !wrong {
		return api.Error(err, typeInstance, id)
	}
	v, readErr := readInstance(ctx, s, id)
	if readErr != nil {
		return api.As(apiv1.Reason_REASON_INVALID_STATE, err, typeInstance, id)
	}
	return api.WrongState(err, typeInstance, id, !strings.EqualFold(v.DBInstanceStatus, statusRunning) && !strings.EqualFold(v.DBInstanceStatus, "Stopped"))
}

// GetInstance reads one instance, its tags and its administrator.
func (n *instanceServer) GetInstance(ctx context.Context, req *databasev1.GetInstanceRequest) (*databasev1.GetInstanceResponse, error) {
	s, err := n.accounts.From(ctx)
	if err != nil {
		return nil, err
	}
	v, err := readInstance(ctx, s, req.GetId())
	if err != nil {
		return nil, err
	}
	labels, err := tagsOf(ctx, s, []string{v.DBInstanceID})
	if err != nil {
		return nil, err
	}
	out := toProtoInstance(v, labels[v.DBInstanceID], s.Region)
	if out.GetState() == databasev1.InstanceState_INSTANCE_STATE_RUNNING {
		all, err := accountsOf(ctx, s, v.DBInstanceID)
		if err != nil {
			return nil, err
		}
		if found := administrator(all); found != nil {
			out.Username = found.AccountName
		}
	}
	return &databasev1.GetInstanceResponse{Instance: out}, nil
}

// taggedAtOnce is how many instances ListTagResources takes in one call.
const taggedAtOnce = 50

// tagsOf reads the tags of instances, which no other action tells.
func tagsOf(ctx context.Context, s *session.Session, ids []string) (map[string]tags.List, error) {
	out := make(map[string]tags.List, len(ids))
	for begin := 0; begin < len(ids); begin += taggedAtOnce {
		params := api.Params{}.Set("ResourceType", tagKind).List("ResourceId", ids[begin:min(begin+taggedAtOnce, len(ids))]...)
		for {
			var answer struct {
				NextToken    string
				TagResources struct {
					TagResource []struct{ ResourceID, TagKey, TagValue string }
				}
			}
			if err := s.Call(ctx, api.RDS, "ListTagResources", params, &answer); err != nil {
				return nil, api.Error(err, typeInstance, "")
			}
			for _, t := range answer.TagResources.TagResource {
				l := out[t.ResourceID]
				l.Tags = append(l.Tags, tags.Tag{TagKey: t.TagKey, TagValue: t.TagValue})
				out[t.ResourceID] = l
			}
			if answer.NextToken == "" {
				break
			}
			params.Set("NextToken", answer.NextToken)
		}
	}
	return out, nil
}

const tagKind = "INSTANCE"

func tagged(id string) tags.Target {
	return tags.Target{Product: api.RDS, Kind: tagKind, Untag: "UntagResources", ID: id}
}

// ListInstances reads a page of instances and the tags of them all.
func (n *instanceServer) ListInstances(ctx context.Context, req *databasev1.ListInstancesRequest) (*databasev1.ListInstancesResponse, error) {
	s, err := n.accounts.From(ctx)
	if err != nil {
		return nil, err
	}
	params := api.Params{}.Set("VSwitchId", req.GetSubnetId()).Set("Engine", fromProtoEngine(req.GetEngine())).Set("ResourceGroupId", s.ResourceGroup)
	p, err := instances().Find(ctx, s, req, params)
	if err != nil {
		return nil, err
	}
	ids := make([]string, 0, len(p.Items))
	for i := range p.Items {
		ids = append(ids, p.Items[i].DBInstanceID)
	}
	labels, err := tagsOf(ctx, s, ids)
	if err != nil {
		return nil, err
	}
	resp := &databasev1.ListInstancesResponse{NextPageToken: p.Next, MissingIds: p.Missing}
	for i := range p.Items {
		if v := toProtoInstance(&p.Items[i], labels[p.Items[i].DBInstanceID], s.Region); keepsInstance(req, v) {
			resp.Instances = append(resp.Instances, v)
		}
	}
	return resp, nil
}

// UpdateInstance changes name, tags and who may connect.
func (n *instanceServer) UpdateInstance(ctx context.Context, req *databasev1.UpdateInstanceRequest) (*databasev1.UpdateInstanceResponse, error) {
	s, err := n.accounts.From(ctx)
	if err != nil {
		return nil, err
	}
	v, err := readInstance(ctx, s, req.GetId())
	if err != nil {
		return nil, err
	}
	id := v.DBInstanceID
	if req.Name != nil {
		params := api.Params{}.Set("DBInstanceId", id).Set("DBInstanceDescription", req.GetName())
		if err := s.Call(ctx, api.RDS, "ModifyDBInstanceDescription", params, nil); err != nil {
			return nil, refusal(ctx, s, err, id)
		}
	}
	if req.GetTags() != nil {
		labels, err := tagsOf(ctx, s, []string{id})
		if err != nil {
			return nil, err
		}
		if err := tags.Replace(ctx, s, tagged(id), labels[id].ToProto(), req.GetTags().GetEntries()); err != nil {
			return nil, api.Error(err, typeInstance, id)
		}
	}
	if cidrs := req.GetAllowedCidrs(); cidrs != nil {
		if err := allow(ctx, s, v, cidrs.GetValues()); err != nil {
			return nil, err
		}
	}
	return &databasev1.UpdateInstanceResponse{Id: id, State: toProtoState(v.DBInstanceStatus)}, nil
}

// allow replaces the white list; none are the ranges of the subnet.
func allow(ctx context.Context, s *session.Session, v *instance, cidrs []string) error {
	if len(cidrs) == 0 {
		subnet, err := vswitch.Kind().Get(ctx, s, v.VSwitchID)
		if err != nil {
			return err
		}
		cidrs = []string{subnet.CidrBlock}
	}
	params := api.Params{}.Set("DBInstanceId", v.DBInstanceID).Set("SecurityIps", strings.Join(cidrs, ",")).Set("ModifyMode", "Cover")
	return refusal(ctx, s, s.Call(ctx, api.RDS, "ModifySecurityIps", params, nil), v.DBInstanceID)
}

// DeleteInstance releases an instance; its backups go with it.
func (n *instanceServer) DeleteInstance(ctx context.Context, req *databasev1.DeleteInstanceRequest) (*databasev1.DeleteInstanceResponse, error) {
	s, err := n.accounts.From(ctx)
	if err != nil {
		return nil, err
	}
	id := req.GetId()
	err = s.Call(ctx, api.RDS, "DeleteDBInstance", api.Params{}.Set("DBInstanceId", id), nil)
	switch {
	case err == nil:
		sdk.SetNextStep(ctx, "", pollAfter)
		return &databasev1.DeleteInstanceResponse{Id: id, State: databasev1.InstanceState_INSTANCE_STATE_DELETING}, nil
	case api.IsNotFound(err):
		return &databasev1.DeleteInstanceResponse{Id: id, State: databasev1.InstanceState_INSTANCE_STATE_DELETED}, nil
	case api.HasCode(err, "OperationDenied.PrePayTypeNotSupported", "OperationDenied.DBInstancePayType"):
		return nil, api.As(apiv1.Reason_REASON_INVALID_STATE, err, typeInstance, id)
	case api.HasCode(err, "OperationDenied.ReadDBInstanceStatus", "OperationDenied.MasterDBInstanceState", "RwSplitNetType.Exist"):
		return nil, api.As(apiv1.Reason_REASON_IN_USE, err, typeInstance, id)
	}
	return nil, refusal(ctx, s, err, id)
}

// RestartInstance restarts an instance.
func (n *instanceServer) RestartInstance(ctx context.Context, req *databasev1.RestartInstanceRequest) (*databasev1.RestartInstanceResponse, error) {
	s, err := n.accounts.From(ctx)
	if err != nil {
		return nil, err
	}
	params := api.Params{}.Set("DBInstanceId", req.GetId()).Once(ctx, "")
	if err := s.Call(ctx, api.RDS, "RestartDBInstance", params, nil); err != nil {
		return nil, refusal(ctx, s, err, req.GetId())
	}
	sdk.SetNextStep(ctx, "", pollAfter)
	return &databasev1.RestartInstanceResponse{Id: req.GetId(), State: databasev1.InstanceState_INSTANCE_STATE_RESTARTING}, nil
}
