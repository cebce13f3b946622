package referencecloud

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
)

// maxVersion is the newest microversion of the container service that is spoken.
const maxVersion = "1.40"

// container serves the container service.
func (c *Cloud) container(w http.ResponseWriter, r *http.Request, path string) {
	if c.lacks("container") {
		http.NotFound(w, r)
		return
	}
	if path == "" {
		reply(w, http.StatusOK, object{"versions": []object{{"id": "v1", "status": "CURRENT", "min_version": "1.1", "max_version": maxVersion}}})
		return
	}
	t := c.table("containers")
	t.idField = "uuid"
	id, action, _ := strings.Cut(strings.Trim(strings.TrimPrefix(path, "v1/containers"), "/"), "/")
	row := t.find(id)
	switch {
	case id == "" && r.Method == http.MethodGet:
		rows, more, known := t.list(r.URL.Query())
		if !known {
			refuse(w, http.StatusNotFound, "marker")
			return
		}
		body := object{"containers": rows}
		if more {
			body["next"] = c.URL
		}
		reply(w, http.StatusOK, body)
	case id == "" && r.Method == http.MethodPost:
		c.createContainer(w, r)
	case row == nil:
		refuse(w, http.StatusNotFound, "container "+id)
	case action == "logs":
		reply(w, http.StatusOK, "started\nready\n")
	case action != "":
		act(w, row, action)
	case r.Method == http.MethodGet:
		answer := maps.Clone(row)
		if c.advance(row) {
			t.remove(id)
		}
		reply(w, http.StatusOK, answer)
	case r.Method == http.MethodPatch:
		maps.Copy(row, read(r))
		reply(w, http.StatusOK, row)
	case r.Method == http.MethodDelete:
		if row["status"] == "Running" && r.URL.Query().Get("stop") == "" && r.URL.Query().Get("force") == "" {
			refuse(w, http.StatusConflict, "running")
			return
		}
		row["status"], row["task_state"] = "Deleting", "container_deleting"
		reply(w, http.StatusNoContent, nil)
	}
}

func refuse(w http.ResponseWriter, status int, what string) {
	reply(w, status, object{"errors": []object{{"status": status, "title": http.StatusText(status), "detail": what}}})
}

// containerFields are what a request for a container may have.
var containerFields = []string{
	"name", "image", "command", "entrypoint", "cpu", "memory", "workdir", "labels", "environment", "restart_policy",
	"security_groups", "nets", "exposed_ports", "availability_zone",
}

func (c *Cloud) createContainer(w http.ResponseWriter, r *http.Request) {
	given := read(r)
	for key := range given {
		if !slices.Contains(containerFields, key) {
			refuse(w, http.StatusBadRequest, key)
			return
		}
	}
	nets, _ := given["nets"].([]any)
	if len(nets) != 1 || text(given["image"]) == "" {
		refuse(w, http.StatusBadRequest, "nets, image")
		return
	}
	network := text(dig(nets[0], "network"))
	subnets, _, _ := c.table("subnets").list(map[string][]string{"network_id": {network}})
	if len(subnets) == 0 {
		refuse(w, http.StatusNotFound, "network "+network)
		return
	}
	var groups []string
	for _, g := range c.table("security-groups").rows {
		if slices.Contains(texts(given["security_groups"]), text(g["name"])) {
			groups = append(groups, text(g["id"]))
		}
	}
	if len(groups) < len(texts(given["security_groups"])) {
		refuse(w, http.StatusNotFound, "security groups")
		return
	}
	given["security_groups"] = groups
	given["addresses"] = object{network: []object{{"subnet_id": subnets[0]["id"], "addr": "10.0.0.9", "version": 4, "port": newID()}}}
	given["status"], given["task_state"], given["status_detail"] = "Creating", nil, ""
	if r.URL.Query().Get("run") == "true" {
		given["task_state"] = "image_pulling"
	}
	delete(given, "nets")
	reply(w, http.StatusAccepted, c.table("containers").add(given))
}

// advance moves a container one state on; gone tells that it is no more.
func (c *Cloud) advance(row object) (gone bool) {
	switch row["task_state"] {
	case "image_pulling":
		row["status"], row["task_state"] = "Created", "container_starting"
	case "container_starting", "container_rebooting":
		row["status"], row["task_state"], row["status_detail"] = "Running", nil, "Up 1 second"
	case "container_stopping":
		row["status"], row["task_state"], row["status_detail"] = "Stopped", nil, fmt.Sprintf("Exited(%d) 1 second ago", 137)
	case "container_deleting":
		return true
	}
	return false
}

// act begins an action that the container's status allows.
func act(w http.ResponseWriter, row object, action string) {
	allowed := map[string]struct {
		from []string
		task string
	}{
		"start":  {[]string{"Created", "Stopped"}, "container_starting"},
		"stop":   {[]string{"Running"}, "container_stopping"},
		"reboot": {[]string{"Created", "Running", "Stopped"}, "container_rebooting"},
	}
	a, known := allowed[action]
	switch {
	case !known:
		refuse(w, http.StatusNotFound, action)
	case row["task_state"] != nil, !slices.Contains(a.from, text(row["status"])):
		refuse(w, http.StatusConflict, "status")
	default:
		row["task_state"] = a.task
		reply(w, http.StatusAccepted, nil)
	}
}
