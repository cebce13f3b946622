package session

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack/utils"

	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"

	"github.com/yunqiao/yunqiao/drivers/sdk"
)

// Microversions: the newest whose behaviour the driver knows, and the lowest
// with which it works at all. Between them features are left out (AtLeast).
const (
	computeNewest = 90 // 2.90: host name at create
	computeLowest = 53 // 2.53: Pike, server tags at create (2.52)
	volumeNewest  = 66 // 3.66: snapshot of a volume in use without force
	volumeLowest  = 0
)

// AtLeast tells whether the client's negotiated microversion has this minor number.
func AtLeast(client *gophercloud.ServiceClient, minor int) bool {
	if client == nil {
		return false
	}
	_, digits, _ := strings.Cut(client.Microversion, ".")
	n, err := strconv.Atoi(digits)
	return err == nil && n >= minor
}

// negotiate sets the newest microversion that both sides know. Errors:
// UNSUPPORTED_FEATURE, and the contract's for a service that does not answer: one that
// is away must not be taken for an ancient one.
func negotiate(ctx context.Context, client *gophercloud.ServiceClient, major string, lowest, newest int) error {
	if client == nil {
		return nil
	}
	base, err := utils.BaseVersionedEndpoint(client.Endpoint)
	if err != nil {
		return fmt.Errorf("read address of %s service: %w", client.Type, err)
	}
	var document versionDocument
	_, err = client.ProviderClient.Request(ctx, http.MethodGet, gophercloud.NormalizeURL(base),
		&gophercloud.RequestOpts{JSONResponse: &document, OkCodes: []int{http.StatusOK, http.StatusMultipleChoices}})
	if err != nil && !withholds(err) {
		return silent(client.Type, err)
	}
	offered := document.newest(major)
	if offered < lowest {
		return sdk.NewError(apiv1.Reason_REASON_UNSUPPORTED_FEATURE,
			sdk.Feature(client.Type+".microversion."+major+"."+strconv.Itoa(lowest)))
	}
	client.Microversion = major + "." + strconv.Itoa(min(offered, newest))
	return nil
}

// withholds tells whether a service answered, and only does not tell what it was asked.
func withholds(err error) bool {
	fault, ok := faultOf(err)
	if !ok {
		return false
	}
	switch fault.status {
	case http.StatusBadRequest, http.StatusForbidden, http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusNotAcceptable, http.StatusGone, http.StatusNotImplemented:
		return true
	}
	return false
}

// silent is the contract's error for a service that did not answer as the account was
// opened, and names the service.
func silent(service string, err error) error {
	var opts []sdk.ErrorOption
	if f, ok := faultOf(err); ok {
		opts = append(opts, sdk.Provider(f.code, f.status, f.requestID, service+" service: "+f.text))
	}
	return Error(fmt.Errorf("%s service: %w", service, err), "", "", opts...)
}

// versionDocument is what a service tells of its versions, in one of three shapes:
// a list, one in an envelope, or one without.
type versionDocument struct {
	Versions   []apiVersion    `json:"versions"`
	Version    json.RawMessage `json:"version"` // the envelope, or the newest microversion
	MaxVersion string          `json:"max_version"`
}

// apiVersion is one version of an API; services call its newest microversion one or the
// other name.
type apiVersion struct {
	Version    string `json:"version"`
	MaxVersion string `json:"max_version"`
}

// newest is the highest minor number that is offered beside the major one; 0: none.
func (d versionDocument) newest(major string) int {
	all := append([]apiVersion{{MaxVersion: d.MaxVersion}}, d.Versions...)
	var one apiVersion
	if json.Unmarshal(d.Version, &one) == nil {
		all = append(all, one)
	} else if text := ""; json.Unmarshal(d.Version, &text) == nil {
		all = append(all, apiVersion{Version: text})
	}
	highest := 0
	for _, v := range all {
		for _, text := range []string{v.Version, v.MaxVersion} {
			first, digits, _ := strings.Cut(text, ".")
			if minor, err := strconv.Atoi(digits); err == nil && first == major {
				highest = max(highest, minor)
			}
		}
	}
	return highest
}
