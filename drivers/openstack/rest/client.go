package rest

import (
	"github.com/gophercloud/gophercloud/v2"

	"github.com/yunqiao/yunqiao/drivers/openstack/session"
)

// Client speaks to a service for an account, which is one project: what belongs to
// others is not there, as for a member of the project, even where the account's roles
// let it see and change more.
type Client struct {
	*gophercloud.ServiceClient
	account *session.Session
}

// For is the client of one of an account's services.
func For(account *session.Session, service *gophercloud.ServiceClient) *Client {
	return &Client{service, account}
}
