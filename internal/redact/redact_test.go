package redact_test

import (
	"strings"
	"testing"

	"github.com/yunqiao/yunqiao/internal/redact"
	accountv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/account/v1"
	computev1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/compute/v1"
)

const canary = "s3cr3t-canary"

func TestJSON(t *testing.T) {
	vm := &computev1.CreateVmRequest{Name: "web", Password: canary}
	text := redact.JSON(vm, 8192)
	if strings.Contains(text, canary) || !strings.Contains(text, "web") || !strings.Contains(text, `"******"`) {
		t.Errorf("vm: got %s", text)
	}
	if vm.GetPassword() != canary {
		t.Error("the message itself was changed")
	}
	text = redact.JSON(&accountv1.CreateAccountRequest{Id: "abc", Credentials: map[string]string{"password": canary}}, 8192)
	if strings.Contains(text, canary) || !strings.Contains(text, `"password"`) {
		t.Errorf("account: got %s", text)
	}
	long := redact.JSON(&computev1.CreateVmRequest{Description: strings.Repeat("x", 9000)}, 8192)
	if !strings.HasPrefix(long, `{"left_out_bytes":`) {
		t.Errorf("long message: got %.60s", long)
	}
}
