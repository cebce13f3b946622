package gyt345_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/yunqiao/yunqiao/programs/gyt345"
	"github.com/yunqiao/yunqiao/programs/kit"
)

// bodies are the bodies of all vectors.
func bodies(t testing.TB) [][]byte {
	t.Helper()
	var v struct{ Requests []requestCase }
	load(t, "requests.json", &v)
	var c struct{ Accept, Reject []struct{ BodyBase64 string } }
	load(t, "canonical-json.json", &c)
	var out [][]byte
	for _, r := range v.Requests {
		out = append(out, unbase64(t, r.BodyBase64))
	}
	for _, r := range slices.Concat(c.Accept, c.Reject) {
		out = append(out, unbase64(t, r.BodyBase64))
	}
	return out
}

// FuzzCanonical: what is accepted is JSON for another reader too, and its canonical
// form is canonical.
func FuzzCanonical(f *testing.F) {
	for _, b := range bodies(f) {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		v, err := gyt345.Parse(body)
		if err != nil {
			return
		}
		if !json.Valid(bytes.TrimPrefix(body, []byte("\xef\xbb\xbf"))) {
			t.Fatalf("accepted %q, which is no JSON", body)
		}
		once := gyt345.Canonical(v)
		again, err := gyt345.Parse(once)
		if err != nil {
			t.Fatalf("canonical form %q: %v", once, err)
		}
		if twice := gyt345.Canonical(again); !bytes.Equal(once, twice) {
			t.Fatalf("got %q, want %q", twice, once)
		}
		ordered, err := gyt345.Parse(v.JSON())
		if err != nil || !bytes.Equal(gyt345.Canonical(ordered), once) {
			t.Fatalf("written %q: %v", v.JSON(), err)
		}
	})
}

// FuzzDecode: a message that was read can be written and read again unchanged.
func FuzzDecode(f *testing.F) {
	for _, b := range bodies(f) {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		v, err := gyt345.Parse(body)
		if err != nil {
			return
		}
		for _, on := range interfaces {
			m, _, err := gyt345.Decode(v, on)
			if err != nil {
				continue
			}
			written, err := gyt345.Parse(m.Body("x"))
			if err != nil {
				t.Fatalf("written %s: %v", m.Body("x"), err)
			}
			again, notes, err := gyt345.Decode(written, on)
			if err != nil || !bytes.Equal(again.Canonical(), m.Canonical()) {
				t.Fatalf("read again: %v %v\n%s\n%s", err, notes, m.Canonical(), again.Canonical())
			}
		}
	})
}

func FuzzSignature(f *testing.F) {
	var v struct{ Cases []signCase }
	load(f, "sign.json", &v)
	for _, c := range v.Cases {
		f.Add(c.Sign)
	}
	f.Fuzz(func(t *testing.T, text string) {
		rs, _, err := gyt345.DecodeSignature(text, false)
		strict, _, strictErr := gyt345.DecodeSignature(text, true)
		if strictErr == nil && (err != nil || rs != strict) {
			t.Fatalf("strict accepts %q, tolerant: %v", text, err)
		}
		if strictErr == nil {
			raw, err := base64.StdEncoding.DecodeString(text)
			if err != nil || len(raw) < 8 || len(raw) > 72 {
				t.Fatalf("strict accepts %q: %v", text, err)
			}
		}
	})
}

func FuzzQuery(f *testing.F) {
	var v struct{ Requests []requestCase }
	load(f, "requests.json", &v)
	for _, r := range v.Requests {
		f.Add(r.Query)
	}
	f.Fuzz(func(t *testing.T, query string) {
		params, err := gyt345.ParseQuery(query)
		if err != nil {
			return
		}
		params = slices.DeleteFunc(params, func(p gyt345.Param) bool { return p.Name == "sign" })
		text := gyt345.CanonicalQuery(params)
		again, err := gyt345.ParseQuery(text)
		if err != nil || len(again) != len(params) || gyt345.CanonicalQuery(again) != text {
			t.Fatalf("%q: got %q, %v", query, text, err)
		}
	})
}

