package ports

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gophercloud/gophercloud/v2"

	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"

	"github.com/yunqiao/yunqiao/drivers/openstack/session"
	"github.com/yunqiao/yunqiao/drivers/sdk"
)

const (
	typeNIC           = "network.nic"
	typeSecurityGroup = "network.security_group"
	typeVM            = "compute.vm"

	// idsPerQuery keeps the address of a query below the 8 KiB that servers and proxies
	// allow; Nova sends Neutron as many (MAX_SEARCH_IDS of its security_group_api.py).
	idsPerQuery = 150
)

// Port is the part of a port that VMs need.
type Port struct {
	ID             string   `json:"id"`
	NetworkID      string   `json:"network_id"`
	DeviceID       string   `json:"device_id"`
	Name           string   `json:"name"`
	Description    string   `json:"description"`
	MACAddress     string   `json:"mac_address"`
	FixedIPs       []IP     `json:"fixed_ips"`
	SecurityGroups []string `json:"security_groups"`
	// PortSecurity false: the port takes no security groups. nil: the cloud has
	// no such switch, and takes them.
	PortSecurity *bool     `json:"port_security_enabled"`
	CreatedAt    time.Time `json:"created_at"`
	Revision     int       `json:"revision_number"`
}

// IP is one address of a port.
type IP struct {
	SubnetID string `json:"subnet_id,omitempty"`
	Address  string `json:"ip_address,omitempty"`
}

// Secured tells whether security groups apply to the port.
func (p Port) Secured() bool { return p.PortSecurity == nil || *p.PortSecurity }

// MadeForVM tells whether Create made the port, so that it goes with its VM.
func (p Port) MadeForVM() bool {
	return strings.HasPrefix(p.Name, session.MarkerPrefix) || strings.HasPrefix(p.Description, session.MarkerPrefix)
}

// VMMarker is the description of the ports that were made for a VM, once the VM has
// its id. Nova forgets the ports of a VM that it could not build, or that is gone;
// by this they are found all the same.
func VMMarker(vmID string) string { return session.MarkerPrefix + vmID }

// OfVMs reads the ports of VMs, one query for every 150 of them, grouped by VM
// and ordered by age within each.
func OfVMs(ctx context.Context, s *session.Session, vmIDs []string) (map[string][]Port, error) {
	found := make(map[string][]Port, len(vmIDs))
	if len(vmIDs) == 0 || s.Network == nil {
		return found, nil
	}
	for ids := range slices.Chunk(vmIDs, idsPerQuery) {
		list, err := query(ctx, s, url.Values{"device_id": ids})
		if err != nil {
			return nil, session.Error(err, "", "")
		}
		for _, p := range list {
			found[p.DeviceID] = append(found[p.DeviceID], p)
		}
	}
	for _, list := range found {
		slices.SortStableFunc(list, func(a, b Port) int {
			return cmp.Or(a.CreatedAt.Compare(b.CreatedAt), cmp.Compare(a.ID, b.ID))
		})
	}
	return found, nil
}

// SetGroups replaces the security groups of all ports of a VM, or of one if
// nicID is not empty. Ports with port security switched off are left alone.
// Errors: NOT_FOUND for a NIC that is not the VM's, REFERENCE_NOT_FOUND for a
// group, INVALID_STATE when the VM has no port that takes groups.
func SetGroups(ctx context.Context, s *session.Session, vmID, nicID string, groups []string) error {
	for _, id := range groups {
		if err := session.ReferenceUUID(typeSecurityGroup, id, "security_group_ids"); err != nil {
			return err
		}
	}
	list, err := secured(ctx, s, vmID, nicID)
	if err != nil {
		return err
	}
	want := slices.Sorted(slices.Values(groups))
	for _, p := range list {
		if slices.Equal(slices.Sorted(slices.Values(p.SecurityGroups)), want) {
			continue
		}
		if err := update(ctx, s, p, groups, ""); err != nil {
			return groupError(err, p.ID)
		}
	}
	return nil
}

