package identity_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/pem"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/emmansun/gmsm/sm2"
	"github.com/emmansun/gmsm/smx509"

	"github.com/yunqiao/yunqiao/drivers/sdk"
	"github.com/yunqiao/yunqiao/gateway/identity"
	"github.com/yunqiao/yunqiao/gateway/identity/signature"
	"github.com/yunqiao/yunqiao/gateway/pipeline"
	"github.com/yunqiao/yunqiao/internal/db"
	"github.com/yunqiao/yunqiao/internal/db/dbtest"
	"github.com/yunqiao/yunqiao/internal/inproc"
	"github.com/yunqiao/yunqiao/internal/seal"
	"github.com/yunqiao/yunqiao/plugin-proto/contract"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	tenantv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/tenant/v1"
)

// bench is an identity over a new store, with the services of its administrator.
type bench struct {
	*identity.Identity
	token string
	admin context.Context
	keys  tenantv1.AccessKeyServiceClient
	users tenantv1.UserServiceClient

	mu     sync.Mutex
	offset time.Duration // of its clock
}

func (b *bench) now() time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	return time.Now().Add(b.offset)
}

func (b *bench) setClock(offset time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.offset = offset
}

func openBench(t testing.TB, store *db.Store) *bench {
	t.Helper()
	if err := store.Migrate(t.Context(), identity.Migrations()); err != nil {
		t.Fatal(err)
	}
	box, err := seal.New(bytes.Repeat([]byte{1}, seal.KeySize))
	if err != nil {
		t.Fatal(err)
	}
	c, err := contract.Linked()
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{}
	b.Identity, b.token, err = identity.Open(t.Context(), slog.New(slog.DiscardHandler), store, box, c, identity.Options{Now: b.now})
	if err != nil {
		t.Fatal(err)
	}
	if b.token == "" {
		return b // another replica on the same store
	}
	conn := inproc.New()
	b.Register(conn, nil, nil, nil)
	b.keys, b.users = tenantv1.NewAccessKeyServiceClient(conn), tenantv1.NewUserServiceClient(conn)
	p, err := b.Authenticate(t.Context(), bearer(b.token), nil)
	if err != nil {
		t.Fatal(err)
	}
	b.admin = pipeline.WithCall(t.Context(), &pipeline.Call{Principal: p})
	return b
}

func bearer(token string) *http.Request {
	r := httptest.NewRequest(http.MethodGet, "/compute/v1/vm/get?id=a.b", nil)
	r.Header.Set("Authorization", "Bearer "+token)
	return r
}

// newKey makes an access key for a user, and what signs with it.
func (b *bench) newKey(t testing.TB, userID string, algorithm tenantv1.SignatureAlgorithm) (string, *signature.Signer) {
	t.Helper()
	request := &tenantv1.CreateAccessKeyRequest{UserId: userID, Algorithm: algorithm}
	var private []byte
	if algorithm == tenantv1.SignatureAlgorithm_SIGNATURE_ALGORITHM_SM2 {
		private, request.PublicKey = newSM2(t)
	}
	created, err := b.keys.CreateAccessKey(b.admin, request)
	if err != nil {
		t.Fatal(err)
	}
	var signer *signature.Signer
	switch algorithm {
	case tenantv1.SignatureAlgorithm_SIGNATURE_ALGORITHM_SM2:
		signer, err = signature.NewSM2Signer(created.GetId(), private)
	case tenantv1.SignatureAlgorithm_SIGNATURE_ALGORITHM_HMAC_SHA256:
		signer, err = signature.NewHMACSigner(created.GetId(), signature.HMACSHA256, decode(t, created.GetSecret()))
	default:
		signer, err = signature.NewHMACSigner(created.GetId(), signature.HMACSM3, decode(t, created.GetSecret()))
	}
	if err != nil {
		t.Fatal(err)
	}
	return created.GetId(), signer
}

func decode(t testing.TB, text string) []byte {
	t.Helper()
	raw, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func newSM2(t testing.TB) (private []byte, public string) {
	t.Helper()
	key, err := sm2.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := smx509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	publicDER, err := smx509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}),
		string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: publicDER}))
}

// signed is a signed request as it is received, with its body.
func signed(t testing.TB, signer *signature.Signer, method, body string) (*http.Request, []byte) {
	t.Helper()
	r := httptest.NewRequest(method, "/compute/v1/vm/x?a=1", bytes.NewReader([]byte(body)))
	if err := signature.Sign(r, signer); err != nil {
		t.Fatal(err)
	}
	received, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return r, received
}

var algorithms = []tenantv1.SignatureAlgorithm{
	tenantv1.SignatureAlgorithm_SIGNATURE_ALGORITHM_HMAC_SM3,
	tenantv1.SignatureAlgorithm_SIGNATURE_ALGORITHM_HMAC_SHA256,
	tenantv1.SignatureAlgorithm_SIGNATURE_ALGORITHM_SM2,
}

func TestSignedRequestIsOfTheKeysUser(t *testing.T) {
	b := openBench(t, dbtest.New(t))
	admin := pipeline.CallFrom(b.admin).Principal
	user, err := b.users.CreateUser(b.admin, &tenantv1.CreateUserRequest{Name: "editor", Password: "a rather long word"})
	if err != nil {
		t.Fatal(err)
	}
	for _, algorithm := range algorithms {
		id, signer := b.newKey(t, user.GetId(), algorithm)
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			body := ""
			if method == http.MethodPost {
				body = `{"name":"x"}`
			}
			r, received := signed(t, signer, method, body)
			got, err := b.Authenticate(t.Context(), r, received)
			if err != nil {
				t.Fatalf("%s %s: %v", algorithm, method, err)
			}
			if got.UserID != user.GetId() || got.UserName != "editor" || got.TenantID != admin.TenantID || got.Credential != "key:"+id || got.TokenHash != nil {
				t.Errorf("%s: got %+v", algorithm, got)
			}
		}
	}
}

