package collect_test

import (
	"bufio"
	"bytes"
	"context"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gosnmp/gosnmp"
	"go.uber.org/goleak"

	"github.com/yunqiao/yunqiao/internal/db"
	"github.com/yunqiao/yunqiao/internal/db/dbtest"
	"github.com/yunqiao/yunqiao/logging/collect"
	"github.com/yunqiao/yunqiao/logging/entry"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m)
}

const engineID = "\x80\x00\x1f\x88\x04test"

func users() []collect.User {
	return []collect.User{
		{Name: "guest", Auth: gosnmp.SHA, AuthPassword: "otherpass", Privacy: gosnmp.AES, PrivacyPassword: "otherpriv"},
		{Name: "duty", Auth: gosnmp.SHA, AuthPassword: "authpass1", Privacy: gosnmp.AES, PrivacyPassword: "privpass1"},
	}
}

// TestNetSNMP sends with the programs of net-snmp.
func TestNetSNMP(t *testing.T) {
	if _, err := exec.LookPath("snmptrap"); err != nil {
		t.Fatal("snmptrap is missing: install Debian's package snmp (scripts/setup test does)")
	}
	v3 := []string{"-v3", "-u", "duty", "-a", "SHA", "-A", "authpass1", "-x", "AES", "-X", "privpass1"}
	for name, tc := range map[string]struct {
		community string
		users     []collect.User
		program   string
		args      []string
		want      bool
		acked     bool // the program waits for an answer
	}{
		"v2c trap":                {community: "public", program: "snmptrap", args: []string{"-v2c", "-c", "public"}, want: true},
		"v2c inform":              {community: "public", program: "snmpinform", args: []string{"-v2c", "-c", "public"}, want: true, acked: true},
		"v2c, other community":    {community: "public", program: "snmptrap", args: []string{"-v2c", "-c", "private"}},
		"v2c where v3 is wanted":  {users: users(), program: "snmptrap", args: []string{"-v2c", "-c", "public"}},
		"v3 where v2c is wanted":  {community: "public", program: "snmptrap", args: append([]string{"-e", "0x8000000001020304", "-l", "authPriv"}, v3...)},
		"v3 trap":                 {users: users(), program: "snmptrap", args: append([]string{"-e", "0x8000000001020304", "-l", "authPriv"}, v3...), want: true},
		"v3 inform":               {users: users(), program: "snmpinform", args: append([]string{"-l", "authPriv"}, v3...), want: true, acked: true},
		"v3 without privacy":      {users: users(), program: "snmptrap", args: append([]string{"-e", "0x8000000001020304", "-l", "authNoPriv"}, v3...)},
		"v3 not authenticated":    {users: users(), program: "snmptrap", args: append([]string{"-e", "0x8000000001020304", "-l", "noAuthNoPriv"}, v3...)},
		"v3, wrong password":      {users: users(), program: "snmptrap", args: []string{"-e", "0x8000000001020304", "-l", "authPriv", "-v3", "-u", "duty", "-a", "SHA", "-A", "authpass2", "-x", "AES", "-X", "privpass1"}},
		"v3, user that is absent": {users: users(), program: "snmptrap", args: []string{"-e", "0x8000000001020304", "-l", "authPriv", "-v3", "-u", "nobody", "-a", "SHA", "-A", "authpass1", "-x", "AES", "-X", "privpass1"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			decoder := collect.NewSNMP(tc.community, tc.users, engineID)
			var counters collect.Counters
			u, err := collect.ListenUDP(t.Context(), "127.0.0.1:0", &counters)
			if err != nil {
				t.Fatal(err)
			}
			ctx, stop := context.WithCancel(t.Context())
			accepted, refused := make(chan *collect.Notification, 8), make(chan error, 8)
			var work sync.WaitGroup
			work.Go(func() {
				_ = u.Run(ctx, func(_ context.Context, batch []collect.Datagram) {
					for _, d := range batch {
						n, report, err := decoder.Read(d.Bytes)
						switch {
						case err != nil:
							refused <- err
						case report != nil:
							_ = u.Reply(report, d.From)
						default:
							if n.Reply != nil {
								_ = u.Reply(n.Reply, d.From)
							}
							accepted <- n
						}
					}
				})
			})
			defer work.Wait()
			defer stop()
			args := append(append([]string{}, tc.args...), "-r", "0", "-t", "3", u.Address().String(), "", "1.3.6.1.4.1.8072.2.3.0.1", "1.3.6.1.4.1.8072.2.3.2.1", "i", "123456",
				"1.3.6.1.4.1.8072.2.3.2.2", "s", "磁盘")
			cmd := exec.CommandContext(t.Context(), tc.program, args...)
			cmd.Env = append(os.Environ(), "SNMP_PERSISTENT_DIR="+t.TempDir())
			out, err := cmd.CombinedOutput()
			if tc.acked && err != nil || !tc.acked && err != nil {
				t.Fatalf("%s: %v\n%s", tc.program, err, out)
			}
			select {
			case n := <-accepted:
				if !tc.want {
					t.Fatalf("accepted %+v", n)
				}
				if want := `1.3.6.1.4.1.8072.2.3.0.1 1.3.6.1.4.1.8072.2.3.2.1="123456" 1.3.6.1.4.1.8072.2.3.2.2="磁盘"`; n.Text() != want {
					t.Errorf("got %s, want %s", n.Text(), want)
				}
			case err := <-refused:
				if tc.want {
					t.Fatalf("refused: %v", err)
				}
			case <-time.After(5 * time.Second):
				t.Fatal("nothing came")
			}
		})
	}
}

