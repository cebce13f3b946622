package rest

import (
	"context"
	"maps"
	"net/url"
	"slices"

	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"

	"github.com/yunqiao/yunqiao/drivers/sdk"
)

// Others tells which resources of other projects a member of the client's project is
// shown. It is called where there are such.
type Others[T any] func(ctx context.Context, client *Client) (shown func(*T) bool, err error)

// Where shows those resources of other projects of which a condition holds.
func Where[T any](shown func(*T) bool) Others[T] {
	return func(context.Context, *Client) (func(*T) bool, error) { return shown, nil }
}

// networks are those of the network service, as far as they tell what is shown of that
// which is in them. They are constants in all but name.
var networks = Collection[network]{
	Path: "networks", One: "network", Many: "networks", Type: "network.network",
	Common:   func(v *network) *Common { return &v.Common },
	Others:   Where(func(v *network) bool { return v.Shared }),
	OthersBy: []string{"shared"},
}

type network struct {
	Common
	Shared bool `json:"shared"`
}

// InSharedNetworks shows what is in the networks that others share with the project, as
// subnets are. Of external networks members are shown no subnets.
//
// Source: Neutron's policies, "get_subnet".
func InSharedNetworks[T any](networkOf func(*T) string) Others[T] {
	return inNetworks(networkOf, url.Values{"shared": {"true"}}, func(_ *Client, v *network) bool { return v.Shared })
}

// InOwnNetworks shows what others, or nobody, have in the project's networks, as ports
// are. The ports of routers' gateways and of floating IPs belong to nobody, and are in
// networks of others.
//
// Source: Neutron's policies, "admin_owner_or_network_owner".
func InOwnNetworks[T any](networkOf func(*T) string) Others[T] {
	return inNetworks(networkOf, url.Values{}, func(client *Client, v *network) bool { return networks.isOwn(client, v) })
}

func inNetworks[T any](networkOf func(*T) string, query url.Values, counts func(*Client, *network) bool) Others[T] {
	return func(ctx context.Context, client *Client) (func(*T) bool, error) {
		query := maps.Clone(query)
		query.Set("fields", "id")
		if len(query["shared"]) == 0 {
			query.Set("project_id", client.account.ProjectID)
		}
		list, err := networks.List(ctx, client, query)
		if err != nil {
			return nil, err
		}
		ids := make(map[string]bool, len(list))
		for i := range list {
			ids[list[i].ID] = counts(client, &list[i])
		}
		return func(v *T) bool { return ids[networkOf(v)] }, nil
	}
}

// visible leaves out what a member of the client's project is not shown.
func (c Collection[T]) visible(ctx context.Context, client *Client, items []T) ([]T, error) {
	isOthers := func(v T) bool { return !c.isOwn(client, &v) }
	if !slices.ContainsFunc(items, isOthers) {
		return items, nil
	}
	shown := func(*T) bool { return false }
	if c.Others != nil {
		var err error
		if shown, err = c.Others(ctx, client); err != nil {
			return nil, err
		}
	}
	return slices.DeleteFunc(slices.Clone(items), func(v T) bool { return isOthers(v) && !shown(&v) }), nil
}

func (c Collection[T]) isOwn(client *Client, v *T) bool {
	return c.Common(v).ProjectID == client.account.ProjectID
}

// own asks the service for the project's resources alone, where no others are shown,
// and for the fields that tell which they are.
func (c Collection[T]) own(client *Client, query url.Values) url.Values {
	query = maps.Clone(query)
	if query == nil {
		query = url.Values{}
	}
	if c.Others == nil {
		query.Set("project_id", client.account.ProjectID)
	}
	if len(query["fields"]) > 0 {
		query["fields"] = slices.Concat(query["fields"], []string{"project_id"}, c.OthersBy)
	}
	return query
}

// MayChange refuses what the service would let an administrator do to the resources of
// other projects. Errors: NOT_FOUND, CLOUD_PERMISSION_DENIED for what is only shown.
func (c Collection[T]) MayChange(ctx context.Context, client *Client, id string) error {
	administrator, err := client.account.Administrator()
	if err != nil || !administrator {
		return err
	}
	v, err := c.Get(ctx, client, id)
	if err != nil || c.OthersToo || c.isOwn(client, v) {
		return err
	}
	return sdk.NewError(apiv1.Reason_REASON_CLOUD_PERMISSION_DENIED, sdk.Resource(c.Type, id))
}
