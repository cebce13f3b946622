package zonal

import (
	"context"

	"github.com/yunqiao/yunqiao/drivers/alibaba/api"
	"github.com/yunqiao/yunqiao/drivers/alibaba/kind"
	"github.com/yunqiao/yunqiao/drivers/alibaba/session"
)

// find is [kind.Kind.Find] for what has our ids and not the cloud's. An id that is none
// of ours is missing.
func find[T any](ctx context.Context, s *session.Session, p *Product, k kind.Kind[T], req kind.PageRequest, params api.Params) (kind.Page[T], error) {
	asked := ownIDs{PageRequest: req}
	var unknown []string
	for _, id := range req.GetIds() {
		if own := p.own(id); own != "" {
			asked.ids = append(asked.ids, own)
		} else {
			unknown = append(unknown, id)
		}
	}
	if len(unknown) > 0 && len(asked.ids) == 0 {
		return kind.Page[T]{Missing: unknown}, nil
	}
	page, err := k.Find(ctx, s, asked, params)
	for i, id := range page.Missing {
		page.Missing[i] = p.publicID(id)
	}
	page.Missing = append(page.Missing, unknown...)
	return page, err
}

// ownIDs is a request whose ids are the cloud's.
type ownIDs struct {
	kind.PageRequest
	ids []string
}

// GetIds implements kind.PageRequest.
func (r ownIDs) GetIds() []string { return r.ids }
