package notify

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"mime"
	"net"
	"net/mail"
	"net/smtp"
	"strings"
	"time"

	monitorv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/monitor/v1"
)

const (
	mailWait   = time.Minute
	mailedOnce = 50 // records in one message
)

type mailSender struct {
	target        Target
	host, address string
	implicit      bool // TLS from the first byte
	tls           *tls.Config
	opts          Options
}

// Close implements Sender.
func (s *mailSender) Close() {}

// Send sends one message for up to 50 records. They are taken when the server has
// accepted the message.
func (s *mailSender) Send(ctx context.Context, records []*monitorv1.AlarmRecord) (int, error) {
	conn, err := s.opts.Policy.Dialer().DialContext(ctx, "tcp", s.address)
	if err != nil {
		return 0, err
	}
	defer func() { _ = conn.Close() }()
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	if err := conn.SetDeadline(time.Now().Add(mailWait)); err != nil {
		return 0, err
	}
	spoken := conn
	if s.implicit {
		spoken = tls.Client(conn, s.tls)
	}
	client, err := s.greet(spoken)
	if err != nil {
		return 0, err
	}
	taken := 0
	for taken < len(records) {
		n := min(mailedOnce, len(records)-taken)
		if err := s.mail(client, records[taken:taken+n]); err != nil {
			return taken, err
		}
		taken += n
	}
	_ = client.Quit() // the messages are accepted already
	return taken, nil
}

// greet begins a session, with TLS where the server offers it. A password is sent
// over TLS only.
func (s *mailSender) greet(conn net.Conn) (*smtp.Client, error) {
	client, err := smtp.NewClient(conn, s.host)
	if err != nil {
		return nil, err
	}
	if err := client.Hello(s.opts.Host); err != nil {
		return nil, err
	}
	if offered, _ := client.Extension("STARTTLS"); offered && !s.implicit {
		if err := client.StartTLS(s.tls); err != nil {
			return nil, err
		}
	}
	user := s.target.Mail.GetUser()
	if user == "" {
		return client, nil
	}
	if _, encrypted := client.TLSConnectionState(); !encrypted && !s.implicit {
		return nil, errors.New("the server offers no TLS, and the password is not sent without it")
	}
	return client, client.Auth(plain{user, s.target.Secret})
}

// plain is the mechanism PLAIN (RFC 4616). Whether there is TLS was checked before.
type plain struct{ user, password string }

func (p plain) Start(*smtp.ServerInfo) (string, []byte, error) {
	return "PLAIN", []byte("\x00" + p.user + "\x00" + p.password), nil
}

func (p plain) Next(_ []byte, more bool) ([]byte, error) {
	if more {
		return nil, errors.New("the server asks for more than PLAIN has")
	}
	return nil, nil
}

func (s *mailSender) mail(client *smtp.Client, records []*monitorv1.AlarmRecord) error {
	message, err := s.message(records)
	if err != nil {
		return err
	}
	from, err := bare(s.target.Mail.GetFrom())
	if err != nil {
		return err
	}
	if err := client.Mail(from); err != nil {
		return err
	}
	for _, address := range s.target.Mail.GetTo() {
		to, err := bare(address)
		if err != nil {
			return err
		}
		if err := client.Rcpt(to); err != nil {
			return err
		}
	}
	data, err := client.Data()
	if err != nil {
		return err
	}
	if _, err := data.Write(message); err != nil {
		return err
	}
	return data.Close()
}

func bare(address string) (string, error) {
	parsed, err := mail.ParseAddress(address)
	if err != nil {
		return "", err
	}
	return parsed.Address, nil
}

