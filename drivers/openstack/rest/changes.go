package rest

import (
	"context"
	"net/url"
	"time"

	"github.com/yunqiao/yunqiao/drivers/openstack/session"
)

// Changes reads ids and times of all resources, with the further fields that keep
// needs, and tells which a listing would have now and which of those changed. The
// services answer with all in one call, unless their operator limits the size of a
// page. They do not tell deletions.
//
// Source: Networking API v2, "standard-attr-timestamp" and "Filtering and Column
// Selection"; Load Balancer API v2, "Response attributes".
func (c Collection[T]) Changes(ctx context.Context, client *Client, since time.Time, keep func(*T) bool, fields ...string) (session.Changed, error) {
	items, err := c.List(ctx, client, url.Values{"fields": append([]string{"id", "created_at", "updated_at"}, fields...)})
	if err != nil {
		return session.Changed{}, err
	}
	var total int32
	changed := session.Changed{Total: &total}
	for i := range items {
		if keep != nil && !keep(&items[i]) {
			continue
		}
		total++
		v := c.Common(&items[i])
		if at := v.UpdatedAt.Time; !at.Before(since) || at.IsZero() && !v.CreatedAt.Before(since) {
			changed.IDs = append(changed.IDs, v.ID)
		}
	}
	return changed, nil
}
