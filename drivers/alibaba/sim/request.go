package sim

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net"
	"net/http"
	"net/url"
	"strings"
)

// maxBody is the largest body that is read.
const maxBody = 8 << 20

// request is what the protocol says of a call, in either version of signatures.
type request struct {
	http       *http.Request
	parameters map[string]string // of query and form, common ones too
	body       []byte
	action     string
	version    string
	xml        bool // the answer's form
	source     string
}

var errTwice = errors.New("a parameter was sent twice")

func readRequest(w http.ResponseWriter, r *http.Request) (*request, error) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		return nil, err
	}
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, err
	}
	q := &request{http: r, parameters: map[string]string{}, body: body, source: clientAddress(r)}
	if err := q.merge(query); err != nil {
		return nil, err
	}
	switch media, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); media {
	case "application/x-www-form-urlencoded":
		form, err := url.ParseQuery(string(body))
		if err != nil {
			return nil, err
		}
		if err := q.merge(form); err != nil {
			return nil, err
		}
	case "application/json":
		q.mergeJSON(body)
	}
	q.action, q.version = r.Header.Get("x-acs-action"), r.Header.Get("x-acs-version")
	if q.action == "" {
		q.action, q.version = q.parameters["Action"], q.parameters["Version"]
		q.xml = !strings.EqualFold(q.parameters["Format"], "json")
	}
	return q, nil
}

// merge adds the parameters of query or form. What stands in both is the form's, as
// clients sign it that way.
func (q *request) merge(values url.Values) error {
	for name, list := range values {
		if len(list) > 1 {
			return errTwice
		}
		q.parameters[name] = list[0]
	}
	return nil
}

// mergeJSON takes the members of a JSON body that are plain; others as JSON text.
func (q *request) mergeJSON(body []byte) {
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	var members obj
	if d.Decode(&members) != nil {
		return
	}
	for name, v := range members {
		if s := text(v); s != "" {
			q.parameters[name] = s
		} else if encoded, err := json.Marshal(v); err == nil && v != nil {
			q.parameters[name] = string(encoded)
		}
	}
}

// regionOf is the region that a call is for: its parameter or the host name; told is
// false if neither names one, and then it is the first.
func (s *Sim) regionOf(q *request) (region string, told bool) {
	if r := q.parameters["RegionId"]; r != "" {
		return r, true
	}
	for _, r := range s.opts.Regions {
		if strings.Contains(q.http.Host, r) {
			return r, true
		}
	}
	return s.opts.Regions[0], false
}

// regional are the products that have a service of their own in each region.
var regional = []string{"Ecs", "Vpc", "Slb", "Rds", "Eci"}

// regionKnown refuses a region that the cloud does not have.
func (c *call) regionKnown() error {
	if c.sim.zones(c.region) != nil || !contains(regional, c.action.Product.Name) {
		return nil
	}
	return c.failOne([]string{"InvalidRegionId.NotFound", "InvalidRegionId", "InvalidRegion.NotFound", "InvalidRegionId.NotFound"}, "The specified RegionId does not exist.")
}

func clientAddress(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}
