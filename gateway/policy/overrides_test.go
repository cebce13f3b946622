package policy

import (
	"testing"

	"buf.build/go/protovalidate"
	"google.golang.org/protobuf/proto"

	computev1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/compute/v1"
	databasev1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/database/v1"
)

// TestNewPassword holds generated passwords against the rules that the contract has
// for given ones.
func TestNewPassword(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for range 200 {
		password := newPassword()
		if len(password) != 20 || seen[password] {
			t.Fatalf("password %q", password)
		}
		seen[password] = true
		for _, request := range []proto.Message{
			&computev1.ResetVmPasswordRequest{Id: "a.b", Password: password},
			&databasev1.ResetInstancePasswordRequest{Id: "a.b", Password: password},
		} {
			if err := protovalidate.Validate(request); err != nil {
				t.Fatalf("password %q: %v", password, err)
			}
		}
	}
}
