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

// TestLocate: catalogues of old clouds have three entries of volumes, or one without a
// version.
func TestLocate(t *testing.T) {
	t.Parallel()
	const name, project = "http://c:8776/", "p"
	volume := address{kind: "block-storage", version: "v3", inCatalog: true, project: true}
	for what, tc := range map[string]struct {
		address address
		catalog map[string]string
		want    string // empty: absent
	}{
		"three entries":         {volume, map[string]string{"volume": name + "v1/p/", "volumev2": name + "v2/p/", "volumev3": name + "v3/p/"}, name + "v3/p/"},
		"by its present name":   {volume, map[string]string{"volumev2": name + "v2/p/", "block-storage": name + "v3/p/"}, name + "v3/p/"},
		"of an old version":     {volume, map[string]string{"volume": name + "v1/p/", "volumev2": name + "v2/p/"}, ""},
		"without a version":     {volume, map[string]string{"block-storage": name}, name + "v3/p/"},
		"compute before 2016":   {address{kind: "compute", version: "v2.1", inCatalog: true}, map[string]string{"compute": "http://c/v2/"}, "http://c/v2/"},
		"another service alone": {volume, map[string]string{"compute": "http://c/v2.1/"}, ""},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			provider := &gophercloud.ProviderClient{EndpointLocator: func(eo gophercloud.EndpointOpts) (string, error) {
				for _, kind := range eo.Types() {
					if found := tc.catalog[kind]; found != "" {
						return found, nil
					}
				}
				return "", &gophercloud.ErrEndpointNotFound{}
			}}
			client, err := tc.address.locate(provider, gophercloud.EndpointOpts{}, project)
			switch {
			case tc.want == "" && !absent(err):
				t.Errorf("found %+v, %v", client, err)
			case tc.want != "" && (err != nil || client.Endpoint != tc.want):
				t.Errorf("found %+v, %v; want %s", client, err, tc.want)
			}
		})
	}
}
