package database

import (
	"cmp"
	"context"
	"net/http"

	databasev1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/database/v1"

	"github.com/yunqiao/yunqiao/drivers/openstack/rest"
	"github.com/yunqiao/yunqiao/drivers/sdk"
)

// UpdateInstance changes name and who may connect, in one call. Trove lets access
// change in any state, and takes the instance for ready afterwards: it must run.
func (n *instanceServer) UpdateInstance(ctx context.Context, req *databasev1.UpdateInstanceRequest) (*databasev1.UpdateInstanceResponse, error) {
	s, err := n.open(ctx)
	if err != nil {
		return nil, err
	}
	switch {
	case req.GetDescription() != "":
		return nil, sdk.Unsupported(featureDescription)
	case len(req.GetTags().GetEntries()) > 0:
		return nil, sdk.Unsupported(featureTags)
	}
	if err := checkCIDRs(req.GetAllowedCidrs().GetValues()); err != nil {
		return nil, err
	}
	v, err := readInstance(ctx, s, req.GetId())
	if err != nil {
		return nil, err
	}
	state := toProtoState(v)
	change := map[string]any{}
	if req.Name != nil && req.GetName() != rest.Unmarked(v.Name) {
		// Trove wants a letter or digit of ASCII in each name: the mark has some.
		change["name"] = req.GetName() + cmp.Or(rest.Marker(v.Name), rest.Mark("", sdk.CallFrom(ctx).RequestID))
	}
	if cidrs := req.GetAllowedCidrs(); cidrs != nil {
		if err := mustRun(v); err != nil {
			return nil, err
		}
		change["access"] = map[string]any{"is_public": v.Access.IsPublic, "allowed_cidrs": cidrs.GetValues()}
		state = databasev1.InstanceState_INSTANCE_STATE_UPDATING
	}
	if len(change) > 0 {
		err := write(ctx, s, http.MethodPut, s.Database.ServiceURL("instances", v.ID), map[string]any{"instance": change}, nil)
		if err != nil {
			return nil, refused(ctx, s, err, v.ID)
		}
	}
	return &databasev1.UpdateInstanceResponse{Id: v.ID, State: state}, nil
}
