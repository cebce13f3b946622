package notify

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"time"

	monitorv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/monitor/v1"
)

const (
	syslogFacility = 16 // local0
	syslogWait     = 10 * time.Second
	maxDatagram    = 8 << 10 // RFC 5425, 4.3.1: what every receiver should take
)

type syslogSender struct {
	scheme, address string
	tls             *tls.Config
	opts            Options
}

// Close implements Sender.
func (s *syslogSender) Close() {}

// Send sends one message for each record: RFC 5424 with the element of RFC 5674. Over
// TCP and TLS a batch has a connection of its own; the records are taken when the
// receiver, having read to the end, closes its side too.
func (s *syslogSender) Send(ctx context.Context, records []*monitorv1.AlarmRecord) (int, error) {
	dialer := s.opts.Policy.Dialer()
	if s.scheme == "udp" {
		conn, err := dialer.DialContext(ctx, "udp", s.address)
		if err != nil {
			return 0, err
		}
		defer func() { _ = conn.Close() }()
		for i, r := range records {
			message := s.message(r)
			if _, err := conn.Write(message[:min(len(message), maxDatagram)]); err != nil {
				return i, err
			}
		}
		return len(records), nil
	}
	var conn net.Conn
	var err error
	if s.scheme == "tls" {
		conn, err = (&tls.Dialer{NetDialer: dialer, Config: s.tls}).DialContext(ctx, "tcp", s.address)
	} else {
		conn, err = dialer.DialContext(ctx, "tcp", s.address)
	}
	if err != nil {
		return 0, err
	}
	defer func() { _ = conn.Close() }()
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	if err := conn.SetDeadline(time.Now().Add(syslogWait)); err != nil {
		return 0, err
	}
	var frames []byte
	for _, r := range records {
		message := s.message(r)
		frames = fmt.Appendf(frames, "%d %s", len(message), message)
	}
	if _, err := conn.Write(frames); err != nil {
		return 0, err
	}
	if half, ok := conn.(interface{ CloseWrite() error }); ok {
		if err := half.CloseWrite(); err != nil {
			return 0, err
		}
	}
	if _, err := io.Copy(io.Discard, io.LimitReader(conn, 64<<10)); err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		return 0, fmt.Errorf("the receiver did not close the connection: %w", err)
	}
	return len(records), nil
}

// message is RFC 5424 with BOM. The mapping of severities is that of RFC 5674, 2.
func (s *syslogSender) message(r *monitorv1.AlarmRecord) []byte {
	a := r.GetAlarm()
	perceived, level := SeverityName(a.GetSeverity()), map[monitorv1.Severity]int{
		monitorv1.Severity_SEVERITY_CRITICAL: 1, monitorv1.Severity_SEVERITY_MAJOR: 2, monitorv1.Severity_SEVERITY_MINOR: 3,
		monitorv1.Severity_SEVERITY_WARNING: 4,
	}[a.GetSeverity()]
	cleared := ""
	if a.GetClearedAt() != nil {
		perceived, level, cleared = "cleared", 0, a.GetClearedAt().AsTime().Format(time.RFC3339Nano)
	}
	if level == 0 {
		level = 5
	}
	cause := a.GetProbableCause()
	if cause == "" {
		cause = "other"
	}
	var out strings.Builder
	fmt.Fprintf(&out, "<%d>1 %s %s yunqiao - alarm ", syslogFacility*8+level, r.GetAt().AsTime().UTC().Format("2006-01-02T15:04:05.000000Z"), s.opts.Host)
	element := func(id string, pairs ...string) {
		out.WriteString("[" + id)
		for i := 0; i < len(pairs); i += 2 {
			if pairs[i+1] != "" {
				fmt.Fprintf(&out, ` %s="%s"`, pairs[i], sdValue.Replace(pairs[i+1]))
			}
		}
		out.WriteByte(']')
	}
	element("alarm", "resource", a.GetObjectId(), "probableCause", cause, "perceivedSeverity", perceived, "eventType", eventType(a.GetType()))
	element("yunqiao@32473", "number", a.GetNumber(), "id", a.GetId(), "name", a.GetName(), "serial", r.GetSerial(),
		"change", word(r.GetChange().String(), "ALARM_CHANGE_"), "dataType", word(a.GetDataType().String(), "ALARM_DATA_TYPE_"),
		"raisedAt", a.GetRaisedAt().AsTime().Format(time.RFC3339Nano), "clearedAt", cleared,
		"clearType", word(a.GetClearType().String(), "CLEAR_TYPE_"), "tenant", a.GetTenantId(), "acknowledgedBy", a.GetAcknowledgedBy())
	out.WriteString(" \ufeff" + strings.Map(oneLine, a.GetName()+": "+a.GetDescription()))
	return []byte(out.String())
}

// sdValue escapes values of structured data (RFC 5424, 6.3.3).
var sdValue = strings.NewReplacer(`\`, `\\`, `"`, `\"`, `]`, `\]`, "\n", " ", "\r", " ", "\x00", " ")

func oneLine(r rune) rune {
	if r < ' ' {
		return ' '
	}
	return r
}

// word is an enum's value in words: "object deleted"; the unspecified one is empty.
func word(name, prefix string) string {
	name = strings.TrimPrefix(name, prefix)
	if name == "UNSPECIFIED" {
		return ""
	}
	return strings.ToLower(strings.ReplaceAll(name, "_", " "))
}

// eventType is the word of RFC 5674 (IANAItuEventType).
func eventType(t monitorv1.AlarmType) string {
	return map[monitorv1.AlarmType]string{
		monitorv1.AlarmType_ALARM_TYPE_COMMUNICATIONS: "communicationsAlarm", monitorv1.AlarmType_ALARM_TYPE_QUALITY_OF_SERVICE: "qualityOfServiceAlarm",
		monitorv1.AlarmType_ALARM_TYPE_PROCESSING_ERROR: "processingErrorAlarm", monitorv1.AlarmType_ALARM_TYPE_EQUIPMENT: "equipmentAlarm",
		monitorv1.AlarmType_ALARM_TYPE_ENVIRONMENTAL: "environmentalAlarm", monitorv1.AlarmType_ALARM_TYPE_SECURITY: "securityServiceOrMechanismViolation",
	}[t]
}
