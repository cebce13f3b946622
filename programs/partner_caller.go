package programs

import (
	"errors"
	"fmt"
	"time"

	"github.com/yunqiao/yunqiao/programs/gyt345"
)

// admits tells why a caller is not let in as this partner. It is for the journal and the
// log: the caller is told no more than of an unknown group.
func (p *peer) admits(from gyt345.Origin, now time.Time) error {
	switch {
	case p.row.State == partnerSuspended:
		return errors.New("the partner is suspended")
	case p.row.State != partnerActive:
		return errors.New("the partner has exited")
	case !p.from(from.IP):
		return fmt.Errorf("address %q is not in its allowed_networks", from.IP)
	case p.shows(from.Certificate, now):
		return nil
	case from.Certificate == nil:
		return errors.New("no client certificate was shown")
	default:
		return fmt.Errorf("the client certificate %s is not one of its client_certificates that are valid now", fingerprint(from.Certificate))
	}
}
