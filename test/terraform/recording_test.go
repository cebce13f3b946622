package terraform

import (
	"bufio"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/yunqiao/yunqiao/drivers/alibaba/sim"
	"github.com/yunqiao/yunqiao/drivers/alibaba/sim/signature"
)

// TestRecording asks the cloud what the provider asked, and compares the answers.
func TestRecording(t *testing.T) {
	t.Parallel()
	for _, stack := range stacks {
		t.Run(stack, func(t *testing.T) {
			t.Parallel()
			calls := readTape(t, stack)
			again := newReplay(t)
			for i, r := range calls {
				if !again.same(t, r) {
					t.Errorf("%s:%d: the provider would see another cloud", tapeFile(stack), i+1)
				}
			}
			for _, left := range again.cloud.Dump() {
				t.Errorf("%s %s is left", left.Kind, left.ID)
			}
		})
	}
}

func readTape(t *testing.T, stack string) []recorded {
	t.Helper()
	f, err := os.Open(tapeFile(stack))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }() // only read
	var out []recorded
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		d := json.NewDecoder(strings.NewReader(lines.Text()))
		d.UseNumber()
		var r recorded
		if err := d.Decode(&r); err != nil {
			t.Fatal(err)
		}
		out = append(out, r)
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	if len(out) == 0 {
		t.Fatalf("%s is empty", tapeFile(stack))
	}
	return out
}

// replay asks a new cloud, whose clock it moves as time went by in the recording. What the cloud calls otherwise than the
// recorded one did is renamed in what is asked later.
type replay struct {
	cloud   *sim.Sim
	account sim.Account
	now     time.Time
	nonce   int
	names   map[string]string // by the recorded name
}

// began is when the replayed cloud begins.
var began = time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)

func newReplay(t *testing.T) *replay {
	t.Helper()
	again := &replay{now: began, names: map[string]string{}}
	opts := options()
	opts.Now = func() time.Time { return again.now }
	cloud, err := sim.New(opts)
	if err != nil {
		t.Fatal(err)
	}
	again.cloud, again.account = cloud, cloud.Accounts()[0]
	return again
}

// same makes a call and tells whether the answer is the recorded one.
func (a *replay) same(t *testing.T, r recorded) bool {
	t.Helper()
	a.now = began.Add(time.Duration(r.At) * time.Millisecond)
	seen := httptest.NewRecorder()
	a.cloud.ServeHTTP(seen, a.request(t, r))
	status := r.Status
	if status == 0 {
		status = http.StatusOK
	}
	d := &difference{names: a.names}
	if seen.Code != status {
		d.note("status", status, seen.Code)
	}
	d.compare("", r.Answer, essence(seen.Body.Bytes()))
	for _, line := range d.found {
		t.Errorf("%s: %s", r.asks(), line)
	}
	return len(d.found) == 0
}

func (a *replay) request(t *testing.T, r recorded) *http.Request {
	t.Helper()
	a.nonce++
	version, action, _ := strings.Cut(r.Call, " ")
	method := r.Method
	if method == "" {
		method = http.MethodPost
	}
	all := map[string]string{
		"Action": action, "Version": version, "Format": "JSON", "AccessKeyId": a.account.AccessKeyID, "SignatureMethod": signature.RPCMethod,
		"SignatureVersion": "1.0", "SignatureNonce": fmt.Sprint("n", a.nonce), "Timestamp": a.now.Format(time.RFC3339),
	}
	for _, part := range []map[string]string{r.Query, r.Form} {
		for name, value := range part {
			all[name] = a.renamed(value)
		}
	}
	all["Signature"] = signature.RPC(a.account.AccessKeySecret, signature.RPCStringToSign(method, all))
	query, form := url.Values{}, url.Values{}
	for name, value := range all {
		if _, inForm := r.Form[name]; inForm {
			form.Set(name, value)
		} else {
			query.Set(name, value)
		}
	}
	request := httptest.NewRequestWithContext(t.Context(), method, "http://sim.example/?"+query.Encode(), strings.NewReader(form.Encode()))
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return request
}

// renamed puts the names of this cloud into what is asked; longer ones first, as one may
// begin another.
func (a *replay) renamed(value string) string {
	old := slices.SortedFunc(maps.Keys(a.names), func(x, y string) int { return len(y) - len(x) })
	pairs := make([]string, 0, 2*len(old))
	for _, name := range old {
		pairs = append(pairs, name, a.names[name])
	}
	return strings.NewReplacer(pairs...).Replace(value)
}

// difference is between a recorded answer and a new one.
type difference struct {
	names map[string]string
	found []string
}

func (d *difference) note(path string, want, got any) {
	d.found = append(d.found, fmt.Sprintf("%s is %v, was %v", path, got, want))
}

func (d *difference) compare(path string, want, got any) {
	switch want := want.(type) {
	case map[string]any:
		have, ok := got.(map[string]any)
		if !ok {
			d.note(path, want, got)
			return
		}
		for _, name := range slices.Sorted(maps.Keys(want)) {
			d.compare(path+"."+name, want[name], have[name])
		}
		for _, name := range slices.Sorted(maps.Keys(have)) {
			if _, known := want[name]; !known {
				d.note(path+"."+name, "absent", have[name])
			}
		}
	case []any:
		have, ok := got.([]any)
		if !ok || len(have) != len(want) {
			d.note(path, want, got)
			return
		}
		for i := range want {
			d.compare(fmt.Sprintf("%s[%d]", path, i), want[i], have[i])
		}
	default:
		d.value(path, fmt.Sprint(want), fmt.Sprint(got))
	}
}

// drawn are values that each cloud draws for itself: identifiers and names made of them,
// keys, names of sites, addresses of interfaces.
var drawn = []*regexp.Regexp{
	regexp.MustCompile(`^[0-9A-Za-z-]*bp1[0-9a-z]{17}`),
	regexp.MustCompile(`^[0-9a-z]{8}(-[0-9a-z]{4}){3}-[0-9a-z]{12}$`),
	regexp.MustCompile(`^([0-9a-z]{16,32}|[0-9a-z]{32}\.c\.yundunwaf2\.example)$`),
	regexp.MustCompile(`^00:16:3e(:[0-9a-f]{2}){3}$`),
}

// moment is a time, in one of the ways in which the cloud writes it.
var moment = regexp.MustCompile(`^(\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d)?Z|\d{10,15})$`)

func (d *difference) value(path, want, got string) {
	name, renamed := d.names[want]
	switch {
	case want == got, renamed && name == got, moment.MatchString(want) && moment.MatchString(got):
		return
	case !renamed && slices.ContainsFunc(drawn, func(form *regexp.Regexp) bool { return form.MatchString(want) && form.MatchString(got) }):
		d.names[want] = got
		return
	}
	d.note(path, want, got)
}
