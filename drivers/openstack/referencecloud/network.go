package referencecloud

import (
	"maps"
	"net/http"
	"strings"
)

// fault is a refusal of the network service.
type fault struct {
	status int
	name   string
}

func (f fault) write(w http.ResponseWriter) {
	reply(w, f.status, object{"NeutronError": object{"type": f.name, "message": f.name, "detail": ""}})
}

// kinds are the resources of the network service: collection and member name.
var kinds = map[string]string{
	"ports": "port", "subnets": "subnet", "security-groups": "security_group",
	"fwaas/firewall_groups": "firewall_group", "fwaas/firewall_policies": "firewall_policy", "fwaas/firewall_rules": "firewall_rule",
}

// manyOf is the member of a list's answer.
func manyOf(path string) string {
	return strings.ReplaceAll(strings.TrimPrefix(path, "fwaas/"), "-", "_")
}

// AddPort makes a port of a device: "network:router_interface", "compute:nova".
func (c *Cloud) AddPort(deviceOwner, deviceID string) string {
	return c.add("ports", object{"device_owner": deviceOwner, "device_id": deviceID, "status": "ACTIVE"})
}

// AddSubnet makes a subnet of a network.
func (c *Cloud) AddSubnet(networkID, cidr string) string {
	return c.add("subnets", object{"network_id": networkID, "cidr": cidr, "ip_version": 4})
}

// AddSecurityGroup makes a security group.
func (c *Cloud) AddSecurityGroup(name string) string {
	return c.add("security-groups", object{"name": name})
}

func (c *Cloud) add(kind string, row object) string {
	row["project_id"] = Project
	c.mu.Lock()
	defer c.mu.Unlock()
	return text(c.table(kind).add(row)["id"])
}

// network serves /v2.0: what has rules of its own is in fwaas.go.
func (c *Cloud) network(w http.ResponseWriter, r *http.Request, path string) {
	if path == "" {
		reply(w, http.StatusOK, object{"versions": []object{{"id": "v2.0", "status": "CURRENT"}}})
		return
	}
	path = strings.TrimPrefix(path, "v2.0/")
	if path == "extensions" {
		list := []object{{"alias": "router"}, {"alias": "security-group"}}
		if !c.lacks("fwaas_v2") {
			list = append(list, object{"alias": "fwaas_v2"})
		}
		reply(w, http.StatusOK, object{"extensions": list})
		return
	}
	for collection, one := range kinds {
		rest, ok := strings.CutPrefix(path, collection)
		if !ok || rest != "" && rest[0] != '/' || strings.HasPrefix(collection, "fwaas/") && c.lacks("fwaas_v2") {
			continue
		}
		c.collection(w, r, collection, one, strings.Trim(rest, "/"))
		return
	}
	fault{http.StatusNotFound, "HTTPNotFound"}.write(w)
}

func (c *Cloud) collection(w http.ResponseWriter, r *http.Request, collection, one, rest string) {
	id, action, _ := strings.Cut(rest, "/")
	switch {
	case id == "" && r.Method == http.MethodGet:
		rows, more, known := c.table(collection).list(r.URL.Query())
		if !known {
			fault{http.StatusNotFound, "HTTPNotFound"}.write(w)
			return
		}
		body := object{manyOf(collection): rows}
		if more {
			body[manyOf(collection)+"_links"] = []object{{"rel": "next", "href": c.URL}}
		}
		reply(w, http.StatusOK, body)
	case id == "" && r.Method == http.MethodPost:
		row, f := c.createFirewallObject(collection, object(member(read(r), one)))
		c.answer(w, http.StatusCreated, one, row, f)
	default:
		row := c.table(collection).find(id)
		if row == nil {
			fault{http.StatusNotFound, notFoundName(one)}.write(w)
			return
		}
		c.one(w, r, collection, one, row, action)
	}
}

// one serves a single resource.
func (c *Cloud) one(w http.ResponseWriter, r *http.Request, collection, one string, row object, action string) {
	switch {
	case action != "":
		f := c.changeRules(row, action, read(r))
		if f.name != "" {
			f.write(w)
			return
		}
		reply(w, http.StatusOK, row)
	case r.Method == http.MethodGet:
		answer := maps.Clone(row)
		c.settle(one, row)
		reply(w, http.StatusOK, object{one: answer})
	case r.Method == http.MethodPut:
		f := c.updateFirewallObject(one, row, object(member(read(r), one)))
		c.answer(w, http.StatusOK, one, row, f)
	case r.Method == http.MethodDelete:
		if f := c.mayDelete(one, row); f.name != "" {
			f.write(w)
			return
		}
		c.table(collection).remove(text(row["id"]))
		reply(w, http.StatusNoContent, nil)
	}
}

func (c *Cloud) answer(w http.ResponseWriter, status int, one string, row object, f fault) {
	if f.name != "" {
		f.write(w)
		return
	}
	reply(w, status, object{one: row})
}

func member(body object, name string) map[string]any {
	m, _ := body[name].(map[string]any)
	return m
}

// notFoundName is the exception of a kind: "FirewallGroupNotFound".
func notFoundName(one string) string {
	var name strings.Builder
	for part := range strings.SplitSeq(one, "_") {
		name.WriteString(strings.ToUpper(part[:1]) + part[1:])
	}
	return name.String() + "NotFound"
}
