package database

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"

	"github.com/gophercloud/gophercloud/v2"

	"github.com/yunqiao/yunqiao/drivers/openstack/rest"
	"github.com/yunqiao/yunqiao/drivers/openstack/session"
	"github.com/yunqiao/yunqiao/drivers/sdk"
)

// instance is Trove's instance as the driver reads it.
type instance struct {
	ID              string         `json:"id"`
	Name            string         `json:"name"`
	Status          string         `json:"status"`
	OperatingStatus *string        `json:"operating_status"` // since Wallaby; empty while a task is under way
	Flavor          reference      `json:"flavor"`
	Datastore       datastoreOf    `json:"datastore"`
	Volume          volume         `json:"volume"`
	Access          access         `json:"access"`
	Addresses       []address      `json:"addresses"`
	Hostname        string         `json:"hostname"` // in place of addresses where Trove has a DNS
	Replicas        []reference    `json:"replicas"`
	Fault           *fault         `json:"fault"`
	CreatedAt       rest.Timestamp `json:"created"`
	UpdatedAt       rest.Timestamp `json:"updated"`
}

type reference struct {
	ID string `json:"id"`
}

type datastoreOf struct {
	Type          string `json:"type"`
	Version       string `json:"version"`
	VersionNumber string `json:"version_number"` // not in lists of old releases
}

type volume struct {
	Size int32  `json:"size"` // GiB
	Type string `json:"type"`
}

type access struct {
	IsPublic     bool     `json:"is_public"`
	AllowedCIDRs []string `json:"allowed_cidrs"`
}

type address struct {
	Address string `json:"address"`
	Type    string `json:"type"` // private or public
	Network string `json:"network"`
}

type fault struct {
	Message string `json:"message"`
}

// datastore is a kind of database, by its operator's name, with its versions.
type datastore struct {
	ID             string    `json:"id"`
	Name           string    `json:"name"`
	DefaultVersion string    `json:"default_version"`
	Versions       []version `json:"versions"`
}

type version struct {
	ID     string          `json:"id"`
	Name   string          `json:"name"`
	Number string          `json:"version"` // since Wallaby
	Active json.RawMessage `json:"active"`  // told to administrators, as its database keeps it: a truth or a number
}

// inactive is what only administrators see.
func (v version) inactive() bool { return string(v.Active) == "0" || string(v.Active) == "false" }

func readInstance(ctx context.Context, s *session.Session, id string) (*instance, error) {
	if err := session.UUID(typeInstance, id); err != nil {
		return nil, err
	}
	var body struct {
		Instance *instance `json:"instance"`
	}
	body.Instance = &instance{}
	_, err := s.Database.Get(ctx, s.Database.ServiceURL("instances", id), &body, nil)
	return body.Instance, session.Error(err, typeInstance, id)
}

// instancePage is one page; next is the marker of the following, empty at the end.
type instancePage struct {
	list []instance
	next string
}

// readPage reads the page behind a marker, an id that need not exist any more. The
// error is the cloud's own.
func readPage(ctx context.Context, s *session.Session, limit int, marker string) (instancePage, error) {
	query := url.Values{"limit": {strconv.Itoa(limit)}}
	rest.SetIf(query, "marker", marker)
	var body struct {
		Instances []instance         `json:"instances"`
		Links     []gophercloud.Link `json:"links"`
	}
	_, err := s.Database.Get(ctx, s.Database.ServiceURL("instances", "detail")+"?"+query.Encode(), &body, nil)
	p := instancePage{list: body.Instances}
	for _, link := range body.Links {
		if next, parseErr := url.Parse(link.Href); parseErr == nil && link.Rel == "next" {
			p.next = next.Query().Get("marker")
		}
	}
	return p, err
}

// wholePage is asked for where all is read; the operator's limit is lower.
const wholePage = 1000

func readAll(ctx context.Context, s *session.Session) ([]instance, error) {
	return sdk.ReadAll(ctx, func(ctx context.Context, marker string) ([]instance, string, error) {
		p, err := readPage(ctx, s, wholePage, marker)
		return p.list, p.next, session.Error(err, typeInstance, "")
	})
}

func readDatastores(ctx context.Context, s *session.Session) ([]datastore, error) {
	var body struct {
		Datastores []datastore `json:"datastores"`
	}
	_, err := s.Database.Get(ctx, s.Database.ServiceURL("datastores"), &body, nil)
	return body.Datastores, session.Error(err, typeEngine, "")
}

// write sends a change. The error is the cloud's own.
func write(ctx context.Context, s *session.Session, method, address string, body, answer any) error {
	_, err := s.Database.Request(ctx, method, address, &gophercloud.RequestOpts{
		JSONBody: body, JSONResponse: answer, OkCodes: []int{http.StatusOK, http.StatusAccepted},
	})
	return err
}
