package format_test

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"golang.org/x/text/encoding/simplifiedchinese"

	"github.com/yunqiao/yunqiao/logging/entry"
	"github.com/yunqiao/yunqiao/logging/format"
)

func rules(t testing.TB, c format.Config) *format.Rules {
	t.Helper()
	c.Now = func() time.Time { return time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC) }
	r, err := format.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func show(r entry.Record) string {
	return fmt.Sprintf("%s|%d|%s|%s|%s|%v", r.At.Format(time.RFC3339Nano), r.Level, r.ProcessName, r.ProcessID, r.Message, r.Attributes)
}

func TestRead(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		config format.Config
		in     string
		want   string
	}{
		"plain": {format.Config{}, "hello 云", "0001-01-01T00:00:00Z|0|||hello 云|map[]"},
		"json": {format.Config{Kind: format.JSON, Zone: "Asia/Shanghai"}, `{"time":"2026-01-01 08:00:00,5","level":"WARN","msg":"m","pid":7,"app":"a","x":{"y":[1]}}`,
			`2026-01-01T00:00:00.5Z|4|a|7|m|map[x:{"y":[1]}]`},
		"no json": {format.Config{Kind: format.JSON}, `{"a":1} b`, `0001-01-01T00:00:00Z|0|||{"a":1} b|map[parse_error:does not fit the format: something follows the JSON object]`},
		"epoch":   {format.Config{Kind: format.JSON}, `{"ts":1767225600123,"message":"m"}`, "2026-01-01T00:00:00.123Z|0|||m|map[]"},
		"5424": {format.Config{Kind: format.RFC5424}, `<11>1 2026-01-01T00:00:00.25Z host app 42 ID7 [ex@1 k="v"] 消息`,
			"2026-01-01T00:00:00.25Z|5|app|42|消息|map[ex@1.k:v host:host msgid:ID7]"},
		"3164": {format.Config{Kind: format.RFC3164, Zone: "Asia/Shanghai"}, `<34>Jan  1 22:14:15 host su[230]: 'su root' failed`,
			fmt.Sprintf("%d-01-01T14:14:15Z|6|su|230|'su root' failed|map[host:host]", year())},
		"key value": {format.Config{Kind: format.KeyValue}, `x time=2026-01-01T00:00:00Z level=err msg="a \"b\" c" k=v e= `,
			`2026-01-01T00:00:00Z|5|||a "b" c|map[e: k:v]`},
		"regex": {format.Config{Kind: format.Regex, Pattern: `^(?P<level>\w+) (?P<process>\w+)\[(?P<pid>\d+)\]: (?P<message>.*)$`}, "INFO app[9]: m", "0001-01-01T00:00:00Z|3|app|9|m|map[]"},
		"regex missed": {format.Config{Kind: format.Regex, Pattern: `^(?P<level>\d+)$`}, "x",
			"0001-01-01T00:00:00Z|0|||x|map[parse_error:does not fit the format: the expression does not match]"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := rules(t, tc.config).Read([]byte(tc.in))
			if got := show(r); got != tc.want {
				t.Errorf("got  %s\nwant %s", got, tc.want)
			}
			if original(r) != tc.in {
				t.Errorf("original: got %q, want %q", original(r), tc.in)
			}
		})
	}
}

// year is what a time of January without a year is read as.
func year() int {
	y := time.Now().Year()
	if time.Date(y, 1, 1, 14, 14, 15, 0, time.UTC).After(time.Date(2026, 1, 4, 0, 0, 0, 0, time.UTC)) {
		return y - 1
	}
	return y
}

// original is what the store shows of a record.
func original(r entry.Record) string {
	if r.Original == nil {
		return r.Message
	}
	return string(r.Original)
}

func TestCharset(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"虚机启动", "𠮷野家", "plain"} {
		raw, err := simplifiedchinese.GB18030.NewEncoder().Bytes([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		r := rules(t, format.Config{GB18030: true}).Read(raw)
		if r.Message != text || original(r) != string(raw) {
			t.Errorf("%s: got %q of %x", text, r.Message, original(r))
		}
	}
	if r := rules(t, format.Config{}).Read([]byte("a\xffb")); r.Message != "a\uFFFDb" || string(r.Original) != "a\xffb" {
		t.Errorf("not UTF-8: got %q, %q", r.Message, r.Original)
	}
}

func TestBadRules(t *testing.T) {
	t.Parallel()
	for field, c := range map[string]format.Config{
		"time_zone": {Zone: "Mars"}, "pattern": {Kind: format.Regex}, "pattern is": {Kind: format.Regex, Pattern: "("}, "pattern has": {Kind: format.Regex, Pattern: "a"},
	} {
		if _, err := format.New(c); err == nil || !strings.HasPrefix(err.Error(), field) {
			t.Errorf("%s: got %v", field, err)
		}
	}
}

func TestJoiner(t *testing.T) {
	t.Parallel()
	j := format.NewJoiner(format.Joining{Start: regexp.MustCompile(`^\d`), MaxLines: 3})
	var got []string
	out := func(record []byte) { got = append(got, string(record)) }
	for i, line := range []string{"head", "1 a", " b", "2 c", " d", " e", " f"} {
		j.Add([]byte(line), int64(i), out)
	}
	if begin, held := j.Held(); !held || begin != 6 {
		t.Errorf("held from %d, %v", begin, held)
	}
	j.Flush(out)
	if want := "head/1 a\n b/2 c\n d\n e/ f"; strings.Join(got, "/") != want {
		t.Errorf("got %q, want %q", strings.Join(got, "/"), want)
	}
}

func FuzzRead(f *testing.F) {
	f.Add(int32(2), true, []byte(`{"time":1}`))
	f.Add(int32(3), false, []byte(`<11>1 - - - - - -`))
	f.Add(int32(4), false, []byte(`<34>Oct 11 22:14:15 h su: x`))
	f.Add(int32(5), false, []byte(`a="b\`))
	f.Add(int32(6), false, []byte(`12 x`))
	f.Fuzz(func(t *testing.T, kind int32, gb bool, line []byte) {
		before := bytes.Clone(line)
		r := rules(t, format.Config{Kind: format.Kind(kind&7 + 1), GB18030: gb, Pattern: `(?P<pid>\d+)(?P<message>.*)`}).Read(line)
		if !bytes.Equal(before, line) || original(r) != string(line) {
			t.Errorf("original: got %q, want %q", original(r), line)
		}
		if len(r.Attributes) > 64 || len(r.ProcessName) > 128 {
			t.Error("bounds")
		}
	})
}
