package sim_test

import (
	"maps"
	"testing"
	"time"

	"github.com/yunqiao/yunqiao/drivers/alibaba/sim"
)

// zoned is a network with a vSwitch in two zones and a running instance.
func (c *client) zoned() (vpc, vm string, zones values) {
	c.t.Helper()
	vpc, first, group := c.network()
	second := str(c.do("vpc", "CreateVSwitch", values{"VpcId": vpc, "CidrBlock": "192.168.2.0/24", "ZoneId": "cn-hangzhou-i"}), "VSwitchId")
	c.until("Available", "VSwitches.VSwitch.0.Status", "vpc", "DescribeVSwitches", values{"VSwitchId": second})
	return vpc, c.instance(first, group, nil), values{
		"VpcId": vpc, "AddressType": "Intranet", "LoadBalancerName": "lb", "ZoneMappings.1.VSwitchId": first, "ZoneMappings.1.ZoneId": "cn-hangzhou-h",
		"ZoneMappings.2.VSwitchId": second, "ZoneMappings.2.ZoneId": "cn-hangzhou-i",
	}
}

// plus is values with more of them.
func (v values) plus(more values) values {
	out := maps.Clone(v)
	maps.Copy(out, more)
	return out
}

// ended waits for the job of an answer.
func (c *client) ended(product string, answer map[string]any) {
	c.t.Helper()
	if product == "nlb" {
		c.until("Succeeded", "Status", product, "GetJobStatus", values{"JobId": str(answer, "JobId")})
		return
	}
	c.until("Succeeded", "Jobs.0.Status", product, "ListAsynJobs", values{"JobIds.1": str(answer, "JobId")})
}