// message is in Chinese and English. Its Message-ID is made of the serial numbers, so
// that a repeat has the same one.
func (s *mailSender) message(records []*monitorv1.AlarmRecord) ([]byte, error) {
	from, err := mail.ParseAddress(s.target.Mail.GetFrom())
	if err != nil {
		return nil, err
	}
	var to []string
	for _, address := range s.target.Mail.GetTo() {
		parsed, err := mail.ParseAddress(address)
		if err != nil {
			return nil, err
		}
		to = append(to, parsed.String())
	}
	first, last := records[0], records[len(records)-1]
	subject := headline(first)
	if len(records) > 1 {
		subject = fmt.Sprintf("%d 条告警变更 alarm changes: %s …", len(records), subject)
	}
	var out bytes.Buffer
	for _, h := range [][2]string{
		{"From", from.String()},
		{"To", strings.Join(to, ",\r\n ")},
		{"Subject", mime.BEncoding.Encode("utf-8", strings.Map(oneLine, subject))},
		{"Date", s.opts.Now().UTC().Format(time.RFC1123Z)},
		{"Message-ID", fmt.Sprintf("<%s-%s.%s@%s>", first.GetSerial(), last.GetSerial(), s.target.ID, s.opts.Host)},
		{"Auto-Submitted", "auto-generated"}, // RFC 3834
		{"X-Yunqiao-Serial", last.GetSerial()},
		{"MIME-Version", "1.0"},
		{"Content-Type", "text/plain; charset=utf-8"},
		{"Content-Transfer-Encoding", "base64"},
	} {
		out.WriteString(h[0] + ": " + h[1] + "\r\n")
	}
	out.WriteString("\r\n")
	var body strings.Builder
	for _, r := range records {
		body.WriteString(details(r))
	}
	encoded := base64.StdEncoding.EncodeToString([]byte(body.String()))
	const line = 76 // RFC 2045, 6.8
	for len(encoded) > 0 {
		n := min(line, len(encoded))
		out.WriteString(encoded[:n] + "\r\n")
		encoded = encoded[n:]
	}
	return out.Bytes(), nil
}

func headline(r *monitorv1.AlarmRecord) string {
	a := r.GetAlarm()
	change := map[monitorv1.AlarmChange]string{
		monitorv1.AlarmChange_ALARM_CHANGE_RAISED: "产生 raised", monitorv1.AlarmChange_ALARM_CHANGE_CHANGED: "变化 changed",
		monitorv1.AlarmChange_ALARM_CHANGE_ACKNOWLEDGED: "确认 acknowledged", monitorv1.AlarmChange_ALARM_CHANGE_CLEARED: "清除 cleared",
	}[r.GetChange()]
	return fmt.Sprintf("[%s] %s: %s %s", SeverityName(a.GetSeverity()), change, a.GetName(), a.GetObjectId())
}

func details(r *monitorv1.AlarmRecord) string {
	a := r.GetAlarm()
	var out strings.Builder
	out.WriteString(headline(r) + "\r\n")
	cleared := ""
	if a.GetClearedAt() != nil {
		cleared = a.GetClearedAt().AsTime().Format(time.RFC3339)
	}
	for _, f := range [][2]string{
		{"告警编号 number", a.GetNumber()}, {"告警 ID id", a.GetId()}, {"告警名称 name", a.GetName()}, {"告警对象实例 object", a.GetObjectId()},
		{"流水号 serial", r.GetSerial()}, {"告警类型 type", word(a.GetType().String(), "ALARM_TYPE_")},
		{"数据类型 data type", word(a.GetDataType().String(), "ALARM_DATA_TYPE_")}, {"产生时间 raised", a.GetRaisedAt().AsTime().Format(time.RFC3339)},
		{"清除时间 cleared", cleared}, {"清除类型 clear type", word(a.GetClearType().String(), "CLEAR_TYPE_")},
		{"可能原因 probable cause", a.GetProbableCause()}, {"确认人 acknowledged by", a.GetAcknowledgedBy()}, {"告警描述信息 description", a.GetDescription()},
	} {
		if f[1] != "" {
			out.WriteString("  " + f[0] + ": " + strings.ReplaceAll(f[1], "\n", "\r\n    ") + "\r\n")
		}
	}
	out.WriteString("\r\n")
	return out.String()
}