// TestMutations changes every byte of the query and of the body of a signed request, in
// four ways, and removes it. What is accepted has the same meaning bit for bit: only a
// percent escape in the other letter case.
func TestMutations(t *testing.T) {
	var v struct{ Requests []requestCase }
	load(t, "requests.json", &v)
	now := time.UnixMilli(v.Requests[0].Now)
	tried := 0
	for _, c := range []requestCase{v.Requests[3], v.Requests[9]} {
		now = time.UnixMilli(c.Now)
		body := unbase64(t, c.BodyBase64)
		original, err := gyt345.ParseQuery(c.Query)
		if err != nil {
			t.Fatal(err)
		}
		try := func(query string, body []byte, what string) {
			t.Helper()
			tried++
			side := receivers(t, &now)[c.Receiver]
			r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, c.Path, bytes.NewReader(body))
			r.URL.RawQuery = query
			r.Header.Set("Content-Type", "application/json")
			w := httptest.NewRecorder()
			side.ServeHTTP(w, r)
			if w.Code != http.StatusOK {
				return
			}
			if params, err := gyt345.ParseQuery(query); err == nil && bytes.Equal(body, unbase64(t, c.BodyBase64)) && slices.Equal(params, original) {
				return
			}
			t.Errorf("accepted %s", what)
		}
		for i := range len(c.Query) {
			for _, flip := range []byte{0x01, 0x20, 0x04, 0x80} {
				changed := []byte(c.Query)
				changed[i] ^= flip
				try(string(changed), body, "query "+string(changed))
			}
			try(c.Query[:i]+c.Query[i+1:], body, "query without byte")
		}
		for i := range body {
			for _, flip := range []byte{0x01, 0x20, 0x04, 0x80} {
				changed := slices.Clone(body)
				changed[i] ^= flip
				try(c.Query, changed, "body "+string(changed))
			}
			try(c.Query, slices.Delete(slices.Clone(body), i, i+1), "body without byte")
		}
	}
	t.Logf("%d altered requests", tried)
}

// contentPlatform is a client with the keys of the vectors, and the side that it calls.
func contentPlatform(t *testing.T) (*gyt345.Client, http.Handler) {
	t.Helper()
	k := keys(t)
	client, err := gyt345.NewClient(k.GroupID, k.GroupSecret, k.ContentPlatform.private(t), gyt345.ClientOptions{})
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	return client, receivers(t, &now)["integrationPlatform"]
}

// TestHostileBodies are refused with a code of annex C, and quickly.
func TestHostileBodies(t *testing.T) {
	client, side := contentPlatform(t)
	for name, tc := range map[string]struct {
		body []byte
		want int
	}{
		"10 MB":            {bytes.Repeat([]byte(" "), 10<<20), 400},
		"deep nesting":     {[]byte(`{"a":` + string(bytes.Repeat([]byte("["), 100_000))), 400},
		"33 levels":        {[]byte(`{"a":` + string(bytes.Repeat([]byte("["), 32)) + string(bytes.Repeat([]byte("]"), 32)) + "}"), 400},
		"invalid UTF-8":    {[]byte("{\"a\":\"\xff\"}"), 400},
		"curly quotes":     {[]byte("{“msgId”:“1”}"), 400},
		"member twice":     {[]byte(`{"msgSign":"a","msgSign":"b"}`), 400},
		"no msgSign":       {[]byte(`{"msgId":"1"}`), 400},
		"false msgSign":    {[]byte(`{"msgId":"1","msgSign":"a.b"}`), 403},
		"empty":            {nil, 400},
		"many members":     {manyMembers(), 403},
		"msgSign a number": {[]byte(`{"msgSign":1}`), 400},
	} {
		t.Run(name, func(t *testing.T) {
			signed, err := client.SignBody(t.Context(), "http://platform.example/gyt345/v1/series", tc.body)
			if err != nil {
				t.Fatal(err)
			}
			r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, signed.URL, bytes.NewReader(tc.body))
			r.Header.Set("Content-Type", "application/json")
			w := httptest.NewRecorder()
			side.ServeHTTP(w, r)
			if w.Code != tc.want {
				t.Errorf("got %d %s, want %d", w.Code, w.Body, tc.want)
			}
		})
	}
}

