package compute

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/gophercloud/gophercloud/v2"

	"github.com/yunqiao/yunqiao/drivers/openstack/session"
	"github.com/yunqiao/yunqiao/drivers/sdk"
)

// server is Nova's server as the driver reads it, microversion 2.53 to 2.90
// (https://docs.openstack.org/api-ref/compute/#show-server-details). It is not
// gophercloud's type, which has no description and loses the order of addresses.
type server struct {
	ID          string            `json:"id"`
	Name        string            `json:"name"`
	Description string            `json:"description"`
	Status      string            `json:"status"`
	TaskState   string            `json:"OS-EXT-STS:task_state"`
	PowerState  int               `json:"OS-EXT-STS:power_state"`
	Created     time.Time         `json:"created"`
	Updated     time.Time         `json:"updated"`
	LaunchedAt  string            `json:"OS-SRV-USG:launched_at"` // no zone: UTC
	HostID      string            `json:"hostId"`
	HostName    string            `json:"OS-EXT-SRV-ATTR:hostname"`
	Zone        string            `json:"OS-EXT-AZ:availability_zone"`
	KeyName     string            `json:"key_name"`
	Locked      bool              `json:"locked"`
	Metadata    map[string]string `json:"metadata"`
	Image       imageRef          `json:"image"`
	Flavor      inlineFlavor      `json:"flavor"`
	Addresses   addresses         `json:"addresses"`
	Volumes     []attachedVolume  `json:"os-extended-volumes:volumes_attached"`
	Fault       serverFault       `json:"fault"` // of a server in ERROR
}

// serverFault is what went wrong last, in Nova's words.
type serverFault struct {
	Message string `json:"message"`
}

type inlineFlavor struct {
	OriginalName string `json:"original_name"`
	VCPUs        int    `json:"vcpus"`
	RAM          int    `json:"ram"`
}

type attachedVolume struct {
	ID string `json:"id"`
}

// imageRef is the id of the image; empty for a VM that starts from a volume,
// where Nova answers "" instead of an object.
type imageRef string

// UnmarshalJSON implements json.Unmarshaler.
func (r *imageRef) UnmarshalJSON(b []byte) error {
	*r = ""
	if len(b) == 0 || b[0] != '{' {
		return nil
	}
	var image struct {
		ID string `json:"id"`
	}
	if err := json.Unmarshal(b, &image); err != nil {
		return fmt.Errorf("image of server: %w", err)
	}
	*r = imageRef(image.ID)
	return nil
}

// addresses are all addresses of a server in Nova's order: that of its NICs
// within each network, and of the networks by their first NIC.
type addresses []address

type address struct {
	Address string `json:"addr"`
	MAC     string `json:"OS-EXT-IPS-MAC:mac_addr"`
	Type    string `json:"OS-EXT-IPS:type"` // fixed or floating
}

// UnmarshalJSON reads the object member by member, for a map has no order.
func (a *addresses) UnmarshalJSON(b []byte) error {
	*a = nil
	dec := json.NewDecoder(bytes.NewReader(b))
	if token, err := dec.Token(); err != nil || token != json.Delim('{') {
		return err
	}
	for dec.More() {
		if _, err := dec.Token(); err != nil {
			return fmt.Errorf("network of addresses: %w", err)
		}
		var list []address
		if err := dec.Decode(&list); err != nil {
			return fmt.Errorf("addresses of server: %w", err)
		}
		*a = append(*a, list...)
	}
	return nil
}

// readServer reads one server. The error is the cloud's own.
func readServer(ctx context.Context, s *session.Session, id string) (*server, error) {
	var body struct {
		Server server `json:"server"`
	}
	if _, err := s.Compute.Get(ctx, s.Compute.ServiceURL("servers", id), &body, nil); err != nil {
		return nil, err
	}
	return &body.Server, nil
}

// readServers reads one page of servers with their details; more tells that
// another page follows.
func readServers(ctx context.Context, s *session.Session, query url.Values) (list []server, more bool, err error) {
	var body struct {
		Servers []server           `json:"servers"`
		Links   []gophercloud.Link `json:"servers_links"`
	}
	if _, err := s.Compute.Get(ctx, s.Compute.ServiceURL("servers", "detail")+"?"+query.Encode(), &body, nil); err != nil {
		return nil, false, err
	}
	for _, link := range body.Links {
		more = more || link.Rel == "next"
	}
	return body.Servers, more, nil
}

// act sends one action to a server. The error is the cloud's own.
func act(ctx context.Context, s *session.Session, id, action string, arguments, answer any) error {
	_, err := s.Compute.Post(ctx, s.Compute.ServiceURL("servers", id, "action"), map[string]any{action: arguments}, answer,
		&gophercloud.RequestOpts{OkCodes: []int{http.StatusOK, http.StatusAccepted, http.StatusNoContent}})
	return err
}

// parseTime reads Nova's times without zone, which are UTC.
func parseTime(s string) (time.Time, bool) {
	s = strings.TrimSuffix(s, "Z")
	for _, layout := range []string{"2006-01-02T15:04:05.999999", "2006-01-02T15:04:05"} {
		if t, err := time.Parse(layout, s); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}

func pageQuery(req sdk.PageRequest, marker string) url.Values {
	query := url.Values{"limit": {strconv.Itoa(sdk.PageSize(req))}}
	if marker != "" {
		query.Set("marker", marker)
	}
	return query
}
