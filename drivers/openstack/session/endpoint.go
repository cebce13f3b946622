package session

import (
	"regexp"
	"strings"

	"github.com/gophercloud/gophercloud/v2"
)

// address says how the addresses of a service begin.
type address struct {
	version string
	// inCatalog tells that the catalogue usually gives the version; otherwise it is
	// put behind what the catalogue gives.
	inCatalog bool
	// project tells that the project's id follows the version.
	project bool
}

// versionInPath is a version in the path of an address, and all that follows.
var versionInPath = regexp.MustCompile(`/v\d+(\.\d+)?(/.*)?$`)

// setAddress makes a client ask at the right address, whether the catalogue gives
// it with or without a version.
func (a address) setAddress(client *gophercloud.ServiceClient, projectID string) {
	root := strings.TrimSuffix(client.Endpoint, "/")
	if scheme := strings.Index(root, "://"); scheme >= 0 {
		host, path, _ := strings.Cut(root[scheme+3:], "/")
		path = "/" + path
		if a.inCatalog && versionInPath.MatchString(path) {
			return
		}
		root = root[:scheme+3] + host + strings.TrimSuffix(versionInPath.ReplaceAllString(path, ""), "/")
	}
	full := root + "/" + a.version + "/"
	if a.project {
		full += projectID + "/"
	}
	if a.inCatalog {
		client.Endpoint = full
		return
	}
	client.Endpoint, client.ResourceBase = root+"/", full
}
