package compute

import (
	"context"
	"net/url"
	"strconv"
	"time"

	computev1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/compute/v1"

	"github.com/yunqiao/yunqiao/drivers/openstack/session"
)

// changesPage is how many servers one call asks for: Nova's own limit.
const changesPage = 1000

// Feeds are the types whose changes this account's Nova tells.
func Feeds(s *session.Session) session.Feeds {
	if s.Compute == nil {
		return nil
	}
	return session.Feeds{typeVM: changedVMs}
}

// changedVMs lists the servers that changed, the deleted ones among them. Source:
// Compute API, "List Servers", changes-since.
func changedVMs(ctx context.Context, s *session.Session, since time.Time) (session.Changed, error) {
	var changed session.Changed
	query := url.Values{"changes-since": {since.UTC().Format(time.RFC3339)}, "limit": {strconv.Itoa(changesPage)}}
	for {
		servers, more, err := readServers(ctx, s, query)
		if err != nil {
			return session.Changed{}, session.Error(err, typeVM, "")
		}
		for i := range servers {
			if stateOf(servers[i].Status, servers[i].TaskState) == computev1.VmState_VM_STATE_DELETED {
				changed.Deleted = append(changed.Deleted, servers[i].ID)
				continue
			}
			changed.IDs = append(changed.IDs, servers[i].ID)
		}
		if !more || len(servers) == 0 {
			return changed, nil
		}
		query.Set("marker", servers[len(servers)-1].ID)
	}
}
