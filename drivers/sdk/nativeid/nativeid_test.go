package nativeid_test

import (
	"errors"
	"regexp"
	"slices"
	"testing"
	"unicode/utf8"

	"github.com/yunqiao/yunqiao/drivers/sdk/nativeid"
)

func TestRoundTrip(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		parts []string
		want  string
	}{
		"uuid":            {[]string{"5b1c3e0e-6a0f-4f1e-9a39-0d9a3f1f2c11"}, "5b1c3e0e-6a0f-4f1e-9a39-0d9a3f1f2c11"},
		"dots":            {[]string{"ubuntu_22_04_x64_20G_alibase_20240710.vhd"}, "ubuntu_22_04_x64_20G_alibase_20240710.vhd"},
		"chinese":         {[]string{"快编 密钥"}, "~E5~BF~AB~E7~BC~96~20~E5~AF~86~E9~92~A5"},
		"reserved bytes":  {[]string{"a/b,c~d%e"}, "a~2Fb~2Cc~7Ed~25e"},
		"star":            {[]string{"*.example.com"}, "~2A.example.com"},
		"two parts":       {[]string{"default", "系统盘.qcow2"}, "default~~~E7~B3~BB~E7~BB~9F~E7~9B~98.qcow2"},
		"route entry":     {[]string{"R", "10.0.0.0/24", "10.1.1.1"}, "R~~10.0.0.0~2F24~~10.1.1.1"},
		"escape follows":  {[]string{"a", "/b"}, "a~~~2Fb"},
		"tilde at an end": {[]string{"a~", "~b"}, "a~7E~~~7Eb"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := nativeid.Join(tc.parts...); got != tc.want {
				t.Errorf("Join(%q): got %q, want %q", tc.parts, got, tc.want)
			}
			got, err := nativeid.Split(tc.want)
			if err != nil || !slices.Equal(got, tc.parts) {
				t.Errorf("Split(%q): got %q, %v, want %q", tc.want, got, err, tc.parts)
			}
		})
	}
}

func TestSplitRefuses(t *testing.T) {
	t.Parallel()
	for name, id := range map[string]string{
		"empty":                 "",
		"empty first part":      "~~a",
		"empty last part":       "a~~",
		"empty part inside":     "a~~~~b",
		"only a separator":      "~~",
		"lower-case hex":        "a~2fb",
		"escape of a raw byte":  "~41",
		"escape of a dot":       "a~2Eb",
		"cut escape":            "a~2",
		"single tilde":          "a~",
		"tilde in an escape":    "a~2~~b",
		"raw slash":             "a/b",
		"raw space":             "a b",
		"raw colon":             "a:b",
		"percent encoding":      "a%2Fb",
		"raw Chinese":           "密钥",
		"escaped invalid UTF-8": "~FF~FE",
		"cut UTF-8":             "~E5~BF",
		"surrogate":             "~ED~A0~80",
		"overlong":              "~C0~AF",
		"UTF-8 across parts":    "~E5~BF~~~AB",
		"newline":               "a\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got, err := nativeid.Split(id); !errors.Is(err, nativeid.ErrMalformed) {
				t.Errorf("Split(%q): got %q, %v, want ErrMalformed", id, got, err)
			}
		})
	}
}

// grammar is the native part of the regular expression of public ids.
var grammar = regexp.MustCompile(`^(?:[A-Za-z0-9._-]|~[0-9A-F]{2})+(?:~~(?:[A-Za-z0-9._-]|~[0-9A-F]{2})+)*$`)

func FuzzSplit(f *testing.F) {
	for _, seed := range []string{"a", "a~~b", "a~~~2Fb", "~E5~BF~AB", "a~2fb", "~~", "a~~~~b", "~41", "\xff"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, id string) {
		parts, err := nativeid.Split(id)
		if err != nil {
			if !errors.Is(err, nativeid.ErrMalformed) {
				t.Fatalf("Split(%q): %v is not ErrMalformed", id, err)
			}
			return
		}
		if !grammar.MatchString(id) {
			t.Fatalf("Split(%q) accepted what the grammar refuses", id)
		}
		if back := nativeid.Join(parts...); back != id {
			t.Fatalf("two spellings of %q: %q and %q", parts, id, back)
		}
	})
}

func FuzzJoin(f *testing.F) {
	f.Add("a", "b")
	f.Add("快编 密钥", "~")
	f.Add("a~~b", "~2F")
	f.Fuzz(func(t *testing.T, a, b string) {
		id := nativeid.Join(a, b)
		parts, err := nativeid.Split(id)
		if a == "" || b == "" || !utf8.ValidString(a) || !utf8.ValidString(b) {
			if err == nil {
				t.Fatalf("Split(Join(%q, %q)) was accepted as %q", a, b, parts)
			}
			return
		}
		if err != nil || !slices.Equal(parts, []string{a, b}) {
			t.Fatalf("Split(Join(%q, %q)): got %q, %v", a, b, parts, err)
		}
	})
}
