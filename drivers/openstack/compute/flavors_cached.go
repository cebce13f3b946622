package compute

import (
	"context"
	"time"

	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/flavors"

	"github.com/yunqiao/yunqiao/drivers/openstack/session"
)

// flavorRecheck is how soon the cached list is read again for a name that is not
// in it.
const flavorRecheck = time.Minute

// allFlavors reads the flavors that the project may use, public or not, sorted
// as the cloud does.
func allFlavors(ctx context.Context, s *session.Session) ([]flavors.Flavor, error) {
	list, err := s.Flavors.Get(ctx, "", loadFlavors(s))
	return list, session.Error(err, "", "")
}

// flavorByID finds a flavor; nil: there is none. One that the list lacks may have
// been made since it was read, so Nova is asked for it alone.
func flavorByID(ctx context.Context, s *session.Session, id string) (*flavors.Flavor, error) {
	is := func(f *flavors.Flavor) bool { return f.ID == id }
	list, err := allFlavors(ctx, s)
	if err != nil {
		return nil, err
	}
	if f := pick(list, is); f != nil || id == "" {
		return f, nil
	}
	if _, err := flavors.Get(ctx, s.Compute, session.PathEscape(id)).Extract(); err != nil {
		if session.IsNotFound(err) || isBadRequest(err) {
			return nil, nil
		}
		return nil, session.Error(err, typeFlavor, id)
	}
	return pickFresh(ctx, s, 0, is)
}

// flavorIDByName is the id of the flavor with this name; empty: it was removed. For
// names that are not in the list it is read anew once in a while only, because every
// VM of a removed flavor asks.
func flavorIDByName(ctx context.Context, s *session.Session, name string) (string, error) {
	is := func(f *flavors.Flavor) bool { return f.Name == name }
	list, err := allFlavors(ctx, s)
	if err != nil {
		return "", err
	}
	f := pick(list, is)
	if f == nil {
		f, err = pickFresh(ctx, s, flavorRecheck, is)
	}
	if f == nil {
		return "", err
	}
	return f.ID, nil
}

// pickFresh picks from a list that is not older than maxAge.
func pickFresh(ctx context.Context, s *session.Session, maxAge time.Duration, is func(*flavors.Flavor) bool) (*flavors.Flavor, error) {
	list, err := s.Flavors.GetFresh(ctx, "", maxAge, loadFlavors(s))
	return pick(list, is), session.Error(err, "", "")
}

func pick(list []flavors.Flavor, is func(*flavors.Flavor) bool) *flavors.Flavor {
	for i := range list {
		if is(&list[i]) {
			return &list[i]
		}
	}
	return nil
}

func loadFlavors(s *session.Session) func(context.Context) ([]flavors.Flavor, error) {
	return func(ctx context.Context) ([]flavors.Flavor, error) {
		page, err := flavors.ListDetail(s.Compute, flavors.ListOpts{AccessType: flavors.AllAccess}).AllPages(ctx)
		if err != nil {
			return nil, err
		}
		return flavors.ExtractFlavors(page)
	}
}
