package redact_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

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
}

// TestJSONOfLongMessages tells what fits, and of the rest how long it was.
func TestJSONOfLongMessages(t *testing.T) {
	long := strings.Repeat("x", 9000)
	many := map[string]string{}
	for i := range 2000 {
		many[fmt.Sprintf("tag-%04d", i)] = "v"
	}
	for name, tc := range map[string]struct {
		message proto.Message
		limit   int
		want    []string
	}{
		"a long member":       {&computev1.CreateVmRequest{Name: "web", Description: long}, 8192, []string{`"web"`, `"description":{"left_out_bytes":9002}`}},
		"deep in the message": {&accountv1.UpdateAccountResponse{Account: &accountv1.Account{Id: "lab", Description: long}}, 8192, []string{`"lab"`, `"left_out_bytes":9002`}},
		"many small members":  {&computev1.CreateVmRequest{Name: "web", Tags: many}, 8192, []string{`"web"`, `"left_out_bytes"`}},
		"nothing fits at all": {&computev1.CreateVmRequest{Name: "web", Description: long}, 40, []string{`{"left_out_bytes":`}},
		"a secret stays one":  {&computev1.CreateVmRequest{Password: canary, Description: long}, 8192, []string{`"******"`}},
	} {
		text := redact.JSON(tc.message, tc.limit)
		if len(text) > tc.limit || !json.Valid([]byte(text)) || strings.Contains(text, canary) {
			t.Errorf("%s: %d bytes, %s", name, len(text), text)
		}
		for _, want := range tc.want {
			if !strings.Contains(text, want) {
				t.Errorf("%s: no %s in %.200s", name, want, text)
			}
		}
	}
}