// TestBalancersOfZones takes both products through their lives, with what is in the way.
func TestBalancersOfZones(t *testing.T) {
	t.Parallel()
	for _, p := range []struct {
		name, protocol, id, address            string
		make, check, listen                    values
		noBalancer, noPool, busyPool, samePort string
		protect, release                       func(c *client, id string)
	}{
		{
			"alb", "HTTP", "LoadBalancerId", "Address", values{"LoadBalancerEdition": "Standard", "LoadBalancerBillingConfig.PayType": "PostPay"},
			values{"HealthCheckConfig.HealthCheckEnabled": "true"}, values{"DefaultActions.1.Type": "ForwardGroup"},
			"ResourceNotFound.LoadBalancer", "ResourceNotFound.ServerGroup", "IncorrectStatus.ServerGroup", "ResourceAlreadyExist.Listener",
			func(c *client, id string) { c.do("alb", "EnableDeletionProtection", values{"ResourceId": id}) },
			func(c *client, id string) { c.do("alb", "DisableDeletionProtection", values{"ResourceId": id}) },
		},
		{
			"nlb", "TCP", "LoadbalancerId", "PrivateIPv4Address", values{}, values{}, values{},
			"ResourceNotFound.loadBalancer", "ResourceNotFound.serverGroup", "IncorrectStatus.serverGroup", "Conflict.Port",
			func(c *client, id string) {
				c.do("nlb", "UpdateLoadBalancerProtection", values{"LoadBalancerId": id, "DeletionProtectionEnabled": "true"})
			},
			func(c *client, id string) {
				c.do("nlb", "UpdateLoadBalancerProtection", values{"LoadBalancerId": id, "DeletionProtectionEnabled": "false"})
			},
		},
	} {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			c := newClient(t, sim.Options{})
			vpc, vm, zones := c.zoned()
			made := c.do(p.name, "CreateLoadBalancer", zones.plus(p.make).plus(values{"ClientToken": "once"}))
			id := str(made, p.id)
			again := c.do(p.name, "CreateLoadBalancer", zones.plus(p.make).plus(values{"ClientToken": "once"}))
			if got := str(again, p.id); got != id {
				t.Errorf("the same token made %s and %s", id, got)
			}
			one := zones.plus(p.make)
			delete(one, "ZoneMappings.2.VSwitchId")
			delete(one, "ZoneMappings.2.ZoneId")
			c.fails(map[string]string{"alb": "InvalidParameter", "nlb": "InvalidZones"}[p.name], p.name, "CreateLoadBalancer", one)
			this := values{"LoadBalancerId": id}
			shown := c.until("Active", "LoadBalancerStatus", p.name, "GetLoadBalancerAttribute", this)
			if address := str(shown, "ZoneMappings.1.LoadBalancerAddresses.0."+p.address); address != "192.168.2.1" {
				t.Errorf("address in the second zone: %q", address)
			}
			c.fails("DependencyViolation", "vpc", "DeleteVSwitch", values{"VSwitchId": zones["ZoneMappings.2.VSwitchId"]})

			group := values{"ServerGroupName": "g", "VpcId": vpc, "Protocol": p.protocol}.plus(p.check)
			pool := c.do(p.name, "CreateServerGroup", group)
			poolID := str(pool, "ServerGroupId")
			c.fails(p.busyPool, p.name, "AddServersToServerGroup", values{"ServerGroupId": poolID, "Servers.1.ServerId": vm, "Servers.1.ServerType": "Ecs", "Servers.1.Port": 80})
			c.ended(p.name, pool)
			server := values{"ServerGroupId": poolID, "Servers.1.ServerId": vm, "Servers.1.ServerType": "Ecs", "Servers.1.Port": 80}
			c.ended(p.name, c.do(p.name, "AddServersToServerGroup", server))
			c.fails("ResourceNotFound.BackendServer", p.name, "RemoveServersFromServerGroup", server.plus(values{"Servers.1.Port": 81}))

			listen := values{"LoadBalancerId": id, "ListenerProtocol": p.protocol, "ListenerPort": 80, "ServerGroupId": poolID}.plus(p.listen)
			if p.name == "alb" {
				delete(listen, "ServerGroupId")
				listen["DefaultActions.1.ForwardGroupConfig.ServerGroupTuples.1.ServerGroupId"] = poolID
			}
			listener := c.do(p.name, "CreateListener", listen)
			c.ended(p.name, listener)
			c.fails(p.samePort, p.name, "CreateListener", listen)
			watched := values{"ListenerId": str(listener, "ListenerId")}
			const ill = "ListenerHealthStatus.0.ServerGroupInfos.0.NonNormalServers.0.Status"
			if got := str(c.do(p.name, "GetListenerHealthStatus", watched), ill); got != "<nil>" {
				t.Errorf("a running server is %q", got)
			}
			c.do("ecs", "StopInstance", values{"InstanceId": vm})
			c.until("Unhealthy", ill, p.name, "GetListenerHealthStatus", watched)
			c.fails("ResourceInUse.ServerGroup", p.name, "DeleteServerGroup", values{"ServerGroupId": poolID})

			p.protect(c, id)
			c.fails("OperationDenied.DeletionProtectionEnabled", p.name, "DeleteLoadBalancer", this)
			p.release(c, id)
			c.ended(p.name, c.do(p.name, "DeleteLoadBalancer", this))
			c.fails(p.noBalancer, p.name, "GetLoadBalancerAttribute", this)
			if left := c.do(p.name, "ListListeners", values{}); str(left, "Listeners.0.ListenerId") != "<nil>" {
				t.Errorf("listeners stay: %v", left)
			}
			c.ended(p.name, c.do(p.name, "DeleteServerGroup", values{"ServerGroupId": poolID}))
			c.fails(p.noPool, p.name, "DeleteServerGroup", values{"ServerGroupId": poolID})
			c.do("vpc", "DeleteVSwitch", values{"VSwitchId": zones["ZoneMappings.2.VSwitchId"]})
			c.wait(time.Second)
			c.cloud.CheckClean(t)
		})
	}
}
