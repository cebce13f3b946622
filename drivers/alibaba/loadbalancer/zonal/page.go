package zonal

import (
	"context"

	"github.com/yunqiao/yunqiao/drivers/alibaba/api"
	"github.com/yunqiao/yunqiao/drivers/alibaba/kind"
	"github.com/yunqiao/yunqiao/drivers/alibaba/session"
)

// find is [kind.Kind.Find] for what has our ids and not the cloud's.
func find[T any](ctx context.Context, s *session.Session, p *Product, k kind.Kind[T], req kind.PageRequest, params api.Params) (kind.Page[T], error) {
	page, err := k.Find(ctx, s, ownIDs{req, p}, params)
	for i, id := range page.Missing {
		page.Missing[i] = p.publicID(id)
	}
	return page, err
}

// ownIDs is a request whose ids are the cloud's.
type ownIDs struct {
	kind.PageRequest
	product *Product
}

// GetIds implements kind.PageRequest. What is no id of the product cannot be found.
func (r ownIDs) GetIds() []string {
	asked := r.PageRequest.GetIds()
	ids := make([]string, len(asked))
	for i, id := range asked {
		if ids[i] = r.product.own(id); ids[i] == "" {
			ids[i] = id
		}
	}
	return ids
}
