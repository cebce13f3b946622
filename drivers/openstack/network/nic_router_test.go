package network

import (
	"net/url"
	"testing"

	"github.com/yunqiao/yunqiao/drivers/openstack/rest"
	"github.com/yunqiao/yunqiao/drivers/openstack/session"
)

// TestWithoutRouters: where the network service has no routers it has no floating IPs
// either, and is not asked for them.
func TestWithoutRouters(t *testing.T) {
	t.Parallel()
	s := &session.Session{}
	if bound, err := boundPublicIPs(t.Context(), s, rest.For(s, nil), url.Values{}); err != nil || len(bound) != 0 {
		t.Errorf("%v, %v", bound, err)
	}
}
