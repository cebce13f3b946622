package sdk_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"regexp"
	"strings"
	"testing"

	"github.com/yunqiao/yunqiao/drivers/sdk"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
)

func TestToken(t *testing.T) {
	t.Parallel()
	// base32 of SHA-256("r-1create"), lower case, as any other implementation gives it.
	const want = "i4o2nxoukt7edl74blmmw34mmm"
	if got := sdk.Token("r-1", "create"); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := sdk.Token(strings.Repeat("x", 500), ""); !regexp.MustCompile(`^[a-z2-7]{26}$`).MatchString(got) {
		t.Errorf("got %q", got)
	}
}

func TestSecretIsMasked(t *testing.T) {
	t.Parallel()
	secret := sdk.Secret("hunter2")
	holder := struct{ Password sdk.Secret }{secret}
	encoded, err := json.Marshal(map[string]any{"secret": secret, "holder": holder})
	if err != nil {
		t.Fatal(err)
	}
	var logged strings.Builder
	slog.New(slog.NewTextHandler(&logged, nil)).Info("x", "secret", secret, "holder", holder)
	for name, text := range map[string]string{
		"verbs":  fmt.Sprintf("%s %v %+v %#v %q %x %X %d", secret, secret, holder, holder, secret, secret, secret, secret),
		"json":   string(encoded),
		"slog":   logged.String(),
		"errorf": fmt.Errorf("bad: %v", secret).Error(),
	} {
		if strings.Contains(text, "hunter2") || strings.Contains(text, "68756e74") || !strings.Contains(text, "******") {
			t.Errorf("%s: %s", name, text)
		}
	}
	if string(secret) != "hunter2" {
		t.Error("the value is lost")
	}
}

func TestAccounts(t *testing.T) {
	t.Parallel()
	var accounts sdk.Accounts[int]
	if _, ok := accounts.Remove("a"); ok {
		t.Error("removed an absent account")
	}
	if _, replaced := accounts.Put("a", 1); replaced {
		t.Error("replaced an absent account")
	}
	if old, replaced := accounts.Put("a", 2); !replaced || old != 1 {
		t.Errorf("got %d, %v", old, replaced)
	}
	if got, err := accounts.Get("a"); err != nil || got != 2 {
		t.Errorf("got %d, %v", got, err)
	}
	if _, err := accounts.From(t.Context()); sdk.ReasonOf(err) != apiv1.Reason_REASON_ACCOUNT_NOT_FOUND {
		t.Errorf("without metadata: got %v", err)
	}
}