// AddGroup adds a security group to all ports of a VM, or to one if nicID is not
// empty. Having it already is success. Errors as SetGroups.
func AddGroup(ctx context.Context, s *session.Session, vmID, nicID, groupID string) error {
	return change(ctx, s, vmID, nicID, func(groups []string) []string {
		if slices.Contains(groups, groupID) {
			return groups
		}
		return append(slices.Clone(groups), groupID)
	})
}

// RemoveGroup takes a security group from all ports of a VM, or from one if
// nicID is not empty. Not having it is success. Errors as SetGroups.
func RemoveGroup(ctx context.Context, s *session.Session, vmID, nicID, groupID string) error {
	return change(ctx, s, vmID, nicID, func(groups []string) []string {
		return slices.DeleteFunc(slices.Clone(groups), func(id string) bool { return id == groupID })
	})
}

// maxRaces is how often a change is computed anew because another client
// changed the port between reading and writing.
const maxRaces = 3

func change(ctx context.Context, s *session.Session, vmID, nicID string, edit func([]string) []string) error {
	var err error
	for range maxRaces {
		var list []Port
		if list, err = secured(ctx, s, vmID, nicID); err != nil {
			return err
		}
		if err = changeAll(ctx, s, list, edit); !gophercloud.ResponseCodeIs(err, http.StatusPreconditionFailed) {
			break
		}
	}
	return groupError(err, nicID)
}

func changeAll(ctx context.Context, s *session.Session, list []Port, edit func([]string) []string) error {
	for _, p := range list {
		groups := edit(p.SecurityGroups)
		if slices.Equal(groups, p.SecurityGroups) {
			continue
		}
		revision := ""
		if s.Extensions["revision-if-match"] {
			revision = strconv.Itoa(p.Revision)
		}
		if err := update(ctx, s, p, groups, revision); err != nil {
			return err
		}
	}
	return nil
}

// secured reads the VM's ports that take security groups.
func secured(ctx context.Context, s *session.Session, vmID, nicID string) ([]Port, error) {
	if err := session.Require(s.Network); err != nil {
		return nil, err
	}
	byVM, err := OfVMs(ctx, s, []string{vmID})
	if err != nil {
		return nil, err
	}
	list := byVM[vmID]
	if nicID != "" {
		list = slices.DeleteFunc(list, func(p Port) bool { return p.ID != nicID })
		if len(list) == 0 {
			return nil, sdk.NewError(apiv1.Reason_REASON_REFERENCE_NOT_FOUND, sdk.Resource(typeNIC, nicID), sdk.Field("nic_id"))
		}
	}
	list = slices.DeleteFunc(list, func(p Port) bool { return !p.Secured() })
	if len(list) == 0 {
		return nil, sdk.InvalidState(typeVM, vmID, nil)
	}
	return list, nil
}

func update(ctx context.Context, s *session.Session, p Port, groups []string, revision string) error {
	body := map[string]any{"port": map[string]any{"security_groups": groups}}
	opts := &gophercloud.RequestOpts{OkCodes: []int{http.StatusOK}}
	if revision != "" {
		opts.MoreHeaders = map[string]string{"If-Match": "revision_number=" + revision}
	}
	_, err := s.Network.Put(ctx, s.Network.ServiceURL("ports", p.ID), body, nil, opts)
	return err
}

func groupError(err error, nicID string) error {
	return session.Error(err, typeNIC, nicID, sdk.Field("security_group_ids"))
}

// fields keeps answers small: the whole port has thirty members.
var fields = []string{"id", "network_id", "device_id", "name", "description", "mac_address", "fixed_ips",
	"security_groups", "port_security_enabled", "created_at", "revision_number"}

func query(ctx context.Context, s *session.Session, filter url.Values) ([]Port, error) {
	filter["fields"] = fields
	next := s.Network.ServiceURL("ports") + "?" + filter.Encode()
	var all []Port
	for next != "" {
		var page struct {
			Ports []Port             `json:"ports"`
			Links []gophercloud.Link `json:"ports_links"`
		}
		if _, err := s.Network.Get(ctx, next, &page, nil); err != nil {
			return nil, err
		}
		all = append(all, page.Ports...)
		next = ""
		for _, link := range page.Links {
			if link.Rel == "next" {
				next = link.Href
			}
		}
	}
	return all, nil
}
