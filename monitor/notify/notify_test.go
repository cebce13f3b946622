package notify_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/yunqiao/yunqiao/internal/certfile/certtest"
	"github.com/yunqiao/yunqiao/internal/outward"
	"github.com/yunqiao/yunqiao/monitor/notify"
	monitorv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/monitor/v1"
)

var (
	raisedAt  = time.Date(2026, 11, 20, 8, 1, 2, 300_000_000, time.UTC)
	clearedAt = raisedAt.Add(time.Hour)
)

// records are the raise and the clear of an alarm that has all fields.
func records() []*monitorv1.AlarmRecord {
	alarm := func() *monitorv1.Alarm {
		return &monitorv1.Alarm{
			Id: "0123456789abcdef0123456789abcdef", Number: "7", Name: "磁盘满", ObjectId: "os-sh.vm-1", Serial: "41",
			Type: monitorv1.AlarmType_ALARM_TYPE_EQUIPMENT, DataType: monitorv1.AlarmDataType_ALARM_DATA_TYPE_METRIC,
			RaisedAt: timestamppb.New(raisedAt), Description: "使用率 97% \"] \\\n第二行", Severity: monitorv1.Severity_SEVERITY_MAJOR,
			ProbableCause: "storageCapacityProblem", TenantId: strings.Repeat("a", 32),
		}
	}
	cleared := alarm()
	cleared.Serial, cleared.ClearedAt, cleared.ClearType = "42", timestamppb.New(clearedAt), monitorv1.ClearType_CLEAR_TYPE_MANUAL
	return []*monitorv1.AlarmRecord{
		{Serial: "41", Change: monitorv1.AlarmChange_ALARM_CHANGE_RAISED, At: timestamppb.New(raisedAt), Alarm: alarm()},
		{Serial: "42", Change: monitorv1.AlarmChange_ALARM_CHANGE_CLEARED, At: timestamppb.New(clearedAt), Alarm: cleared},
	}
}

func program(t *testing.T, names ...string) string {
	t.Helper()
	for _, name := range names {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
		if path := filepath.Join("/usr/sbin", name); exec.CommandContext(t.Context(), "test", "-x", path).Run() == nil {
			return path
		}
	}
	t.Skipf("%s is not installed: scripts/setup test", names[0])
	return ""
}

// serve runs a program until the test ends and gives its lines.
func serve(t *testing.T, name string, args ...string) <-chan string {
	t.Helper()
	cmd := exec.CommandContext(context.WithoutCancel(t.Context()), name, args...)
	cmd.Env = append(os.Environ(), "LC_ALL=C.UTF-8", "MIBDIRS="+mibs(t))
	out, in := io.Pipe()
	cmd.Stdout, cmd.Stderr = in, in
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := make(chan string, 10000)
	go func() {
		defer close(lines)
		for scanner := bufio.NewScanner(out); scanner.Scan(); {
			select {
			case lines <- scanner.Text():
			default: // nobody reads any more
			}
		}
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		_ = in.Close()
	})
	return lines
}

// until reads lines up to one that holds a text, and gives them all.
func until(t *testing.T, lines <-chan string, text string) []string {
	t.Helper()
	var all []string
	limit := time.After(30 * time.Second)
	for {
		select {
		case line, ok := <-lines:
			all = append(all, line)
			if strings.Contains(line, text) {
				return all
			}
			if !ok {
				t.Fatalf("the program ended before %q:\n%s", text, strings.Join(all, "\n"))
			}
		case <-limit:
			t.Fatalf("no %q in:\n%s", text, strings.Join(all, "\n"))
		}
	}
}

func mibs(t *testing.T) string {
	t.Helper()
	base, err := filepath.Abs("testdata/mibs")
	if err != nil {
		t.Fatal(err)
	}
	own, err := filepath.Abs(".")
	if err != nil {
		t.Fatal(err)
	}
	return base + ":" + own
}

