package notify

import (
	"context"
	_ "embed" // of the MIB
	"encoding/hex"
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"time"

	"github.com/gosnmp/gosnmp"

	monitorv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/monitor/v1"
)

// MIB is YUNQIAO-ALARM-MIB, which says what our notifications mean.
//
//go:embed YUNQIAO-ALARM-MIB.txt
var MIB string

// Object identifiers of the MIB.
const (
	mibRoot          = "1.3.6.1.4.1.32473.355"
	mibNotifications = mibRoot + ".0."
	mibObjects       = mibRoot + ".1."
	snmpTrapOID      = "1.3.6.1.6.3.1.1.4.1.0" // RFC 3418
)

// defaultEngineID is ours for v3 traps where the channel names none: the format of RFC
// 3411 with the enterprise number of the MIB, administratively assigned text.
const defaultEngineID = "\x80\x00\x7e\xd9\x04yunqiao"

// engineEpoch is what the engine's time is counted from. RFC 3414 wants boots and time
// that never go back; with one number of boots the clock alone gives that, over
// restarts and replicas, until 2093.
var engineEpoch = time.Date(2025, time.January, 1, 0, 0, 0, 0, time.UTC)

const maxSnmpText = 2000 // octets, as the MIB says

type snmpSender struct {
	client *gosnmp.GoSNMP
	inform bool
	now    func() time.Time
}

func openSNMP(log *slog.Logger, t Target, address string, opts Options) (*snmpSender, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	number, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return nil, err
	}
	client := &gosnmp.GoSNMP{
		Target: host, Port: uint16(number), Version: gosnmp.Version2c, Community: t.Secret, Timeout: 2 * time.Second, Retries: 2,
		MaxOids: gosnmp.MaxOids, Control: opts.Policy.Control, Logger: gosnmp.NewLogger(slog.NewLogLogger(log.Handler(), slog.LevelDebug-4)),
	}
	if t.Snmp.GetAuth() != monitorv1.NotifySnmpAuth_NOTIFY_SNMP_AUTH_UNSPECIFIED {
		client.Version, client.SecurityModel, client.MsgFlags = gosnmp.Version3, gosnmp.UserSecurityModel, gosnmp.AuthNoPriv
		usm := &gosnmp.UsmSecurityParameters{
			UserName: t.Snmp.GetUser(), AuthenticationPassphrase: t.Secret, PrivacyProtocol: gosnmp.NoPriv,
			AuthenticationProtocol: map[monitorv1.NotifySnmpAuth]gosnmp.SnmpV3AuthProtocol{
				monitorv1.NotifySnmpAuth_NOTIFY_SNMP_AUTH_SHA: gosnmp.SHA, monitorv1.NotifySnmpAuth_NOTIFY_SNMP_AUTH_SHA256: gosnmp.SHA256,
				monitorv1.NotifySnmpAuth_NOTIFY_SNMP_AUTH_SHA512: gosnmp.SHA512,
			}[t.Snmp.GetAuth()],
		}
		if t.Snmp.GetPrivacyPassword() != "" {
			client.MsgFlags = gosnmp.AuthPriv
			usm.PrivacyProtocol, usm.PrivacyPassphrase = gosnmp.AES, t.Snmp.GetPrivacyPassword()
		}
		if !t.Snmp.GetInform() {
			usm.AuthoritativeEngineID = defaultEngineID
			if id, err := hex.DecodeString(t.Snmp.GetEngineId()); err == nil && len(id) > 0 {
				usm.AuthoritativeEngineID = string(id)
			}
		}
		client.SecurityParameters = usm
	}
	return &snmpSender{client: client, inform: t.Snmp.GetInform(), now: opts.Now}, nil
}

// Close implements Sender.
func (s *snmpSender) Close() {}

// Send sends one notification for each record. With informs a record is taken when
// the receiver has acknowledged it.
func (s *snmpSender) Send(ctx context.Context, records []*monitorv1.AlarmRecord) (int, error) {
	s.client.Context = ctx
	if usm, ok := s.client.SecurityParameters.(*gosnmp.UsmSecurityParameters); ok && !s.inform {
		usm.AuthoritativeEngineBoots, usm.AuthoritativeEngineTime = 1, uint32(s.now().Sub(engineEpoch)/time.Second)
	}
	if err := s.client.Connect(); err != nil {
		return 0, err
	}
	defer func() { _ = s.client.Close() }()
	for i, r := range records {
		variables, err := s.variables(r)
		if err != nil {
			return i, err
		}
		answer, err := s.client.SendTrap(gosnmp.SnmpTrap{Variables: variables, IsInform: s.inform})
		if err != nil {
			return i, err
		}
		if s.inform && answer.PDUType != gosnmp.GetResponse {
			return i, fmt.Errorf("the receiver answered the inform with PDU type 0x%x", byte(answer.PDUType))
		}
	}
	return len(records), nil
}

// variables are those of the MIB, in its order.
func (s *snmpSender) variables(r *monitorv1.AlarmRecord) ([]gosnmp.SnmpPDU, error) {
	a := r.GetAlarm()
	number, err := strconv.ParseUint(a.GetNumber(), 10, 64)
	if err != nil {
		return nil, err
	}
	serial, err := strconv.ParseUint(r.GetSerial(), 10, 64)
	if err != nil {
		return nil, err
	}
	severity := int(max(a.GetSeverity(), monitorv1.Severity_SEVERITY_INDETERMINATE))
	if a.GetClearedAt() != nil {
		severity = 0
	}
	cleared := make([]byte, 8)
	if a.GetClearedAt() != nil {
		cleared = dateAndTime(a.GetClearedAt().AsTime())
	}
	out := []gosnmp.SnmpPDU{
		{Name: "1.3.6.1.2.1.1.3.0", Type: gosnmp.TimeTicks, Value: uint32(s.now().Sub(engineEpoch) / (10 * time.Millisecond))}, //nolint:gosec // it wraps, as TimeTicks do
		{Name: snmpTrapOID, Type: gosnmp.ObjectIdentifier, Value: mibNotifications + strconv.Itoa(int(r.GetChange()))},
	}
	for i, value := range []any{
		number, text(a.GetId()), text(a.GetName()), text(a.GetObjectId()), serial, int(a.GetType()), int(a.GetDataType()),
		dateAndTime(a.GetRaisedAt().AsTime()), cleared, int(a.GetClearType()), text(a.GetDescription()), severity,
		text(a.GetProbableCause()), text(a.GetTenantId()), text(a.GetAcknowledgedBy()),
	} {
		pdu := gosnmp.SnmpPDU{Name: mibObjects + strconv.Itoa(i+1) + ".0", Value: value}
		switch value.(type) {
		case uint64:
			pdu.Type = gosnmp.Counter64
		case int:
			pdu.Type = gosnmp.Integer
		default:
			pdu.Type = gosnmp.OctetString
		}
		out = append(out, pdu)
	}
	return out, nil
}

func text(s string) []byte { return []byte(s[:min(len(s), maxSnmpText)]) }

// dateAndTime is DateAndTime of RFC 2579, in UTC.
func dateAndTime(t time.Time) []byte {
	t = t.UTC()
	return []byte{
		byte(t.Year() >> 8), byte(t.Year()), byte(t.Month()), byte(t.Day()), byte(t.Hour()), byte(t.Minute()), byte(t.Second()),
		byte(t.Nanosecond() / 100_000_000), '+', 0, 0,
	}
}
