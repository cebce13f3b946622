package tenant

import (
	"context"
	"strings"

	"github.com/yunqiao/yunqiao/drivers/alibaba/api"
	"github.com/yunqiao/yunqiao/drivers/alibaba/session"
	"github.com/yunqiao/yunqiao/drivers/sdk"
)

// maxBlockers bounds how many blockers one error names: it travels in headers.
const maxBlockers = 20

// expectEmpty refuses a group that holds anything with IN_USE, and names it.
func expectEmpty(ctx context.Context, s *session.Session, groupID string) error {
	var out struct {
		Resources struct {
			Resource []struct {
				ResourceID   string `json:"ResourceId"`
				ResourceType string
				Service      string
			}
		}
	}
	params := api.Params{}.Set("ResourceGroupId", groupID).Int("PageSize", maxBlockers)
	if err := s.Call(ctx, api.ResourceManager, "ListResources", params, &out); err != nil {
		return api.Error(err, typeTenant, groupID)
	}
	var blockers []string
	for _, r := range out.Resources.Resource {
		blockers = append(blockers, toBlockerType(r.Service, r.ResourceType)+"/"+r.ResourceID)
	}
	if len(blockers) > 0 {
		return sdk.InUse(typeTenant, groupID, errNotEmpty, blockers...)
	}
	return nil
}

// toBlockerType maps the cloud's words for a type to the contract's; others stay as they
// are. Source: "Services that work with Resource Group".
func toBlockerType(service, resourceType string) string {
	switch name := strings.ToLower(service + "." + resourceType); name {
	case "ecs.instance":
		return "compute.vm"
	case "ecs.disk":
		return "storage.disk"
	case "ecs.snapshot":
		return "storage.snapshot"
	case "ecs.image":
		return "storage.image"
	case "ecs.keypair":
		return "compute.key_pair"
	case "ecs.securitygroup":
		return "network.security_group"
	case "ecs.eni":
		return "network.nic"
	case "vpc.vpc":
		return "network.network"
	case "vpc.vswitch":
		return "network.subnet"
	case "vpc.eip", "eip.eip":
		return "network.public_ip"
	case "slb.loadbalancer", "slb.instance", "alb.loadbalancer", "nlb.loadbalancer":
		return "network.vip"
	case "rds.dbinstance":
		return "database.instance"
	case "eci.containergroup":
		return "compute.container"
	default:
		return name
	}
}