func port(t *testing.T, network string) string {
	t.Helper()
	if network == "udp" {
		conn, err := net.ListenPacket("udp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		_, port, _ := net.SplitHostPort(conn.LocalAddr().String())
		return port
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	return port
}

func open(t *testing.T, target notify.Target) notify.Sender {
	t.Helper()
	if err := target.Check(); err != nil {
		t.Fatal(err)
	}
	s, err := notify.Open(slog.New(slog.DiscardHandler), target, notify.Options{
		Policy: outward.Policy{Private: true}, Host: "gateway.example", Now: func() time.Time { return time.Now() },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

func send(t *testing.T, s notify.Sender) {
	t.Helper()
	if taken, err := s.Send(t.Context(), records()); err != nil || taken != 2 {
		t.Fatalf("got %d taken, %v", taken, err)
	}
}

func file(t *testing.T, dir, name, text string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// certificate makes one for 127.0.0.1 that signs itself.
func certificate(t *testing.T) (cert, key string) {
	t.Helper()
	return certtest.SelfSigned(t, "127.0.0.1", time.Now().Add(-time.Hour), time.Now().Add(time.Hour))
}

func wantAll(t *testing.T, text string, wanted ...string) {
	t.Helper()
	for _, w := range wanted {
		if !strings.Contains(text, w) {
			t.Errorf("no %q in:\n%s", w, text)
		}
	}
}

func TestCheck(t *testing.T) {
	long := strings.Repeat("x", 20)
	for name, tc := range map[string]struct {
		target notify.Target
		field  string
	}{
		"webhook":          {notify.Target{Kind: 1, Address: "https://a.example/x?y=1", Secret: long}, ""},
		"no scheme":        {notify.Target{Kind: 1, Address: "a.example"}, "address"},
		"credentials":      {notify.Target{Kind: 1, Address: "https://u:p@a.example/"}, "address"},
		"short secret":     {notify.Target{Kind: 1, Address: "https://a.example/", Secret: "short"}, "secret"},
		"other scheme":     {notify.Target{Kind: 2, Address: "udp://a.example:1"}, "address"},
		"bad certificate":  {notify.Target{Kind: 1, Address: "https://a.example", CACertificate: "x"}, "ca_certificate"},
		"snmp":             {notify.Target{Kind: 3, Address: "udp://a.example", Secret: "public"}, ""},
		"snmp, no secret":  {notify.Target{Kind: 3, Address: "udp://a.example"}, "secret"},
		"snmp, a path":     {notify.Target{Kind: 3, Address: "udp://a.example/x", Secret: "public"}, "address"},
		"v3 without user":  {notify.Target{Kind: 3, Address: "udp://a.example", Secret: long, Snmp: &monitorv1.SnmpTarget{Auth: 1}}, "snmp.user"},
		"v3, short secret": {notify.Target{Kind: 3, Address: "udp://a.example", Secret: "x", Snmp: &monitorv1.SnmpTarget{Auth: 1, User: "u"}}, "secret"},
		"v3, short privacy": {notify.Target{
			Kind: 3, Address: "udp://a.example", Secret: long, Snmp: &monitorv1.SnmpTarget{Auth: 1, User: "u", PrivacyPassword: "x"},
		}, "snmp.privacy_password"},
		"syslog":         {notify.Target{Kind: 4, Address: "tls://a.example"}, ""},
		"mail, nobody":   {notify.Target{Kind: 5, Address: "smtp://a.example"}, "mail"},
		"mail, bad from": {notify.Target{Kind: 5, Address: "smtp://a.example", Mail: &monitorv1.MailTarget{From: "a\r\nb", To: []string{"a@b.example"}}}, "mail.from"},
		"mail, bad to":   {notify.Target{Kind: 5, Address: "smtp://a.example", Mail: &monitorv1.MailTarget{From: "a@b.example", To: []string{"@"}}}, "mail.to[0]"},
	} {
		got := ""
		if problem, ok := tc.target.Check().(*notify.Problem); ok {
			got = problem.Field
		}
		if got != tc.field {
			t.Errorf("%s: got a problem of %q, want %q", name, got, tc.field)
		}
	}
}

func TestMIB(t *testing.T) {
	lint := exec.CommandContext(t.Context(), program(t, "smilint"), "-l", "6", "YUNQIAO-ALARM-MIB.txt")
	lint.Env = append(os.Environ(), "SMIPATH=testdata/mibs")
	if out, err := lint.CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("smilint: %v\n%s", err, out)
	}
	translate := exec.CommandContext(t.Context(), program(t, "snmptranslate"), "-M", mibs(t), "-m", "YUNQIAO-ALARM-MIB", "-On", "YUNQIAO-ALARM-MIB::yunqiaoAlarmCleared")
	if out, err := translate.CombinedOutput(); err != nil || strings.TrimSpace(string(out)) != ".1.3.6.1.4.1.32473.355.0.4" {
		t.Errorf("snmptranslate: %v\n%s", err, out)
	}
}

// TestSnmptrapd has net-snmp decode what is sent.
func TestSnmptrapd(t *testing.T) {
	for name, tc := range map[string]struct {
		access string
		secret string
		snmp   *monitorv1.SnmpTarget
	}{
		"v2c trap":   {"authCommunity log public", "public", nil},
		"v2c inform": {"authCommunity log public", "public", &monitorv1.SnmpTarget{Inform: true}},
		"v3 trap": {"createUser -e 0x80007ed90479756e7169616f op SHA authentic1 AES encrypted1\nauthUser log op priv", "authentic1", &monitorv1.SnmpTarget{
			Auth: monitorv1.NotifySnmpAuth_NOTIFY_SNMP_AUTH_SHA, User: "op", PrivacyPassword: "encrypted1",
		}},
		"v3 inform": {"createUser op SHA-256 authentic1 AES encrypted1\nauthUser log op priv", "authentic1", &monitorv1.SnmpTarget{
			Inform: true, Auth: monitorv1.NotifySnmpAuth_NOTIFY_SNMP_AUTH_SHA256, User: "op", PrivacyPassword: "encrypted1",
		}},
		"v3 without encryption": {"createUser op SHA authentic1\nauthUser log op auth", "authentic1", &monitorv1.SnmpTarget{
			Inform: true, Auth: monitorv1.NotifySnmpAuth_NOTIFY_SNMP_AUTH_SHA, User: "op",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			udp := port(t, "udp")
			config := file(t, dir, "snmptrapd.conf", tc.access+"\n")
			t.Setenv("SNMP_PERSISTENT_DIR", dir)
			lines := serve(t, program(t, "snmptrapd"), "-f", "-Lo", "-C", "-c", config, "-m", "YUNQIAO-ALARM-MIB:SNMPv2-MIB", "-M", mibs(t), "-n", "-Oq", "udp:127.0.0.1:"+udp)
			until(t, lines, "NET-SNMP version")
			send(t, open(t, notify.Target{Kind: monitorv1.ChannelKind_CHANNEL_KIND_SNMP, Address: "udp://127.0.0.1:" + udp, Secret: tc.secret, Snmp: tc.snmp}))
			raise := strings.Join(until(t, lines, "yunqiaoAlarmUser"), "\n")
			wantAll(t, raise, "YUNQIAO-ALARM-MIB::yunqiaoAlarmRaised", "yunqiaoAlarmNumber.0 7", "yunqiaoAlarmId.0 0123456789abcdef0123456789abcdef", "yunqiaoAlarmName.0 磁盘满",
				"yunqiaoAlarmObject.0 os-sh.vm-1", "yunqiaoAlarmSerial.0 41", "yunqiaoAlarmType.0 equipment", "yunqiaoAlarmDataType.0 metric",
				"yunqiaoAlarmRaisedAt.0 2026-11-20,8:1:2.3,+0:0", "yunqiaoAlarmClearType.0 active", "使用率 97%", "yunqiaoAlarmSeverity.0 major",
				"yunqiaoAlarmProbableCause.0 storageCapacityProblem")
			cleared := strings.Join(until(t, lines, "yunqiaoAlarmUser"), "\n")
			wantAll(t, cleared, "YUNQIAO-ALARM-MIB::yunqiaoAlarmCleared", "yunqiaoAlarmSerial.0 42", "yunqiaoAlarmClearedAt.0 2026-11-20,9:1:2.3,+0:0", "yunqiaoAlarmClearType.0 manual", "yunqiaoAlarmSeverity.0 cleared")
		})
	}
}

func TestInformWithoutAReceiver(t *testing.T) {
	conn, err := net.ListenPacket("udp", "127.0.0.1:0") // it hears and does not answer
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	s := open(t, notify.Target{
		Kind: monitorv1.ChannelKind_CHANNEL_KIND_SNMP, Address: "udp://" + conn.LocalAddr().String(), Secret: "public", Snmp: &monitorv1.SnmpTarget{Inform: true},
	})
	if taken, err := s.Send(ctx, records()); err == nil || taken != 0 {
		t.Errorf("got %d taken, %v", taken, err)
	}
}

// TestRsyslog has rsyslog parse what is sent.
func TestRsyslog(t *testing.T) {
	rsyslogd := program(t, "rsyslogd")
	for _, scheme := range []string{"udp", "tcp", "tls"} {
		t.Run(scheme, func(t *testing.T) {
			dir := t.TempDir()
			network := map[string]string{"udp": "udp", "tcp": "tcp", "tls": "tcp"}[scheme]
			at := port(t, network)
			target := notify.Target{Kind: monitorv1.ChannelKind_CHANNEL_KIND_SYSLOG, Address: scheme + "://127.0.0.1:" + at}
			input := fmt.Sprintf("module(load=\"im%s\")\ninput(type=\"im%s\" port=\"%s\" address=\"127.0.0.1\")\n", network, network, at)
			if scheme == "tls" {
				cert, key := certificate(t)
				target.CACertificate = cert
				input = fmt.Sprintf(`global(defaultNetstreamDriver="gtls" defaultNetstreamDriverCAFile="%[1]s" defaultNetstreamDriverCertFile="%[1]s" defaultNetstreamDriverKeyFile="%[2]s")
module(load="imtcp" streamDriver.name="gtls" streamDriver.mode="1" streamDriver.authMode="anon")
input(type="imtcp" port="%[3]s" address="127.0.0.1")
`, file(t, dir, "cert.pem", cert), file(t, dir, "key.pem", key), at)
			}
			out := filepath.Join(dir, "out")
			config := file(t, dir, "rsyslog.conf", fmt.Sprintf(`global(workDirectory="%s" localHostname="receiver" parser.escapeControlCharactersOnReceive="off")
%s
template(name="fields" type="string" string="PRI=%%pri%% HOST=%%hostname%% APP=%%app-name%% ID=%%msgid%% SD=%%structured-data%% MSG=%%msg%% END\n")
action(type="omfile" file="%s" template="fields")
`, dir, input, out))
			lines := serve(t, rsyslogd, "-n", "-f", config, "-i", filepath.Join(dir, "pid"))
			wait(t, lines, func() bool { return network == "udp" || reachable(at) })
			s := open(t, target)
			var text string
			wait(t, lines, func() bool { // datagrams that come before the socket is there are lost
				if network == "tcp" && text != "" {
					return strings.Count(text, "END") == 2
				}
				if taken, err := s.Send(t.Context(), records()); err != nil && network == "tcp" {
					t.Fatalf("got %d taken, %v", taken, err)
				}
				raw, _ := os.ReadFile(out)
				text = string(raw)
				return strings.Count(text, "END") >= 2
			})
			wantAll(t, text, "PRI=130 HOST=gateway.example APP=yunqiao ID=alarm", `[alarm resource="os-sh.vm-1" probableCause="storageCapacityProblem" perceivedSeverity="major" eventType="equipmentAlarm"]`,
				`number="7" id="0123456789abcdef0123456789abcdef" name="磁盘满" serial="41" change="raised" dataType="metric" raisedAt="2026-11-20T08:01:02.3Z"`,
				`PRI=133`, `perceivedSeverity="cleared"`, `clearedAt="2026-11-20T09:01:02.3Z" clearType="manual"`, `磁盘满: 使用率 97% "] \ 第二行`)
		})
	}
}

func reachable(port string) bool {
	conn, err := net.DialTimeout("tcp", "127.0.0.1:"+port, time.Second)
	if err == nil {
		_ = conn.Close()
	}
	return err == nil
}

// wait asks again and again until something is so.
func wait(t *testing.T, lines <-chan string, is func() bool) {
	t.Helper()
	for range 300 {
		if is() {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	var said []string
	for len(lines) > 0 {
		said = append(said, <-lines)
	}
	t.Fatalf("it did not come; the program said:\n%s", strings.Join(said, "\n"))
}

// TestMail has aiosmtpd take what is sent.
func TestMail(t *testing.T) {
	python := program(t, "/usr/bin/python3")
	if err := exec.CommandContext(t.Context(), python, "-c", "import aiosmtpd").Run(); err != nil {
		t.Skip("aiosmtpd is not installed: scripts/setup test")
	}
	for name, tc := range map[string]struct {
		scheme, mode, user, secret string
		fails                      string
	}{
		"plain":                  {"smtp", "plain", "", "", ""},
		"starttls, password":     {"smtp", "starttls", "op", "right", ""},
		"tls, password":          {"smtps", "tls", "op", "right", ""},
		"wrong password":         {"smtp", "starttls", "op", "wrong", "535"},
		"password, but no TLS":   {"smtp", "plain", "op", "right", "offers no TLS"},
		"refused after the data": {"smtp", "refuse", "", "", "554"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			cert, key := certificate(t)
			at := port(t, "tcp")
			lines := serve(t, python, "-u", "testdata/smtpd.py", at, tc.mode, file(t, dir, "cert.pem", cert), file(t, dir, "key.pem", key))
			until(t, lines, "ready")
			s := open(t, notify.Target{
				ID: "c1", Kind: monitorv1.ChannelKind_CHANNEL_KIND_EMAIL, Address: tc.scheme + "://127.0.0.1:" + at, Secret: tc.secret, CACertificate: cert,
				Mail: &monitorv1.MailTarget{From: "云桥 <gateway@a.example>", To: []string{"op@b.example", "值班 <duty@b.example>"}, User: tc.user},
			})
			taken, err := s.Send(t.Context(), records())
			if tc.fails != "" {
				if err == nil || taken != 0 || !strings.Contains(err.Error(), tc.fails) {
					t.Fatalf("got %d taken, %v, want %q", taken, err, tc.fails)
				}
				return
			}
			if err != nil || taken != 2 {
				t.Fatalf("got %d taken, %v", taken, err)
			}
			got := strings.Join(until(t, lines, "END"), "\n")
			wantAll(t, got, "from gateway@a.example", "to op@b.example duty@b.example", "subject 2 条告警变更 alarm changes: [major] 产生 raised: 磁盘满 os-sh.vm-1 …",
				"id <41-42.c1@gateway.example>", "流水号 serial: 42", "清除类型 clear type: manual", "使用率 97%")
		})
	}
}
