package collect

import (
	"encoding/asn1"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/gosnmp/gosnmp"
)

// User is a user of SNMP v3.
type User struct {
	Name, AuthPassword, PrivacyPassword string
	Auth                                gosnmp.SnmpV3AuthProtocol
	Privacy                             gosnmp.SnmpV3PrivProtocol
	EngineID                            string // of the sender of traps, octets; empty: any
}

// SNMP decides which notifications are accepted, and reads them.
type SNMP struct {
	community string
	users     map[string]*userDecoder
	engineID  string
}

type userDecoder struct {
	user    User
	flags   gosnmp.SnmpV3MsgFlags
	decoder *gosnmp.GoSNMP
}

// NewSNMP accepts v2c with a community (empty: not at all) and v3 of users. engineID
// is ours, for informs.
func NewSNMP(community string, users []User, engineID string) *SNMP {
	s := &SNMP{community: community, users: map[string]*userDecoder{}, engineID: engineID}
	for _, u := range users {
		flags := gosnmp.AuthPriv
		if u.Privacy <= gosnmp.NoPriv {
			u.Privacy, flags = gosnmp.NoPriv, gosnmp.AuthNoPriv
		}
		s.users[u.Name] = &userDecoder{user: u, flags: flags, decoder: &gosnmp.GoSNMP{
			Version: gosnmp.Version3, SecurityModel: gosnmp.UserSecurityModel, MsgFlags: flags,
			SecurityParameters: &gosnmp.UsmSecurityParameters{
				UserName: u.Name, AuthoritativeEngineID: engineID, AuthoritativeEngineBoots: 1, AuthoritativeEngineTime: 1,
				AuthenticationProtocol: u.Auth, AuthenticationPassphrase: u.AuthPassword,
				PrivacyProtocol: u.Privacy, PrivacyPassphrase: u.PrivacyPassword,
			},
		}}
	}
	return s
}

// Why a message was refused.
var (
	ErrVersion     = errors.New("version is not accepted")
	ErrCredentials = errors.New("community or user is not accepted")
	ErrMalformed   = errors.New("is no notification")
)

// Notification is a trap or an inform that was accepted.
type Notification struct {
	Name      string            // OID of the notification
	Values    map[string]string // by OID
	Order     []string          // OIDs in the order of the message
	User      string            // empty: v2c
	RequestID uint32
	Reply     []byte // to be sent once it is stored; nil: a trap
}

// Read decodes a message. report, if given, is an answer to be sent though there is
// no notification: the beginning of v3 (RFC 3414, section 4).
func (s *SNMP) Read(message []byte) (n *Notification, report []byte, err error) {
	defer func() {
		if r := recover(); r != nil { // the decoder is not ours
			n, report, err = nil, nil, fmt.Errorf("%w: %v", ErrMalformed, r)
		}
	}()
	version, err := versionOf(message)
	if err != nil {
		return nil, nil, err
	}
	switch {
	case version == 1 && s.community != "":
		return s.readCommunity(message)
	case version == 3 && len(s.users) > 0:
		return s.readUser(message)
	default:
		return nil, nil, ErrVersion
	}
}

// versionOf reads the version alone: the decoder's own idea of what is accepted is
// wider than ours.
func versionOf(message []byte) (int, error) {
	var outer asn1.RawValue
	if _, err := asn1.Unmarshal(message, &outer); err != nil || outer.Tag != asn1.TagSequence {
		return 0, ErrMalformed
	}
	var version int
	if _, err := asn1.Unmarshal(outer.Bytes, &version); err != nil {
		return 0, ErrMalformed
	}
	return version, nil
}