func FuzzSNMP(f *testing.F) {
	f.Add([]byte("0\x03\x02\x01\x01"))
	f.Add([]byte("0\x0e\x02\x01\x03\x30\x00"))
	f.Fuzz(func(_ *testing.T, message []byte) {
		for _, s := range []*collect.SNMP{collect.NewSNMP("public", nil, engineID), collect.NewSNMP("", users(), engineID)} {
			if n, _, err := s.Read(message); err == nil && n != nil {
				n.Text()
			}
		}
	})
}

func TestFrames(t *testing.T) {
	t.Parallel()
	r := bufio.NewReader(strings.NewReader("9 <34>1 a\nb<11>line\r\n<12>last"))
	var got []string
	for {
		frame, err := collect.ReadFrame(r)
		got = append(got, string(frame))
		if err != nil {
			break
		}
	}
	if want := "<34>1 a\nb|<11>line|<12>last"; strings.Join(got, "|") != want && strings.Join(got, "|") != want+"|" {
		t.Errorf("got %q", strings.Join(got, "|"))
	}
}

func FuzzFrames(f *testing.F) {
	f.Add([]byte("9 <34>1 a\nb<11>line\r\n"))
	f.Fuzz(func(t *testing.T, stream []byte) {
		r := bufio.NewReaderSize(bytes.NewReader(stream), 16)
		for range len(stream) + 2 {
			if _, err := collect.ReadFrame(r); err != nil {
				return
			}
		}
		t.Error("no end")
	})
}

// TestTrapsPerSecond sends traps at a rate, and compares what came with what the kernel
// dropped: 2,000 a second for 3 s; with YUNQIAO_SOAK 20,000 for 60 s, and 50,000 for 20 s.
func TestTrapsPerSecond(t *testing.T) {
	rates := [][2]int{{2000, 3}}
	if os.Getenv("YUNQIAO_SOAK") != "" {
		rates = [][2]int{{20000, 60}, {50000, 20}}
	}
	for _, rate := range rates {
		t.Run(strconv.Itoa(rate[0]), func(t *testing.T) { sendTraps(t, rate[0], rate[1]) })
	}
}

func sendTraps(t *testing.T, perSecond, seconds int) {
	t.Helper()
	store := dbtest.Open(t, dbtest.SQLite(t))
	if err := store.Migrate(t.Context(), db.Module{Name: "logging", Migrations: entry.Migrations()}); err != nil {
		t.Fatal(err)
	}
	entries := entry.New(slog.New(slog.DiscardHandler), store, entry.Options{})
	decoder := collect.NewSNMP("public", nil, engineID)
	var counters collect.Counters
	u, err := collect.ListenUDP(t.Context(), "127.0.0.1:0", &counters)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	storing, stopStoring := context.WithCancel(t.Context())
	var stored atomic.Int64
	var work, writer sync.WaitGroup
	writer.Go(func() { _ = entries.Run(storing) })
	work.Go(func() {
		_ = u.Run(ctx, func(ctx context.Context, batch []collect.Datagram) {
			records := make([]entry.Record, 0, len(batch))
			for _, d := range batch {
				if n, _, err := decoder.Read(d.Bytes); err == nil {
					records = append(records, entry.Record{TenantID: "t", Message: n.Text(), Original: d.Bytes})
				}
			}
			if result, err := entries.Append(ctx, records, nil); err == nil {
				stored.Add(int64(result.Stored))
			}
		})
	})
	sender := &gosnmp.GoSNMP{Version: gosnmp.Version2c, Community: "public"}
	trap, err := sender.SnmpEncodePacket(gosnmp.SNMPv2Trap, []gosnmp.SnmpPDU{
		{Name: ".1.3.6.1.2.1.1.3.0", Type: gosnmp.TimeTicks, Value: uint32(1)},
		{Name: ".1.3.6.1.6.3.1.1.4.1.0", Type: gosnmp.ObjectIdentifier, Value: ".1.3.6.1.4.1.8072.2.3.0.1"},
		{Name: ".1.3.6.1.4.1.8072.2.3.2.1", Type: gosnmp.Integer, Value: 7},
	}, 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := net.Dial("udp", u.Address().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	sent := 0
	begin := time.Now()
	for sent < perSecond*seconds {
		for due := int(time.Since(begin).Seconds() * float64(perSecond)); sent < due; sent++ {
			if _, err := conn.Write(trap); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(time.Millisecond)
	}
	for range 600 {
		if stored.Load()+counters.Dropped.Load() >= int64(sent) {
			break
		}
		time.Sleep(100 * time.Millisecond)
	}
	stop()
	work.Wait()
	stopStoring()
	writer.Wait()
	t.Logf("sent %d, stored %d, dropped by the kernel %d, in %s", sent, stored.Load(), counters.Dropped.Load(), time.Since(begin))
	if stored.Load()+counters.Dropped.Load() != int64(sent) {
		t.Error("the counter of drops does not explain what is missing")
	}
}