// TestManyIDs: lists of ids have an end, in both their forms.
func TestManyIDs(t *testing.T) {
	client, side := contentPlatform(t)
	for i, tc := range []struct {
		ids           int
		comma, around string
		want          int
	}{
		{5000, ",", `"%s"`, 200}, {5001, ",", `"%s"`, 400}, {150_000, ",", `"%s"`, 400},
		{5000, `","`, `["%s"]`, 200}, {80_000, `","`, `["%s"]`, 400},
	} {
		list := make([]string, tc.ids)
		for i := range list {
			list[i] = strconv.Itoa(i)
		}
		ids := fmt.Sprintf(tc.around, strings.Join(list, tc.comma))
		body, err := gyt345.Parse(fmt.Appendf(nil, `{"msgId":"ids-%d","msgType":203,"msgTime":1,"msgData":{"programIds":%s}}`, i, ids))
		if err != nil {
			t.Fatal(err)
		}
		signed, err := client.SignValue(t.Context(), "http://platform.example/gyt345/v1/program/offline", body)
		if err != nil {
			t.Fatal(err)
		}
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, signed.URL, bytes.NewReader(signed.Body))
		r.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		side.ServeHTTP(w, r)
		if w.Code != tc.want {
			t.Errorf("%d ids, comma %s: got %d %.200s, want %d", tc.ids, tc.comma, w.Code, w.Body, tc.want)
		}
	}
}

func manyMembers() []byte {
	out := []byte(`{"msgSign":"a.b"`)
	for i := range 100_000 {
		out = append(out, `,"`...)
		out = append(out, []byte{byte('a' + i%26), byte('a' + i/26%26), byte('a' + i/676%26), byte('a' + i/17576)}...)
		out = append(out, `":1`...)
	}
	return append(out, '}')
}

// BenchmarkVerify measures a whole request, and the two SM2 verifications in it alone.
func BenchmarkVerify(b *testing.B) {
	k := keys(b)
	client, err := gyt345.NewClient(k.GroupID, k.GroupSecret, k.ContentPlatform.private(b), gyt345.ClientOptions{})
	if err != nil {
		b.Fatal(err)
	}
	var v struct{ Requests []requestCase }
	load(b, "requests.json", &v)
	parsed, err := gyt345.Parse(unbase64(b, v.Requests[0].BodyBase64))
	if err != nil {
		b.Fatal(err)
	}
	signed, err := client.SignValue(b.Context(), "http://platform.example/gyt345/v1/series", parsed)
	if err != nil {
		b.Fatal(err)
	}
	public := k.ContentPlatform.public(b)
	params, err := gyt345.ParseQuery(signed.Query)
	if err != nil {
		b.Fatal(err)
	}
	text := gyt345.RequestString(signed.Path, params[:len(params)-1], signed.Body)
	rs, _, err := gyt345.DecodeSignature(params[len(params)-1].Value, true)
	if err != nil {
		b.Fatal(err)
	}
	b.Run("two SM2 verifications", func(b *testing.B) {
		b.RunParallel(func(p *testing.PB) {
			for p.Next() {
				public.Verify(text, rs)
				public.Verify(text, rs)
			}
		})
	})
	b.Run("request", func(b *testing.B) {
		memory, err := kit.NewMemory([]kit.Group{{ID: k.GroupID, Secrets: []string{k.GroupSecret}, Keys: []string{public.Hex()}}}, nil)
		if err != nil {
			b.Fatal(err)
		}
		rc := gyt345.NewReceiver(slog.New(slog.DiscardHandler), memory, accepting{}, time.Now)
		handler := rc.Handler(gyt345.InterfaceSeries, "/gyt345/v1/series")
		b.ReportAllocs()
		b.RunParallel(func(p *testing.PB) {
			for p.Next() {
				r := httptest.NewRequestWithContext(b.Context(), http.MethodPost, signed.URL, bytes.NewReader(signed.Body))
				r.Header.Set("Content-Type", "application/json")
				w := httptest.NewRecorder()
				if handler.ServeHTTP(w, r); w.Code != http.StatusOK {
					b.Fatalf("got %d %s", w.Code, w.Body)
				}
			}
		})
	})
}
