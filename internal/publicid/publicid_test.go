package publicid_test

import (
	"strings"
	"testing"

	"github.com/yunqiao/yunqiao/drivers/sdk"
	"github.com/yunqiao/yunqiao/internal/publicid"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
)

func TestSplit(t *testing.T) {
	for name, tc := range map[string]struct{ id, account, native string }{
		"uuid":      {"os-sh.5b1c3e0e-6a0f-4f1e-9a39-0d9a3f1f2c11", "os-sh", "5b1c3e0e-6a0f-4f1e-9a39-0d9a3f1f2c11"},
		"with dots": {"ali-hz.ubuntu_22.04.vhd", "ali-hz", "ubuntu_22.04.vhd"},
		"composite": {"os-sh.r~~10.0.0.0~2F24", "os-sh", "r~~10.0.0.0~2F24"},
	} {
		account, native, err := publicid.Split("id", tc.id)
		if err != nil || account != tc.account || native != tc.native {
			t.Errorf("%s: Split(%q) = %q, %q, %v", name, tc.id, account, native, err)
		}
		if got := publicid.Join(account, native); got != tc.id {
			t.Errorf("%s: joined again: got %q", name, got)
		}
	}
	for name, id := range map[string]string{
		"empty": "", "no dot": "abc", "no native": "abc.", "short account": "a.x", "capital": "Abc.x", "path": "abc.../x",
		"slash": "abc.a/b", "percent": "abc.a%2Fb", "lower hex": "abc.a~2fb", "empty part": "abc.a~~", "space": "abc.a b",
		"needless escape": "abc.~41", "long": "abc." + strings.Repeat("x", 512), "newline": "abc.x\n",
	} {
		if _, _, err := publicid.Split("id", id); sdk.ReasonOf(err) != apiv1.Reason_REASON_ID_MALFORMED {
			t.Errorf("%s: Split(%q): got %v, want ID_MALFORMED", name, id, err)
		}
	}
}

func FuzzSplit(f *testing.F) {
	for _, seed := range []string{"abc.x", "abc.a~~b", "abc.~E5~BF~AB", "..", "abc.~", "a-b.c.d"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, id string) {
		account, native, err := publicid.Split("id", id)
		if err == nil && publicid.Join(account, native) != id {
			t.Errorf("Split(%q) = %q, %q: joined differs", id, account, native)
		}
	})
}
