package kit_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"

	"github.com/yunqiao/yunqiao/programs/gyt345"
	"github.com/yunqiao/yunqiao/programs/kit"
)

// runLine runs one command line and gives its output.
func runLine(t *testing.T, args ...string) (string, error) {
	t.Helper()
	var out bytes.Buffer
	line := &kit.Commands{}
	parser, err := kong.New(line, kong.Exit(func(int) {}), kong.Writers(&out, &out))
	if err != nil {
		t.Fatal(err)
	}
	command, err := parser.Parse(args)
	if err != nil {
		return out.String(), err
	}
	err = command.Run(&kit.Environment{Context: t.Context(), Stdin: strings.NewReader(""), Stdout: &out, Stderr: &out})
	return out.String(), err
}

// TestSignAndVerify makes a key, signs a message, verifies it, and not an altered one.
func TestSignAndVerify(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if text != "" {
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		return path
	}
	key := file("key", "")
	public, err := runLine(t, "keygen", key)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := runLine(t, "keygen", key); err == nil {
		t.Error("a key over another: got no error")
	}
	secret := file("secret", gyt345.NewSecret()+"\n")
	who := []string{"--group-id", "1", "--secret-file", secret}
	message := file("message", `{"msgId":"m","msgType":203,"msgTime":1,"msgData":{"programIds":["p"]}}`)
	signed, err := runLine(t, append([]string{"sign", "--key-file", key, "--url", "https://platform.example/offline", message}, who...)...)
	if err != nil {
		t.Fatal(err)
	}
	address, body, _ := strings.Cut(signed, "\n")
	verify := append([]string{"verify", "--peer-key", strings.TrimSpace(public), "--url", address, file("body", body)}, who...)
	if out, err := runLine(t, verify...); err != nil || !strings.Contains(out, `"msgId":"m"`) {
		t.Errorf("got %s, %v", out, err)
	}
	older := []string{"--request-text", "sorted-parameters", "--message-text", "sorted-members", "--signed-form", "sm3-hex",
		"--mac-method", "hmac-sm3", "--mac-key", "sm3-of-secret", "--sm2-user-id="}
	if out, err := runLine(t, append(verify, older...)...); err == nil {
		t.Errorf("the profile where older habits are agreed on: got %s", out)
	}
	signed, err = runLine(t, slices.Concat([]string{"sign", "--key-file", key, "--url", "https://platform.example/offline", message}, who, older)...)
	if err != nil {
		t.Fatal(err)
	}
	other, otherBody, _ := strings.Cut(signed, "\n")
	agreed := slices.Concat([]string{"verify", "--peer-key", strings.TrimSpace(public), "--url", other, file("older", otherBody)}, who)
	if out, err := runLine(t, append(agreed, older...)...); err != nil || !strings.Contains(out, `"msgId":"m"`) {
		t.Errorf("older habits: got %s, %v", out, err)
	}
	if out, err := runLine(t, agreed...); err == nil {
		t.Errorf("older habits where the profile is agreed on: got %s", out)
	}
	file("body", body+"\n")
	if out, err := runLine(t, verify...); err == nil {
		t.Errorf("a line feed that was not signed: got %s", out)
	}
	file("body", strings.Replace(body, `"p"`, `"q"`, 1))
	if out, err := runLine(t, verify...); err == nil {
		t.Errorf("altered: got %s", out)
	}
}

// TestMemory applies a message once, however often it comes.
func TestMemory(t *testing.T) {
	applied := 0
	memory, err := kit.NewMemory(nil, func(context.Context, *gyt345.Received) error { applied++; return nil })
	if err != nil {
		t.Fatal(err)
	}
	for nonce, want := range map[string]error{"n-1": nil, "n-2": nil} {
		got := memory.Settle(t.Context(), &gyt345.Received{GroupID: "1", Nonce: nonce, Digest: "d", Message: &gyt345.Message{ID: "m"}})
		if got != want {
			t.Errorf("got %v, want %v", got, want)
		}
	}
	if applied != 1 {
		t.Errorf("applied %d times, want 1", applied)
	}
}
