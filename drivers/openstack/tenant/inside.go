package tenant

import (
	"context"
	"encoding/json"
	"errors"
	"net/url"
	"strings"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack/identity/v3/projects"

	"github.com/yunqiao/yunqiao/drivers/openstack/rest"
	"github.com/yunqiao/yunqiao/drivers/openstack/session"
	"github.com/yunqiao/yunqiao/drivers/sdk"
)

var errNotEmpty = errors.New("the project holds resources")

// defaultGroup is what Neutron calls the security group that it makes by itself.
const defaultGroup = "default"

// content is one kind of things that a project may hold.
type content struct {
	resourceType string
	client       *gophercloud.ServiceClient // nil: the cloud has none
	path         string
	query        url.Values
	member       string // of the answer
}

// contents are all kinds that an administrator can list of another's project. Ports of
// routers, load balancers and DHCP go with what they are of.
func (c *cloud) contents(projectID, userID string) []content {
	of := func(name string, more ...string) url.Values {
		query := url.Values{name: {projectID}, "limit": {"50"}}
		for i := 0; i < len(more); i += 2 {
			query.Set(more[i], more[i+1])
		}
		return query
	}
	extension := func(alias string) *gophercloud.ServiceClient {
		if c.Extensions[alias] {
			return c.Network
		}
		return nil
	}
	list := []content{
		{"compute.vm", c.Compute, "servers", of("project_id", "all_tenants", "1"), "servers"},
		{"storage.disk", c.Volume, "volumes", of("project_id", "all_tenants", "1"), "volumes"},
		{"storage.snapshot", c.Volume, "snapshots", of("project_id", "all_tenants", "1"), "snapshots"},
		{"storage.image", c.Image, "images", of("owner"), "images"},
		{"network.vip", c.LoadBalancer, "lbaas/loadbalancers", of("project_id"), "loadbalancers"},
		{"network.network", c.Network, "networks", of("project_id"), "networks"},
		{"network.subnet", c.Network, "subnets", of("project_id"), "subnets"},
		{"network.router", extension("router"), "routers", of("project_id"), "routers"},
		{"network.public_ip", extension("router"), "floatingips", of("project_id"), "floatingips"},
		{"network.nic", c.Network, "ports", of("project_id"), "ports"},
		{"network.security_group", extension("security-group"), "security-groups", of("project_id"), "security_groups"},
		{"security.vpn_service", extension("vpnaas"), "vpn/vpnservices", of("project_id"), "vpnservices"},
		{"security.ipsec_connection", extension("vpnaas"), "vpn/ipsec-site-connections", of("project_id"), "ipsec_site_connections"},
		{"security.ike_policy", extension("vpnaas"), "vpn/ikepolicies", of("project_id"), "ikepolicies"},
		{"security.ipsec_policy", extension("vpnaas"), "vpn/ipsecpolicies", of("project_id"), "ipsecpolicies"},
		{"security.firewall", extension("fwaas_v2"), "fwaas/firewall_groups", of("project_id"), "firewall_groups"},
		{"security.firewall_policy", extension("fwaas_v2"), "fwaas/firewall_policies", of("project_id"), "firewall_policies"},
		{"security.firewall_rule", extension("fwaas_v2"), "fwaas/firewall_rules", of("project_id"), "firewall_rules"},
		{"database.instance", c.Database, "mgmt/instances", of("project_id", "deleted", "false"), "instances"},
	}
	if userID != "" {
		list = append(list, content{"compute.key_pair", c.Compute, "os-keypairs", url.Values{"user_id": {userID}}, "keypairs"})
	}
	return list
}

// thing is what the services have in common of what they list.
type thing struct {
	ID        string `json:"id"`
	Name      string `json:"name"`
	ProjectID string `json:"project_id"`
	TenantID  string `json:"tenant_id"`
	Owner     string `json:"owner"` // of an image, or of a port the service
	KeyPair   *thing `json:"keypair"`

	DeviceOwner string `json:"device_owner"`
}

// expectEmpty refuses a project that holds anything with IN_USE, and names it.
func (c *cloud) expectEmpty(ctx context.Context, project *projects.Project) error {
	user, err := c.user(ctx, project.Name)
	if err != nil {
		return err
	}
	userID := ""
	if user != nil && user.DefaultProjectID == project.ID {
		userID = user.ID
	}
	var blockers []string
	for _, kind := range c.contents(project.ID, userID) {
		if kind.client == nil {
			continue
		}
		things, err := kind.list(ctx)
		if err != nil {
			return session.Error(err, typeTenant, project.ID)
		}
		for _, t := range things {
			if name := kind.blocker(t, project.ID); name != "" && len(blockers) < rest.MaxBlockers {
				blockers = append(blockers, name)
			}
		}
	}
	if len(blockers) > 0 {
		return sdk.InUse(typeTenant, project.ID, errNotEmpty, blockers...)
	}
	return nil
}

func (k content) list(ctx context.Context) ([]thing, error) {
	var body map[string]json.RawMessage
	_, err := k.client.Get(ctx, k.client.ServiceURL(strings.Split(k.path, "/")...)+"?"+k.query.Encode(), &body, &gophercloud.RequestOpts{OkCodes: []int{200, 203}})
	if err != nil {
		return nil, err
	}
	var things []thing
	return things, json.Unmarshal(body[k.member], &things)
}

// blocker names a thing that is in the way; "" for what goes with the project, and for
// what is another's, should a service have ignored the filter.
func (k content) blocker(t thing, projectID string) string {
	if t.KeyPair != nil {
		return rest.Blocker(k.resourceType, t.KeyPair.Name)
	}
	for _, of := range []string{t.ProjectID, t.TenantID, t.Owner} {
		if of != "" && of != projectID {
			return ""
		}
	}
	switch {
	case k.resourceType == "network.security_group" && t.Name == defaultGroup,
		k.resourceType == "security.firewall" && t.Name == defaultGroup,
		strings.HasPrefix(t.DeviceOwner, "network:"):
		return ""
	}
	return rest.Blocker(k.resourceType, t.ID)
}

// removeDefaultGroups removes the security group that Neutron makes in every project,
// which only an administrator may.
func (c *cloud) removeDefaultGroups(ctx context.Context, projectID string) error {
	for _, kind := range c.contents(projectID, "") {
		if kind.resourceType != "network.security_group" || kind.client == nil {
			continue
		}
		groups, err := kind.list(ctx)
		if err != nil {
			return session.Error(err, typeTenant, projectID)
		}
		for _, g := range groups {
			if g.Name != defaultGroup || g.ProjectID != projectID {
				continue
			}
			_, err := kind.client.Delete(ctx, kind.client.ServiceURL("security-groups", g.ID), nil)
			if err != nil && !session.IsNotFound(err) {
				return session.Error(err, typeTenant, projectID)
			}
		}
	}
	return nil
}
