package seal_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/yunqiao/yunqiao/internal/seal"
)

func TestBox(t *testing.T) {
	path := filepath.Join(t.TempDir(), "key")
	if _, err := seal.LoadKey(path, false); err == nil {
		t.Error("missing key file: got no error")
	}
	key, err := seal.LoadKey(path, true)
	if err != nil {
		t.Fatal(err)
	}
	if info, _ := os.Stat(path); info.Mode().Perm() != 0o600 {
		t.Errorf("key file mode: got %v, want 0600", info.Mode())
	}
	again, err := seal.LoadKey(path, true)
	if err != nil || !bytes.Equal(key, again) {
		t.Fatalf("second load: got another key, err %v", err)
	}
	box, err := seal.New(key)
	if err != nil {
		t.Fatal(err)
	}
	sealed := box.Seal([]byte("secret"), "row 1")
	if bytes.Contains(sealed, []byte("secret")) {
		t.Error("sealed value shows the secret")
	}
	if plain, err := box.Open(sealed, "row 1"); err != nil || string(plain) != "secret" {
		t.Errorf("open: got %q, %v", plain, err)
	}
	altered := bytes.Clone(sealed)
	altered[len(altered)-1] ^= 1
	for name, tc := range map[string]struct {
		sealed []byte
		label  string
	}{
		"other label": {sealed, "row 2"},
		"altered":     {altered, "row 1"},
		"short":       {sealed[:5], "row 1"},
		"empty":       {nil, "row 1"},
	} {
		if _, err := box.Open(tc.sealed, tc.label); err == nil {
			t.Errorf("%s: opened", name)
		}
	}
}
