package policy

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"

	"golang.org/x/crypto/ssh"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/yunqiao/yunqiao/drivers/sdk"
	"github.com/yunqiao/yunqiao/gateway/pipeline"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	computev1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/compute/v1"
	databasev1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/database/v1"
)

// override does what the contract cannot say, and then mostly goes on with run.
type override func(ctx context.Context, r *Runner, call *pipeline.Call, t *target) (proto.Message, error)

// overrides are all there are.
var overrides = map[string]override{
	"cloud.compute.v1.VmService/CreateVm":                     withPassword,
	"cloud.compute.v1.VmService/ResetVmPassword":              withPassword,
	"cloud.compute.v1.VmService/GetVmInitialPassword":         getVmInitialPassword,
	"cloud.compute.v1.KeyPairService/CreateKeyPair":           createKeyPair,
	"cloud.database.v1.InstanceService/CreateInstance":        withPassword,
	"cloud.database.v1.InstanceService/ResetInstancePassword": withPassword,
	"cloud.database.v1.InstanceService/GetInstance":           getInstance,
}

// withPassword makes the password where the client asks for one: the request's
// fields are password and generate_password.
func withPassword(ctx context.Context, r *Runner, call *pipeline.Call, t *target) (proto.Message, error) {
	if generate := boolField(call.Request, "generate_password"); generate != nil && *generate {
		native := t.native.ProtoReflect()
		native.Set(native.Descriptor().Fields().ByName("password"), protoreflect.ValueOfString(newPassword()))
	}
	return r.run(ctx, call, t)
}

// vmAdministrator is the account inside a VM whose password is kept.
const vmAdministrator = "root"

// getVmInitialPassword reads the sealed store first; no cloud tells a password
// that was given to it.
func getVmInitialPassword(ctx context.Context, r *Runner, call *pipeline.Call, t *target) (proto.Message, error) {
	password, ok, err := r.passwords.Recall(ctx, t.resourceID)
	if err != nil {
		return nil, err
	}
	if ok {
		return &computev1.GetVmInitialPasswordResponse{Username: vmAdministrator, Password: password}, nil
	}
	return r.run(ctx, call, t)
}

// getInstance adds to what the cloud tells the password that the gateway has kept.
// An instance that the cloud does not know has none.
func getInstance(ctx context.Context, r *Runner, call *pipeline.Call, t *target) (proto.Message, error) {
	answer, err := r.run(ctx, call, t)
	if err != nil || !call.Request.(*databasev1.GetInstanceRequest).GetIncludePassword() {
		return answer, err
	}
	told, ok := answer.(*databasev1.GetInstanceResponse)
	if !ok {
		return nil, sdk.NewError(apiv1.Reason_REASON_INTERNAL)
	}
	told.Username = told.GetInstance().GetUsername()
	told.Password, _, err = r.passwords.Recall(ctx, t.resourceID)
	return told, err
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

// newPassword makes 20 characters of all four classes, about 119 bits, that are in
// every cloud's alphabet for VMs and databases and are not easily taken for others.
func newPassword() string {
	const classes = 4
	sets := [classes]string{"ABCDEFGHJKLMNPQRSTUVWXYZ", "abcdefghijkmnpqrstuvwxyz", "23456789", "#%+-=_"}
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
