package session

import "github.com/gophercloud/gophercloud/v2"

// newMetricV1 finds Gnocchi in the catalogue, which gophercloud does not know.
func newMetricV1(provider *gophercloud.ProviderClient, eo gophercloud.EndpointOpts) (*gophercloud.ServiceClient, error) {
	eo.ApplyDefaults("metric")
	endpoint, err := provider.EndpointLocator(eo)
	if err != nil {
		return nil, err
	}
	return &gophercloud.ServiceClient{ProviderClient: provider, Endpoint: endpoint, Type: "metric"}, nil
}
