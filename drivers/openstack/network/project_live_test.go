package network_test

import (
	"os"
	"slices"
	"testing"
	"time"

	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	networkv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/network/v1"
	"google.golang.org/protobuf/proto"

	"github.com/yunqiao/yunqiao/drivers/openstack/livetest"
	"github.com/yunqiao/yunqiao/drivers/openstack/network"
)

// openAdministrator is the cloud by an account of another project whose credentials are
// an administrator's.
func openAdministrator(t *testing.T) cloud {
	t.Helper()
	name := os.Getenv("OS_ADMIN_CLOUD")
	if name == "" {
		t.Skip("OS_ADMIN_CLOUD names no administrator of the cloud")
	}
	return cloudOf(livetest.OpenAt(t, map[string]string{"cloud": name, "clouds_file": os.Getenv("OS_CLIENT_CONFIG_FILE")}, nil, network.Register))
}

// TestOnlyItsProject: an account of an administrator has what its project has, and can
// neither read nor change what belongs to another project.
func TestOnlyItsProject(t *testing.T) {
	c := open(t)
	admin := openAdministrator(t)
	if admin.Session.ProjectID == c.Session.ProjectID {
		t.Skip("OS_CLOUD and OS_ADMIN_CLOUD are of the same project")
	}
	net := c.network(t, "of-another-project")
	subnet := c.subnet(t, net, "10.77.0.0/24")
	router := c.router(t, "of-another-project", c.external(t))
	port := c.join(t, router, subnet)
	nic := c.nic(t, "of-another-project", subnet)
	group := c.group(t, "of-another-project")
	ip := livetest.Must(t, c.Cloud, "ip", c.ips.CreatePublicIp, &networkv1.CreatePublicIpRequest{ExternalNetworkId: c.external(t)}).GetId()
	livetest.Cleanup(t, c.Cloud, c.ips.DeletePublicIp, &networkv1.DeletePublicIpRequest{Id: ip})
	rule := livetest.Must(t, c.Cloud, "rules", c.groups.ListSecurityGroupRules, &networkv1.ListSecurityGroupRulesRequest{SecurityGroupId: group}).GetRules()[0].GetId()
	own := admin.network(t, "own")

	ids := []string{net, subnet, router, port, nic, group, ip, rule}
	for what, list := range map[string]func(ids []string) (found, missing []string){
		"networks": func(ids []string) ([]string, []string) {
			return listed(t, admin, admin.networks.ListNetworks, &networkv1.ListNetworksRequest{Ids: ids})
		},
		"subnets": func(ids []string) ([]string, []string) {
			return listed(t, admin, admin.subnets.ListSubnets, &networkv1.ListSubnetsRequest{Ids: ids})
		},
		"routers": func(ids []string) ([]string, []string) {
			return listed(t, admin, admin.routers.ListRouters, &networkv1.ListRoutersRequest{Ids: ids})
		},
		"NICs": func(ids []string) ([]string, []string) {
			return listed(t, admin, admin.nics.ListNics, &networkv1.ListNicsRequest{Ids: ids})
		},
		"groups": func(ids []string) ([]string, []string) {
			return listed(t, admin, admin.groups.ListSecurityGroups, &networkv1.ListSecurityGroupsRequest{Ids: ids})
		},
		"addresses": func(ids []string) ([]string, []string) {
			return listed(t, admin, admin.ips.ListPublicIps, &networkv1.ListPublicIpsRequest{Ids: ids})
		},
	} {
		found, _ := list(nil)
		for _, id := range ids {
			if slices.Contains(found, id) {
				t.Errorf("%s: the listing has %s of another project", what, id)
			}
		}
		if found, missing := list(ids); len(found) != 0 || len(missing) != len(ids) {
			t.Errorf("%s by their ids: found %v, missing %v", what, found, missing)
		}
	}
	found, _ := listed(t, admin, admin.networks.ListNetworks, &networkv1.ListNetworksRequest{})
	if !slices.Contains(found, own) || !slices.Contains(found, c.external(t)) {
		t.Errorf("networks %v, want the project's own %s and the external %s", found, own, c.external(t))
	}
	for name, feed := range network.Feeds(admin.Session) {
		changed, err := feed(t.Context(), admin.Session, time.Unix(0, 0))
		if err != nil || slices.ContainsFunc(changed.IDs, func(id string) bool { return slices.Contains(ids, id) }) {
			t.Errorf("changes of %s: %v, %v", name, changed.IDs, err)
		}
		if name == "network.network" && !slices.Contains(changed.IDs, own) {
			t.Errorf("changes of %s: %v, want the project's own %s", name, changed.IDs, own)
		}
	}

	notFound := apiv1.Reason_REASON_NOT_FOUND
	livetest.Refused(t, admin.Cloud, notFound, "", admin.networks.GetNetwork, &networkv1.GetNetworkRequest{Id: net})
	livetest.Refused(t, admin.Cloud, notFound, "", admin.subnets.GetSubnet, &networkv1.GetSubnetRequest{Id: subnet})
	livetest.Refused(t, admin.Cloud, notFound, "", admin.routers.GetRouter, &networkv1.GetRouterRequest{Id: router})
	livetest.Refused(t, admin.Cloud, notFound, "", admin.nics.GetNic, &networkv1.GetNicRequest{Id: nic})
	livetest.Refused(t, admin.Cloud, notFound, "", admin.groups.GetSecurityGroup, &networkv1.GetSecurityGroupRequest{Id: group})
	livetest.Refused(t, admin.Cloud, notFound, "", admin.groups.GetSecurityGroupRule, &networkv1.GetSecurityGroupRuleRequest{Id: rule})
	livetest.Refused(t, admin.Cloud, notFound, "", admin.ips.GetPublicIp, &networkv1.GetPublicIpRequest{Id: ip})
	livetest.Refused(t, admin.Cloud, notFound, "", admin.networks.UpdateNetwork, &networkv1.UpdateNetworkRequest{Id: net, Name: proto.String("taken")})
	livetest.Must(t, admin.Cloud, "delete", admin.groups.DeleteSecurityGroup, &networkv1.DeleteSecurityGroupRequest{Id: group})
	livetest.Must(t, admin.Cloud, "release", admin.ips.DeletePublicIp, &networkv1.DeletePublicIpRequest{Id: ip})
	if v := livetest.Must(t, c.Cloud, "get", c.networks.GetNetwork, &networkv1.GetNetworkRequest{Id: net}).GetNetwork(); v.GetName() != prefix+"of-another-project" {
		t.Errorf("the network is called %q", v.GetName())
	}
	livetest.Must(t, c.Cloud, "get", c.groups.GetSecurityGroup, &networkv1.GetSecurityGroupRequest{Id: group})
	livetest.Must(t, c.Cloud, "get", c.ips.GetPublicIp, &networkv1.GetPublicIpRequest{Id: ip})
}

// listed reads the first page of a list and returns its ids, and those that it says are
// missing.
func listed[Req, Resp any](t *testing.T, c cloud, rpc livetest.RPC[Req, Resp], req *Req) (found, missing []string) {
	t.Helper()
	message, ok := any(livetest.Must(t, c.Cloud, "list", rpc, req)).(proto.Message)
	if !ok {
		t.Fatalf("%T is no message", req)
	}
	page := message.ProtoReflect()
	fields := page.Descriptor().Fields()
	items := page.Get(fields.Get(0)).List()
	for i := range items.Len() {
		item := items.Get(i).Message()
		found = append(found, item.Get(item.Descriptor().Fields().ByName("id")).String())
	}
	absent := page.Get(fields.ByName("missing_ids")).List()
	for i := range absent.Len() {
		missing = append(missing, absent.Get(i).String())
	}
	return found, missing
}
