package storage

import (
	"context"
	"net/url"
	"strconv"
	"time"

	"github.com/gophercloud/gophercloud/v2"

	"github.com/yunqiao/yunqiao/drivers/openstack/session"
)

// versionTimeFilter is the microversion that filters volumes by time; counting came
// before, with 3.45.
const versionTimeFilter = 60

// Feeds are the types whose changes this account's Cinder tells.
func Feeds(s *session.Session) session.Feeds {
	if !session.AtLeast(s.Volume, versionTimeFilter) {
		return nil
	}
	return session.Feeds{typeDisk: changedDisks}
}

// changedDisks lists the volumes that changed, and counts all: deletions are not
// told. Source: Block Storage API v3, "List accessible volumes", updated_at and
// with_count.
func changedDisks(ctx context.Context, s *session.Session, since time.Time) (session.Changed, error) {
	var changed session.Changed
	query := url.Values{"updated_at": {"gte:" + since.UTC().Format("2006-01-02T15:04:05")}, "limit": {strconv.Itoa(wholePage)}}
	for {
		page, err := readVolumeIDs(ctx, s, query)
		if err != nil {
			return session.Changed{}, err
		}
		for _, v := range page.Volumes {
			changed.IDs = append(changed.IDs, v.ID)
		}
		if len(page.Links) == 0 || len(page.Volumes) == 0 {
			break
		}
		query.Set("marker", page.Volumes[len(page.Volumes)-1].ID)
	}
	all, err := readVolumeIDs(ctx, s, url.Values{"limit": {"1"}, "with_count": {"true"}})
	changed.Total = &all.Count
	return changed, err
}

// volumeIDs is a page of volumes without details.
type volumeIDs struct {
	Volumes []struct {
		ID string `json:"id"`
	} `json:"volumes"`
	Links []gophercloud.Link `json:"volumes_links"`
	Count int32              `json:"count"`
}

func readVolumeIDs(ctx context.Context, s *session.Session, query url.Values) (volumeIDs, error) {
	var body volumeIDs
	_, err := s.Volume.Get(ctx, s.Volume.ServiceURL("volumes")+"?"+query.Encode(), &body, nil)
	return body, session.Error(err, typeDisk, "")
}