// TestReplay: a write is taken once by all replicas together, a read once by each.
func TestReplay(t *testing.T) {
	dbtest.EachDSN(t, func(t *testing.T, dsn string) {
		first := openBench(t, dbtest.Open(t, dsn))
		_, signer := first.newKey(t, "", algorithms[0])
		second := openBench(t, dbtest.Open(t, dsn))
		write, body := signed(t, signer, http.MethodPost, "{}")
		read, _ := signed(t, signer, http.MethodGet, "")
		for i, replica := range []*bench{first, second, first} {
			_, err := replica.Authenticate(t.Context(), write, body)
			if want := apiv1.Reason_REASON_REPLAY_REJECTED; i > 0 && sdk.ReasonOf(err) != want || i == 0 && err != nil {
				t.Errorf("write %d: got %v", i, err)
			}
			_, err = replica.Authenticate(t.Context(), read, nil)
			if again := i == 2; again != (sdk.ReasonOf(err) == apiv1.Reason_REASON_REPLAY_REJECTED) || !again && err != nil {
				t.Errorf("read %d: got %v", i, err)
			}
		}
		var wins sync.Map
		write, body = signed(t, signer, http.MethodPost, "{}")
		var racing sync.WaitGroup
		for i := range 16 {
			racing.Go(func() {
				if _, err := []*bench{first, second}[i%2].Authenticate(t.Context(), write, body); err == nil {
					wins.Store(i, true)
				}
			})
		}
		racing.Wait()
		n := 0
		wins.Range(func(any, any) bool { n++; return true })
		if n != 1 {
			t.Errorf("%d of 16 simultaneous replays were taken", n)
		}
	})
}

func TestSignedIsRefused(t *testing.T) {
	b := openBench(t, dbtest.New(t))
	user, err := b.users.CreateUser(b.admin, &tenantv1.CreateUserRequest{Name: "editor", Password: "a rather long word"})
	if err != nil {
		t.Fatal(err)
	}
	id, signer := b.newKey(t, user.GetId(), algorithms[0])
	unknown, err := signature.NewHMACSigner("ffffffffffffffffffffffffffffffff", signature.HMACSM3, make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		name   string
		signer *signature.Signer
		change func(r *http.Request)
		clock  time.Duration
		want   apiv1.Reason
	}{
		{"unknown key", unknown, nil, 0, apiv1.Reason_REASON_SIGNATURE_INVALID},
		{"late", signer, nil, signature.Window + 2*time.Second, apiv1.Reason_REASON_REPLAY_REJECTED},
		{"early", signer, nil, -signature.Window - 2*time.Second, apiv1.Reason_REASON_REPLAY_REJECTED},
		{"altered", signer, func(r *http.Request) { r.URL.RawQuery = "a=2" }, 0, apiv1.Reason_REASON_SIGNATURE_INVALID},
		{"doubled parameter", signer, func(r *http.Request) { r.URL.RawQuery = "a=1&a=1" }, 0, apiv1.Reason_REASON_SIGNATURE_INVALID},
		{"no signature", signer, func(r *http.Request) { r.Header.Del("Signature") }, 0, apiv1.Reason_REASON_SIGNATURE_INVALID},
		{"no input", signer, func(r *http.Request) { r.Header.Del("Signature-Input") }, 0, apiv1.Reason_REASON_TOKEN_MISSING},
		{"token as well", signer, func(r *http.Request) { r.Header.Set("Authorization", "Bearer yq_x") }, 0, apiv1.Reason_REASON_TOKEN_INVALID},
	} {
		t.Run(tc.name, func(t *testing.T) {
			b.setClock(tc.clock)
			defer b.setClock(0)
			r, body := signed(t, tc.signer, http.MethodPost, "{}")
			if tc.change != nil {
				tc.change(r)
			}
			if _, err := b.Authenticate(t.Context(), r, body); sdk.ReasonOf(err) != tc.want {
				t.Errorf("got %v, want %v", err, tc.want)
			}
		})
	}
	off := false
	if _, err := b.users.UpdateUser(b.admin, &tenantv1.UpdateUserRequest{Id: user.GetId(), Enabled: &off}); err != nil {
		t.Fatal(err)
	}
	r, body := signed(t, signer, http.MethodPost, "{}")
	if _, err := b.Authenticate(t.Context(), r, body); sdk.ReasonOf(err) != apiv1.Reason_REASON_PRINCIPAL_DISABLED {
		t.Errorf("key of a disabled user: got %v", err)
	}
	ownID, own := b.newKey(t, "", algorithms[1])
	if _, err := b.keys.UpdateAccessKey(b.admin, &tenantv1.UpdateAccessKeyRequest{Id: ownID, Enabled: &off}); err != nil {
		t.Fatal(err)
	}
	r, body = signed(t, own, http.MethodPost, "{}")
	if _, err := b.Authenticate(t.Context(), r, body); sdk.ReasonOf(err) != apiv1.Reason_REASON_SIGNATURE_INVALID {
		t.Errorf("disabled key: got %v", err)
	}
	if _, err := b.keys.DeleteAccessKey(b.admin, &tenantv1.DeleteAccessKeyRequest{Id: id}); err != nil {
		t.Fatal(err)
	}
	r, body = signed(t, signer, http.MethodPost, "{}")
	if _, err := b.Authenticate(t.Context(), r, body); sdk.ReasonOf(err) != apiv1.Reason_REASON_SIGNATURE_INVALID {
		t.Errorf("deleted key: got %v", err)
	}
}
