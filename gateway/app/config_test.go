package app

import (
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func noEnvironment(string) string { return "" }

const example = "../../configs/yunqiao.yaml"

// TestExample holds the example to its promise: what is not commented out is the
// default.
func TestExample(t *testing.T) {
	got, err := LoadConfig(example, noEnvironment)
	if err != nil {
		t.Fatal(err)
	}
	want := defaultConfig()
	want.Data = "../../data" // relative to the file
	want.Account = defaultAccounts()
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty(), cmpopts.IgnoreUnexported(Duration{})); diff != "" {
		t.Errorf("the example differs from the defaults (-want +got):\n%s", diff)
	}
}

// option is a line that is commented out: a "#" without a space.
var option = regexp.MustCompile(`(?m)^(\s*)#(\S.*)$`)

// TestExampleOptions loads the example with everything in it switched on.
func TestExampleOptions(t *testing.T) {
	text, err := os.ReadFile(example)
	if err != nil {
		t.Fatal(err)
	}
	on := strings.Replace(string(text), "    settings: {}\n", "", 1)
	on = option.ReplaceAllString(on, "$1$2")
	file := filepath.Join(t.TempDir(), "yunqiao.yaml")
	if err := os.WriteFile(file, []byte(on), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := LoadConfig(file, noEnvironment)
	if err != nil {
		t.Fatalf("%v\n%s", err, on)
	}
	if len(c.Account) < 3 || len(c.Drivers) == 0 || !c.Seal.Given() || !c.Store.DSN.Given() {
		t.Errorf("not everything was switched on: %+v", c)
	}
	for _, key := range keys(reflect.TypeFor[Config]()) {
		if !regexp.MustCompile(`\b` + key + `:`).MatchString(on) {
			t.Errorf("the example lacks the key %s", key)
		}
	}
}

// keys are the names of all keys that a type reads.
func keys(t reflect.Type) (all []string) {
	switch t.Kind() {
	case reflect.Slice, reflect.Map, reflect.Pointer:
		return keys(t.Elem())
	case reflect.Struct:
		for i := range t.NumField() {
			if name := t.Field(i).Tag.Get("yaml"); name != "" {
				all = append(append(all, name), keys(t.Field(i).Type)...)
			}
		}
	}
	return all
}

// TestBad loads every file of testdata/bad. Its comments say what the error must
// have ("want:") and must not have ("never:").
func TestBad(t *testing.T) {
	files, err := filepath.Glob("testdata/bad/*.yaml")
	if err != nil || len(files) < 15 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".yaml"), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			_, got := LoadConfig(file, noEnvironment)
			if got == nil {
				t.Fatal("was taken")
			}
			wants := 0
			for line := range strings.Lines(string(text)) {
				line = strings.TrimSpace(line)
				if want, ok := strings.CutPrefix(line, "# want: "); ok {
					wants++
					if !strings.Contains(got.Error(), want) {
						t.Errorf("got %q, want %q in it", got, want)
					}
				}
				if never, ok := strings.CutPrefix(line, "# never: "); ok && strings.Contains(got.Error(), never) {
					t.Errorf("got %q, want no %q in it", got, never)
				}
			}
			if wants == 0 {
				t.Error("the file says not what it wants")
			}
		})
	}
}

func TestNoFile(t *testing.T) {
	if _, err := LoadConfig("testdata/none.yaml", noEnvironment); err == nil || !strings.Contains(err.Error(), "none.yaml") {
		t.Errorf("got %v", err)
	}
}

func TestEmptyFileIsTheDefaults(t *testing.T) {
	for name, text := range map[string]string{"empty": "", "comments": "# nothing\n", "keys without values": "log:\naccounts:\nhttp:\n"} {
		file := filepath.Join(t.TempDir(), "empty.yaml")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := LoadConfig(file, noEnvironment)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		want := defaultConfig()
		want.Data = filepath.Join(filepath.Dir(file), want.Data)
		if diff := cmp.Diff(want, got, cmpopts.EquateEmpty(), cmpopts.IgnoreUnexported(Duration{})); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestEnvironmentWins(t *testing.T) {
	got, err := LoadConfig(example, func(name string) string {
		return map[string]string{"YUNQIAO_LISTEN": "127.0.0.1:1", "YUNQIAO_DATA": "/elsewhere"}[name]
	})
	if err != nil {
		t.Fatal(err)
	}
	if got.Listen != "127.0.0.1:1" || got.Data != "/elsewhere" || got.TokenFile() != "/elsewhere/admin.token" {
		t.Errorf("got %+v", got)
	}
}

func TestSecretSource(t *testing.T) {
	file := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(file, []byte("of file\r\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	getenv := func(name string) string { return map[string]string{"SET": "of env"}[name] }
	for name, tc := range map[string]struct {
		source    SecretSource
		want, err string
	}{
		"file":    {SecretSource{File: file}, "of file", ""},
		"env":     {SecretSource{Env: "SET"}, "of env", ""},
		"no file": {SecretSource{File: file + "x"}, "", "there is no file"},
		"no env":  {SecretSource{Env: "UNSET"}, "", "the environment variable UNSET is empty"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := tc.source.Read(getenv)
			if got != tc.want || (err == nil) != (tc.err == "") || (err != nil && !strings.Contains(err.Error(), tc.err)) {
				t.Errorf("got %q, %v; want %q, %q", got, err, tc.want, tc.err)
			}
		})
	}
}
