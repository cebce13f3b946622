package session

import (
	"net/url"
	"regexp"
	"strings"

	"github.com/gophercloud/gophercloud/v2"
)

// address says where a service is.
type address struct {
	// kind is its type in the catalogue, which has other names for most.
	kind string
	// version begins the paths of its resources.
	version string
	// inCatalog tells that the catalogue usually gives the version; otherwise it is
	// put behind what the catalogue gives.
	inCatalog bool
	// project tells that the project's id follows the version.
	project bool
}

// versionInPath is a version in the path of an address, and all that follows.
var versionInPath = regexp.MustCompile(`/v\d+(\.\d+)?(/.*)?$`)

// versionAtEnd is a version at the end of a name.
var versionAtEnd = regexp.MustCompile(`v(\d+)(\.\d+)?$`)

// locate finds a service in the catalogue, and asks nobody: one that is away is there
// too. Errors: gophercloud's, see absent.
func (a address) locate(provider *gophercloud.ProviderClient, eo gophercloud.EndpointOpts, projectID string) (*gophercloud.ServiceClient, error) {
	eo.ApplyDefaults(a.kind)
	kinds := eo.Types()
	eo.Aliases = nil
	for _, eo.Type = range kinds {
		if major := majorOf(eo.Type); major != "" && major != majorOf(a.version) {
			continue
		}
		endpoint, err := provider.EndpointLocator(eo)
		if absent(err) || err == nil && a.inCatalog && !a.speaks(endpoint) {
			continue
		}
		if err != nil {
			return nil, err
		}
		client := &gophercloud.ServiceClient{ProviderClient: provider, Endpoint: endpoint, Type: a.kind}
		a.setAddress(client, projectID)
		return client, nil
	}
	return nil, &gophercloud.ErrEndpointNotFound{}
}

// speaks tells whether an address is of the service's major version, or of none.
func (a address) speaks(endpoint string) bool {
	u, err := url.Parse(endpoint)
	if err != nil {
		return false
	}
	given := versionInPath.FindString(u.Path)
	if given == "" {
		return true
	}
	given, _, _ = strings.Cut(given[1:], "/")
	return majorOf(given) == majorOf(a.version)
}

// majorOf is the major version at the end of a name such as "volumev3" or "v2.1"; "":
// none.
func majorOf(name string) string {
	if m := versionAtEnd.FindStringSubmatch(name); m != nil {
		return m[1]
	}
	return ""
}

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
