package database

import (
	"context"
	"net/http"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack/db/v1/instances"
	databasev1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/database/v1"

	"github.com/yunqiao/yunqiao/drivers/openstack/session"
)

// administrator is what Trove calls the user with all rights, in every datastore.
const administrator = "root"

// administratorOf is the name of the administrator; empty: there is none, or Trove
// cannot tell now, or its operator does not let users have one.
func administratorOf(ctx context.Context, s *session.Session, id string) (string, error) {
	enabled, err := instances.IsRootEnabled(ctx, s.Database, id).Extract()
	for _, code := range []int{http.StatusForbidden, http.StatusNotFound, http.StatusUnprocessableEntity, http.StatusNotImplemented} {
		if gophercloud.ResponseCodeIs(err, code) {
			return "", nil
		}
	}
	if err != nil || !enabled {
		return "", session.Error(err, typeInstance, id)
	}
	return administrator, nil
}

// administer makes the administrator, or gives it another password. gophercloud lets
// Trove choose the password. Errors: the cloud's own.
func administer(ctx context.Context, s *session.Session, id, password string) error {
	return write(ctx, s, http.MethodPost, s.Database.ServiceURL("instances", id, "root"), map[string]any{"password": password}, nil)
}

// ResetInstancePassword sets the password of the administrator, and makes it where
// there is none.
func (n *instanceServer) ResetInstancePassword(ctx context.Context, req *databasev1.ResetInstancePasswordRequest) (*databasev1.ResetInstancePasswordResponse, error) {
	s, err := n.open(ctx)
	if err != nil {
		return nil, err
	}
	v, err := readInstance(ctx, s, req.GetId())
	if err == nil {
		err = mustRun(v)
	}
	if err != nil {
		return nil, err
	}
	if err := administer(ctx, s, v.ID, req.GetPassword()); err != nil {
		return nil, refused(ctx, s, err, v.ID)
	}
	return &databasev1.ResetInstancePasswordResponse{Id: v.ID, State: toProtoState(v)}, nil
}
