package compute

import (
	"context"
	"time"

	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/flavors"

	"github.com/yunqiao/yunqiao/drivers/openstack/session"
)

// flavorRecheck is how soon the cached list is read again for a flavor that is
// not in it.
const flavorRecheck = time.Minute

// allFlavors reads the flavors that the project may use, public or not, sorted
// as the cloud does.
func allFlavors(ctx context.Context, s *session.Session) ([]flavors.Flavor, error) {
	list, err := s.Flavors.Get(ctx, "", loadFlavors(s))
	return list, session.Error(err, "", "")
}

// findFlavor finds a flavor that is; nil: there is none, even after looking again.
func findFlavor(ctx context.Context, s *session.Session, is func(*flavors.Flavor) bool) (*flavors.Flavor, error) {
	list, err := allFlavors(ctx, s)
	if err != nil {
		return nil, err
	}
	if f := pick(list, is); f != nil {
		return f, nil
	}
	if list, err = s.Flavors.GetFresh(ctx, "", flavorRecheck, loadFlavors(s)); err != nil {
		return nil, session.Error(err, "", "")
	}
	return pick(list, is), nil
}

func flavorByID(ctx context.Context, s *session.Session, id string) (*flavors.Flavor, error) {
	return findFlavor(ctx, s, func(f *flavors.Flavor) bool { return f.ID == id })
}

// flavorIDByName is the id of the flavor with this name; empty: it was removed.
func flavorIDByName(ctx context.Context, s *session.Session, name string) (string, error) {
	f, err := findFlavor(ctx, s, func(f *flavors.Flavor) bool { return f.Name == name })
	if f == nil {
		return "", err
	}
	return f.ID, nil
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
