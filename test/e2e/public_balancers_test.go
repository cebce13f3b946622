package e2e

import (
	"slices"
	"strings"
	"time"

	"github.com/yunqiao/yunqiao/drivers/alibaba/sim"
	"github.com/yunqiao/yunqiao/test/e2e/harness"
)

// useBalancersOfZones makes a load balancer of each layer in two zones, looks at how
// its member is, and removes one whole and the other part by part.
func (s *publicScenario) useBalancersOfZones() {
	const name = "network/load-balancer/"
	other := s.done("network/subnet/create", object{
		"network_id": s.network, "name": s.prefix + "sub-b", "cidr": "10.77.9.0/24", "zone_id": s.otherZone(),
	})
	vips := map[string]string{}
	for _, layer := range []struct{ kind, product, protocol, algorithm string }{
		{"VIP_KIND_L7", "alb", "LOAD_BALANCER_PROTOCOL_HTTP", "POOL_ALGORITHM_LEAST_CONNECTIONS"},
		{"VIP_KIND_L4", "nlb", "LOAD_BALANCER_PROTOCOL_TCP", "POOL_ALGORITHM_SOURCE_IP"},
	} {
		vip := s.done(name+"create-vip", object{
			"account_id": s.account, "name": s.prefix + layer.product, "kind": layer.kind, "subnets": []object{{"subnet_id": s.subnet}, {"subnet_id": other}},
		})
		v := s.expectState(name+"get-vip", "vip", vip, "LOAD_BALANCER_STATE_ACTIVE")
		s.expect("addresses of the VIP", len(v.List("addresses")), 2)
		s.expect("product of the VIP", vip[:len(s.account)+5], s.account+"."+layer.product+"-")
		pool := s.done(name+"create-pool", object{
			"name": s.prefix + "pool", "vip_id": vip, "protocol": layer.protocol, "algorithm": layer.algorithm,
			"health_monitor": object{"type": "HEALTH_MONITOR_TYPE_TCP", "interval_seconds": 5, "timeout_seconds": 3, "healthy_threshold": 2, "unhealthy_threshold": 2},
			"listener":       object{"name": s.prefix + "listener", "protocol": layer.protocol, "port": 80},
		})
		s.expect("algorithm", s.expectState(name+"get-pool", "pool", pool, "LOAD_BALANCER_STATE_ACTIVE").Text("algorithm"), layer.algorithm)
		listeners := s.list(name+"list-listeners", "listeners", object{"vip_id": vip})
		if len(listeners) != 1 || listeners[0].Text("default_pool_id") != pool {
			s.Fatalf("listeners of %s: %v", vip, listeners)
		}
		member := s.done(name+"create-member", object{"name": s.prefix + "member", "pool_id": pool, "nic_id": s.nic, "port": 8080})
		s.expect("health", s.get(name+"get-member", "member", member).Text("health"), "MEMBER_HEALTH_HEALTHY")
		s.done(name+"update-member", object{"id": member, "weight": 0})
		s.expect("health without weight", s.get(name+"get-member", "member", member).Text("health"), "MEMBER_HEALTH_DRAINING")
		s.expectBlocked(name+"delete-pool", pool, listeners[0].Text("id"))
		vips[vip] = pool
		if layer.product == "nlb" {
			s.done(name+"delete-listener", object{"id": listeners[0].Text("id")})
			s.done(name+"delete-member", object{"id": member})
			s.done(name+"delete-pool", object{"id": pool})
		}
	}
	listed := harness.Texts(s.list(name+"list-vips", "vips", nil), "id")
	for vip, pool := range vips {
		if !slices.Contains(listed, vip) {
			s.Errorf("VIPs are %v, without %s", listed, vip)
		}
		s.done(name+"delete-vip", object{"id": vip})
		if left := harness.Texts(s.list(name+"list-pools", "pools", nil), "id"); slices.Contains(left, pool) {
			s.Errorf("pool %s is left of %s", pool, vip)
		}
	}
	s.done("network/subnet/delete", object{"id": other})
}

// otherZone is a zone that the scenario's subnet is not in.
func (s *publicScenario) otherZone() string {
	for _, zone := range s.list("compute/zone/list", "zones", nil) {
		if _, id, _ := strings.Cut(zone.Text("id"), "."); id != s.zone {
			return id
		}
	}
	s.Fatal("the cloud has one zone")
	return ""
}

// outliveVM has a VM that shall go by itself, and one that the cloud accepts and cannot
// make.
func (s *publicScenario) outliveVM() {
	request := object{
		"account_id": s.account, "name": s.prefix + "short", "image_id": s.image, "flavor_id": s.smallFlavor, "zone_id": s.zone,
		"nics": []object{{"subnet_id": s.subnet}}, "security_group_ids": []string{s.group},
		"release_at": time.Now().Add(2 * time.Hour).UTC().Format(time.RFC3339),
	}
	vm := s.done("compute/vm/create", request)
	if s.get("compute/vm/get", "vm", vm).Text("release_at") == "" {
		s.Errorf("VM %s shall never go", vm)
	}
	s.done("compute/vm/update", object{"id": vm, "remove_release_at": true})
	s.expect("time of release", s.get("compute/vm/get", "vm", vm).Text("release_at"), "")
	s.done("compute/vm/delete", object{"id": vm})

	_, native, _ := strings.Cut(s.smallFlavor, ".")
	if err := s.cloud.SetFaults(sim.Faults{TakenBack: []string{native}}); err != nil {
		s.Fatal(err)
	}
	delete(request, "release_at")
	request["name"] = s.prefix + "never"
	data := s.post("compute/vm/create", request)
	failed := s.gateway.Wait(s, data.Text("operation_id"))
	s.expect("operation", failed.Text("status"), "OPERATION_STATUS_FAILED")
	s.expect("why it failed", failed.Object("error").Text("cause_reason"), "OUT_OF_STOCK")
	s.expect("state of what was taken back", failed.Text("resource_state"), "VM_STATE_DELETED")
	if err := s.cloud.SetFaults(sim.Faults{}); err != nil {
		s.Fatal(err)
	}
}
