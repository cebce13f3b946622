package policy

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"

	"golang.org/x/crypto/ssh"
	"google.golang.org/protobuf/proto"

	"github.com/yunqiao/yunqiao/drivers/sdk"
	"github.com/yunqiao/yunqiao/gateway/pipeline"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	computev1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/compute/v1"
)

// override does what the contract cannot say, and then mostly goes on with run.
type override func(ctx context.Context, r *Runner, call *pipeline.Call, t *target) (proto.Message, error)

// overrides are all there are.
var overrides = map[string]override{
	"cloud.compute.v1.VmService/CreateVm":             createVm,
	"cloud.compute.v1.VmService/ResetVmPassword":      resetVmPassword,
	"cloud.compute.v1.VmService/GetVmInitialPassword": getVmInitialPassword,
	"cloud.compute.v1.KeyPairService/CreateKeyPair":   createKeyPair,
}

// createVm makes the password where the client asks for one.
func createVm(ctx context.Context, r *Runner, call *pipeline.Call, t *target) (proto.Message, error) {
	if call.Request.(*computev1.CreateVmRequest).GetGeneratePassword() {
		t.native.(*computev1.CreateVmRequest).Password = newPassword()
	}
	return r.run(ctx, call, t)
}

// resetVmPassword makes the password where the client asks for one.
func resetVmPassword(ctx context.Context, r *Runner, call *pipeline.Call, t *target) (proto.Message, error) {
	if call.Request.(*computev1.ResetVmPasswordRequest).GetGeneratePassword() {
		t.native.(*computev1.ResetVmPasswordRequest).Password = newPassword()
	}
	return r.run(ctx, call, t)
}

// getVmInitialPassword reads the sealed store first; no cloud tells a password
// that was given to it.
func getVmInitialPassword(ctx context.Context, r *Runner, call *pipeline.Call, t *target) (proto.Message, error) {
	username, password, ok, err := r.passwords.Recall(ctx, t.resourceID)
	if err != nil {
		return nil, err
	}
	if ok {
		return &computev1.GetVmInitialPasswordResponse{Username: username, Password: password}, nil
	}
	return r.run(ctx, call, t)
}

// keyBits is the size of generated keys: every cloud takes RSA of this size.
const keyBits = 3072

// createKeyPair makes the pair where the client asks for one: the public key goes
// to the cloud, the private key to the client, once, and is stored nowhere.
func createKeyPair(ctx context.Context, r *Runner, call *pipeline.Call, t *target) (proto.Message, error) {
	if !call.Request.(*computev1.CreateKeyPairRequest).GetGenerate() {
		return r.run(ctx, call, t)
	}
	key, err := rsa.GenerateKey(rand.Reader, keyBits)
	if err != nil {
		return nil, err
	}
	public, err := ssh.NewPublicKey(&key.PublicKey)
	if err != nil {
		return nil, err
	}
	t.native.(*computev1.CreateKeyPairRequest).PublicKey = string(ssh.MarshalAuthorizedKey(public))
	result, err := r.submit(ctx, call, t)
	if err != nil {
		return nil, err
	}
	answer, ok := result.Answer.(*computev1.CreateKeyPairResponse)
	if !ok {
		return nil, sdk.NewError(apiv1.Reason_REASON_INTERNAL)
	}
	if !result.Repeat {
		answer.PrivateKey = string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}))
	}
	return answer, nil
}

// newPassword makes 20 characters of all four classes, about 110 bits, without
// characters that are easily taken for others.
func newPassword() string {
	const classes = 4
	sets := [classes]string{"ABCDEFGHJKLMNPQRSTUVWXYZ", "abcdefghijkmnpqrstuvwxyz", "23456789", "#%+-=?_@"}
	all := sets[0] + sets[1] + sets[2] + sets[3]
	for {
		password := make([]byte, 20)
		var seen [classes]bool
		for i := range password {
			c := all[randomBelow(len(all))]
			password[i] = c
			for class, set := range sets {
				for j := range len(set) {
					seen[class] = seen[class] || set[j] == c
				}
			}
		}
		if seen == [classes]bool{true, true, true, true} {
			return string(password)
		}
	}
}

// randomBelow is an even random number in 0..n-1, n at most 256.
func randomBelow(n int) int {
	limit := 256 - 256%n
	var b [1]byte
	for {
		_, _ = rand.Read(b[:]) // never fails, see crypto/rand
		if int(b[0]) < limit {
			return int(b[0]) % n
		}
	}
}
