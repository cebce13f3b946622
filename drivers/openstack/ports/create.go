package ports

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/gophercloud/gophercloud/v2"

	"github.com/yunqiao/yunqiao/drivers/openstack/session"
	"github.com/yunqiao/yunqiao/drivers/sdk"
)

// Spec is a port to make for a new VM.
type Spec struct {
	NetworkID      string
	IP             IP
	SecurityGroups []string // empty: the cloud's default group
	// Marker names the port until the VM is gone. The network service takes no
	// tags in a creating call (tags are silently ignored there without the
	// extension tag-ports-during-bulk-creation), so name and description hold it;
	// Assign gives the description to the VM's marker.
	Marker string
}

// Create makes a port, or finds the one that an earlier attempt of the same
// request made, and returns its id. The error is the cloud's own.
func Create(ctx context.Context, s *session.Session, spec Spec) (string, error) {
	made, err := sdk.Marked[Port]{
		Find:    func(ctx context.Context) ([]Port, error) { return query(ctx, s, url.Values{"name": {spec.Marker}}) },
		Create:  func(ctx context.Context) (Port, error) { return create(ctx, s, spec) },
		Compare: func(a, b Port) int { return cmp.Or(a.CreatedAt.Compare(b.CreatedAt), strings.Compare(a.ID, b.ID)) },
		Remove:  func(ctx context.Context, twin Port) error { return Delete(ctx, s, []string{twin.ID}) },
	}.FindOrCreate(ctx)
	return made.ID, err
}

func create(ctx context.Context, s *session.Session, spec Spec) (Port, error) {
	port := map[string]any{
		"network_id":  spec.NetworkID,
		"name":        spec.Marker,
		"description": spec.Marker,
		"fixed_ips":   []IP{spec.IP},
	}
	if len(spec.SecurityGroups) > 0 {
		port["security_groups"] = spec.SecurityGroups
	}
	var body struct {
		Port Port `json:"port"`
	}
	_, err := s.Network.Post(ctx, s.Network.ServiceURL("ports"), map[string]any{"port": port}, &body, nil)
	return body.Port, err
}

// Assign notes at ports for which VM they were made, so that MadeFor finds them. A
// port that is gone is left out.
func Assign(ctx context.Context, s *session.Session, ids []string, vmID string) error {
	for _, id := range ids {
		body := map[string]any{"port": map[string]any{"description": VMMarker(vmID)}}
		_, err := s.Network.Put(ctx, s.Network.ServiceURL("ports", id), body, nil,
			&gophercloud.RequestOpts{OkCodes: []int{http.StatusOK}})
		if err != nil && !session.IsNotFound(err) {
			return session.Error(err, typeNIC, id)
		}
	}
	return nil
}

// MadeFor returns the ids of the ports that Create made for a VM: those that the VM
// has, and those that it never got or has lost, found by the VM's marker and by the
// markers of the request that made it. What another device has by now is not among
// them.
func MadeFor(ctx context.Context, s *session.Session, vmID string, markers ...string) ([]string, error) {
	if s.Network == nil {
		return nil, nil
	}
	filters := []url.Values{{"device_id": {vmID}}, {"description": {VMMarker(vmID)}}}
	if len(markers) > 0 {
		filters = append(filters, url.Values{"name": markers})
	}
	var ids []string
	for _, filter := range filters {
		found, err := query(ctx, s, filter)
		if err != nil {
			return nil, session.Error(err, typeNIC, "")
		}
		for _, p := range found {
			if p.MadeForVM() && (p.DeviceID == "" || p.DeviceID == vmID) && !slices.Contains(ids, p.ID) {
				ids = append(ids, p.ID)
			}
		}
	}
	return ids, nil
}

// Delete removes ports; absent is success. All are tried; the errors are joined.
func Delete(ctx context.Context, s *session.Session, ids []string) error {
	var errs []error
	for _, id := range ids {
		if !session.IsUUID(id) {
			continue
		}
		if _, err := s.Network.Delete(ctx, s.Network.ServiceURL("ports", id), nil); err != nil && !session.IsNotFound(err) {
			errs = append(errs, session.Error(err, typeNIC, id))
		}
	}
	return errors.Join(errs...)
}

// Find returns the ids of the ports that carry one of the markers.
func Find(ctx context.Context, s *session.Session, markers []string) ([]string, error) {
	if len(markers) == 0 || s.Network == nil {
		return nil, nil
	}
	found, err := query(ctx, s, url.Values{"name": markers})
	if err != nil {
		return nil, err
	}
	ids := make([]string, len(found))
	for i, p := range found {
		ids[i] = p.ID
	}
	return ids, nil
}

// Exists tells whether there is such a port.
func Exists(ctx context.Context, s *session.Session, id string) (bool, error) {
	found, err := query(ctx, s, url.Values{"id": {id}})
	return len(found) > 0, err
}

// GroupExists tells whether there is such a security group.
func GroupExists(ctx context.Context, s *session.Session, id string) (bool, error) {
	if s.Network == nil {
		return false, nil
	}
	var body struct {
		Groups []struct{} `json:"security_groups"`
	}
	filter := url.Values{"id": {id}, "fields": {"id"}}
	_, err := s.Network.Get(ctx, s.Network.ServiceURL("security-groups")+"?"+filter.Encode(), &body, nil)
	return len(body.Groups) > 0, err
}
