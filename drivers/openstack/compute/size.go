package compute

import (
	"context"
	"net/url"

	"github.com/yunqiao/yunqiao/drivers/openstack/session"
	"github.com/yunqiao/yunqiao/drivers/sdk"
)

// Size is what a server has by its flavor; 0: not known.
type Size struct {
	ID               string
	VCPUs, MemoryMiB int
}

func sizeOf(sv *server) Size { return Size{sv.ID, sv.Flavor.VCPUs, sv.Flavor.RAM} }

// GetSize reads the size of one server. Errors: the contract's.
func GetSize(ctx context.Context, s *session.Session, id string) (Size, error) {
	if err := session.UUID(typeVM, id); err != nil {
		return Size{}, err
	}
	sv, err := readServer(ctx, s, id)
	if err != nil {
		return Size{}, session.Error(err, typeVM, id)
	}
	return sizeOf(sv), nil
}

// ListSizes reads a page of servers' sizes, or those of the ids that are asked for.
// Errors: the contract's.
func ListSizes(ctx context.Context, s *session.Session, req sdk.PageRequest) (sizes []Size, next string, missing []string, err error) {
	var list []server
	if len(req.GetIds()) > 0 {
		list, missing, err = readAll(ctx, s, req.GetIds())
	} else {
		list, next, err = readPage(ctx, s, req, func(marker string) url.Values { return pageQuery(req, marker) })
	}
	for i := range list {
		sizes = append(sizes, sizeOf(&list[i]))
	}
	return sizes, next, missing, err
}
