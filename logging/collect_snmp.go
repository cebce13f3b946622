package logging

import (
	"crypto/sha256"
	"encoding/hex"
	"log/slog"

	"github.com/yunqiao/yunqiao/logging/collect"
	"github.com/yunqiao/yunqiao/logging/entry"
	loggingv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/logging/v1"
)

// readSNMP decodes notifications; the answers to informs are to be sent when the
// records are stored.
func (m *Module) readSNMP(u *collect.UDP, c *collector, place *loggingv1.Location, sub *submission, batch []collect.Datagram) ([]entry.Record, []reply) {
	var records []entry.Record
	var replies []reply
	for _, d := range batch {
		n, report, err := sub.snmp.Read(d.Bytes)
		switch {
		case err != nil:
			c.refused.Add(1)
			m.log.Debug("SNMP message refused", slog.String("location_id", place.GetId()), slog.String("from", d.From.String()), slog.String("error", err.Error()))
			continue
		case report != nil:
			_ = u.Reply(report, d.From) // without it the sender asks again
			continue
		}
		r := entry.Record{Message: n.Text(), Original: d.Bytes, Attributes: map[string]string{"snmp_notification": n.Name}}
		if n.User != "" {
			r.Attributes["snmp_user"] = n.User
		}
		if n.Reply != nil {
			replies = append(replies, reply{n.Reply, d.From})
			sum := sha256.Sum256(append([]byte(d.From.String()+"\x00"), d.Bytes...))
			r.RecordID = "snmp:" + hex.EncodeToString(sum[:16]) // a repeat of the same inform is the same record
		}
		finish(&r, place, sub, d.From.Addr().String())
		records = append(records, r)
	}
	return records, replies
}
