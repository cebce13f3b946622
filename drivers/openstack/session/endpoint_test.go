package session

import (
	"testing"

	"github.com/gophercloud/gophercloud/v2"
)

func TestSetAddress(t *testing.T) {
	t.Parallel()
	compute := address{version: "v2.1", inCatalog: true}
	volume := address{version: "v3", inCatalog: true, project: true}
	network := address{version: "v2.0"}
	for name, tc := range map[string]struct {
		address address
		catalog string
		want    string
	}{
		"compute":                          {compute, "http://c:8774/v2.1/", "http://c:8774/v2.1/"},
		"compute with project":             {compute, "https://c/compute/v2.1/p/", "https://c/compute/v2.1/p/"},
		"compute without version":          {compute, "http://c:8774/", "http://c:8774/v2.1/"},
		"compute below a path":             {compute, "https://c/compute/", "https://c/compute/v2.1/"},
		"volume":                           {volume, "http://c:8776/v3/p/", "http://c:8776/v3/p/"},
		"volume without version":           {volume, "http://c:8776/", "http://c:8776/v3/p/"},
		"network":                          {network, "http://c:9696/", "http://c:9696/v2.0/"},
		"network with version":             {network, "http://c:9696/v2.0/", "http://c:9696/v2.0/"},
		"network below a path":             {network, "https://c/networking/v2.0/", "https://c/networking/v2.0/"},
		"host that begins like a version":  {network, "https://v2.example/", "https://v2.example/v2.0/"},
		"path that begins like a version":  {network, "https://c/v2cloud/network/", "https://c/v2cloud/network/v2.0/"},
		"image of an old version":          {address{version: "v2"}, "http://c:9292/v1/", "http://c:9292/v2/"},
		"container with version and paths": {address{version: "v1"}, "https://c/container/v1/", "https://c/container/v1/"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client := &gophercloud.ServiceClient{Endpoint: tc.catalog}
			tc.address.setAddress(client, "p")
			if got := client.ResourceBaseURL(); got != tc.want {
				t.Errorf("%s becomes %s, want %s", tc.catalog, got, tc.want)
			}
		})
	}
}