func (s *SNMP) readCommunity(message []byte) (*Notification, []byte, error) {
	decoder := &gosnmp.GoSNMP{Version: gosnmp.Version2c}
	packet, err := decoder.UnmarshalTrap(message, false)
	if err != nil {
		return nil, nil, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	if packet.Version != gosnmp.Version2c {
		return nil, nil, ErrVersion
	}
	if packet.Community != s.community {
		return nil, nil, ErrCredentials
	}
	n, err := notification(packet)
	return n, nil, err
}

func (s *SNMP) readUser(message []byte) (*Notification, []byte, error) {
	var lastErr error
	for _, u := range s.users {
		packet, err := u.decoder.UnmarshalTrap(append([]byte{}, message...), false)
		if err != nil {
			lastErr = err
			continue
		}
		usm, ok := packet.SecurityParameters.(*gosnmp.UsmSecurityParameters)
		if !ok || packet.Version != gosnmp.Version3 || packet.SecurityModel != gosnmp.UserSecurityModel {
			return nil, nil, ErrVersion
		}
		if packet.PDUType == gosnmp.GetRequest { // the decoder lets only a discovery through without a user
			report, err := s.report(packet, usm)
			return nil, report, err
		}
		if usm.UserName != u.user.Name || packet.MsgFlags&gosnmp.AuthPriv != u.flags {
			lastErr = ErrCredentials
			continue
		}
		if packet.PDUType == gosnmp.SNMPv2Trap && u.user.EngineID != "" && usm.AuthoritativeEngineID != u.user.EngineID {
			lastErr = ErrCredentials
			continue
		}
		n, err := notification(packet)
		if n != nil {
			n.User = usm.UserName
		}
		return n, nil, err
	}
	return nil, nil, fmt.Errorf("%w: %w", ErrCredentials, lastErr)
}

// report tells our engine id to a sender of informs (usmStatsUnknownEngineIDs).
func (s *SNMP) report(packet *gosnmp.SnmpPacket, usm *gosnmp.UsmSecurityParameters) ([]byte, error) {
	parameters, ok := usm.Copy().(*gosnmp.UsmSecurityParameters)
	if !ok {
		return nil, ErrMalformed
	}
	parameters.AuthoritativeEngineID, parameters.AuthoritativeEngineBoots, parameters.AuthoritativeEngineTime = s.engineID, 1, 1
	packet.PDUType, packet.SecurityParameters = gosnmp.Report, parameters
	packet.MsgFlags = gosnmp.NoAuthNoPriv
	packet.ContextEngineID = s.engineID
	packet.Variables = []gosnmp.SnmpPDU{{Name: ".1.3.6.1.6.3.15.1.1.4.0", Type: gosnmp.Counter32, Value: uint(1)}}
	out, err := packet.MarshalMsg()
	if err != nil {
		return nil, fmt.Errorf("answer a discovery: %w", err)
	}
	return out, nil
}

const (
	oidUpTime = "1.3.6.1.2.1.1.3.0"
	oidTrap   = "1.3.6.1.6.3.1.1.4.1.0"
)

func notification(packet *gosnmp.SnmpPacket) (*Notification, error) {
	if packet.PDUType != gosnmp.SNMPv2Trap && packet.PDUType != gosnmp.InformRequest {
		return nil, ErrMalformed
	}
	n := &Notification{Values: map[string]string{}, RequestID: packet.RequestID}
	for _, v := range packet.Variables {
		oid := strings.TrimPrefix(v.Name, ".")
		value := valueText(v)
		if oid == oidTrap {
			n.Name = value
		}
		if _, ok := n.Values[oid]; !ok {
			n.Order = append(n.Order, oid)
		}
		n.Values[oid] = value
	}
	if packet.PDUType == gosnmp.InformRequest {
		packet.PDUType, packet.Error, packet.ErrorIndex = gosnmp.GetResponse, gosnmp.NoError, 0
		reply, err := packet.MarshalMsg()
		if err != nil {
			return nil, fmt.Errorf("answer an inform: %w", err)
		}
		n.Reply = reply
	}
	return n, nil
}

// Text shows a notification as one line.
func (n *Notification) Text() string {
	var b strings.Builder
	b.WriteString(n.Name)
	for _, oid := range n.Order {
		if oid != oidTrap && oid != oidUpTime {
			b.WriteString(" " + oid + "=" + strconv.Quote(n.Values[oid]))
		}
	}
	return b.String()
}

func valueText(v gosnmp.SnmpPDU) string {
	switch value := v.Value.(type) {
	case []byte:
		return strings.ToValidUTF8(string(value), "\uFFFD")
	case string:
		return strings.TrimPrefix(value, ".")
	case nil:
		return ""
	default:
		return fmt.Sprint(value)
	}
}
