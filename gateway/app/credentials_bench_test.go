package app

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/emmansun/gmsm/sm2"
	"github.com/emmansun/gmsm/smx509"
	"golang.org/x/sync/errgroup"

	"github.com/yunqiao/yunqiao/gateway/edge"
	"github.com/yunqiao/yunqiao/gateway/identity/signature"
	"github.com/yunqiao/yunqiao/gateway/pipeline"
	"github.com/yunqiao/yunqiao/plugin-proto/contract"
)

const (
	benchRounds      = 41
	benchRequests    = 800 // of one way in one round
	benchConnections = 16
)

// trusted lets everybody in as one principal.
type trusted struct{ pipeline.Principal }

func (t trusted) Authenticate(context.Context, *http.Request, []byte) (pipeline.Principal, error) {
	return t.Principal, nil
}
func (trusted) NeedsBody(*http.Request) bool                            { return false }
func (trusted) Still(context.Context, pipeline.Principal, string) error { return nil }

// BenchmarkCredentials measures what authentication and authorization take of the
// requests a second of vm/get, over HTTP and with a driver process. The ways to call
// alternate in rounds of one run, after all requests of a round have been signed; what is
// reported are medians of the rounds, and how much less each is than the same gateway
// without authentication, authorization and rates ("free").
//
//	go test -run '^$' -bench Credentials -benchtime 1x ./gateway/app
func BenchmarkCredentials(b *testing.B) {
	gateway := benchGateway(b)
	path := "/compute/v1/vm/get?id=" + gateway.vm
	bearer := func(r *http.Request) error {
		r.Header.Set("Authorization", "Bearer "+gateway.FirstToken)
		return nil
	}
	type way struct {
		name, url string
		prepare   func(r *http.Request) error
		rates     []float64
	}
	ways := []*way{
		{name: "free", url: gateway.free, prepare: bearer},
		{name: "bearer", url: gateway.URL(), prepare: bearer},
	}
	for _, algorithm := range []signature.Algorithm{signature.HMACSM3, signature.HMACSHA256, signature.SM2SM3} {
		signer := gateway.newSigner(b, algorithm)
		ways = append(ways, &way{name: string(algorithm), url: gateway.URL(), prepare: func(r *http.Request) error { return signature.Sign(r, signer) }})
	}
	for b.Loop() {
		for round := range benchRounds {
			for i := range ways { // begins with another way each time
				w := ways[(i+round)%len(ways)]
				w.rates = append(w.rates, rate(b, w.url, path, w.prepare))
			}
		}
	}
	for _, w := range ways {
		var lost []float64
		for i, r := range w.rates {
			lost = append(lost, 100*(1-r/ways[0].rates[i]))
		}
		b.ReportMetric(median(w.rates), w.name+"/s")
		if w != ways[0] {
			b.ReportMetric(median(lost), w.name+"-%less")
		}
	}
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}

// rate sends the requests of a round over open connections and tells how many were
// answered a second.
func rate(b *testing.B, url, path string, prepare func(*http.Request) error) float64 {
	b.Helper()
	rendered := make([][]byte, benchRequests)
	for i := range rendered {
		r, err := http.NewRequestWithContext(b.Context(), http.MethodGet, url+path, nil)
		if err == nil {
			err = prepare(r)
		}
		var text bytes.Buffer
		if err == nil {
			err = r.Write(&text)
		}
		if err != nil {
			b.Fatal(err)
		}
		rendered[i] = text.Bytes()
	}
	var work errgroup.Group
	begin := time.Now()
	for n := range benchConnections {
		work.Go(func() error {
			return sendAll(url, rendered[n*len(rendered)/benchConnections:(n+1)*len(rendered)/benchConnections])
		})
	}
	if err := work.Wait(); err != nil {
		b.Fatal(err)
	}
	return float64(len(rendered)) / time.Since(begin).Seconds()
}

func sendAll(url string, requests [][]byte) (err error) {
	connection, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, connection.Close()) }()
	answers := bufio.NewReader(connection)
	for _, r := range requests {
		if _, err := connection.Write(r); err != nil {
			return err
		}
		answer, err := http.ReadResponse(answers, nil)
		if err != nil {
			return err
		}
		text, err := io.ReadAll(answer.Body)
		if err != nil || answer.StatusCode != http.StatusOK {
			return fmt.Errorf("%d %s %w", answer.StatusCode, text, err)
		}
	}
	return nil
}

// measured is a gateway with one VM, served once more without gates.
type measured struct {
	*App
	vm, free string
}

func benchGateway(b *testing.B) *measured {
	b.Helper()
	drivers := b.TempDir()
	build := exec.CommandContext(b.Context(), "go", "build", "-o", filepath.Join(drivers, "memory"), "../../drivers/memory")
	if out, err := build.CombinedOutput(); err != nil {
		b.Fatalf("%v\n%s", err, out)
	}
	m := &measured{App: started(b, func(c *Config) { c.Dir = drivers })}
	create := func(path string, body map[string]any) string {
		body["wait_seconds"] = 60
		return fmt.Sprint(m.post(b, path, body)["id"])
	}
	network := create("/network/v1/network/create", map[string]any{"account_id": "memory", "name": "bench"})
	subnet := create("/network/v1/subnet/create", map[string]any{"network_id": network, "name": "bench", "cidr": "10.0.0.0/24"})
	m.vm = create("/compute/v1/vm/create", map[string]any{
		"account_id": "memory", "name": "bench", "image_id": "memory.img-cirros", "flavor_id": "memory.m1.tiny",
		"nics": []map[string]any{{"subnet_id": subnet}},
	})
	c, err := contract.Linked()
	if err != nil {
		b.Fatal(err)
	}
	validate, err := pipeline.Validate(c)
	if err != nil {
		b.Fatal(err)
	}
	who, err := m.identity.Authenticate(b.Context(), bearerRequest(b, m.FirstToken), nil)
	if err != nil {
		b.Fatal(err)
	}
	handler, err := edge.New(m.log, c, trusted{who}, pipeline.Chain(m.runner.Handle, validate), edge.Options{Metrics: newMetrics(), Recorder: m.recorder})
	if err != nil {
		b.Fatal(err)
	}
	server := httptest.NewUnstartedServer(m.tracing.Middleware(handler))
	server.Config.ReadHeaderTimeout, server.Config.ReadTimeout = m.server.ReadHeaderTimeout, m.server.ReadTimeout
	server.Config.WriteTimeout, server.Config.IdleTimeout = m.server.WriteTimeout, m.server.IdleTimeout
	server.Start()
	b.Cleanup(server.Close)
	m.free = server.URL
	return m
}

func bearerRequest(b *testing.B, token string) *http.Request {
	b.Helper()
	r := httptest.NewRequestWithContext(b.Context(), http.MethodGet, "/", nil)
	r.Header.Set("Authorization", "Bearer "+token)
	return r
}

// post makes something and returns the answer's data.
func (m *measured) post(b *testing.B, path string, body map[string]any) map[string]any {
	b.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		b.Fatal(err)
	}
	r, err := http.NewRequestWithContext(b.Context(), http.MethodPost, m.URL()+path, bytes.NewReader(text))
	if err != nil {
		b.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+m.FirstToken)
	r.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		b.Fatal(err)
	}
	var answer struct {
		Data map[string]any `json:"data"`
	}
	err = json.NewDecoder(response.Body).Decode(&answer)
	if err := errors.Join(err, response.Body.Close()); err != nil || response.StatusCode/100 != 2 {
		b.Fatalf("%s: %d %v %v", path, response.StatusCode, answer, err)
	}
	return answer.Data
}

// newSigner makes an access key.
func (m *measured) newSigner(b *testing.B, algorithm signature.Algorithm) *signature.Signer {
	b.Helper()
	wanted := map[signature.Algorithm]string{signature.HMACSM3: "HMAC_SM3", signature.HMACSHA256: "HMAC_SHA256", signature.SM2SM3: "SM2"}
	request := map[string]any{"algorithm": "SIGNATURE_ALGORITHM_" + wanted[algorithm]}
	var private []byte
	if algorithm == signature.SM2SM3 {
		private, request["public_key"] = newSM2(b)
	}
	made := m.post(b, "/tenant/v1/access-key/create", request)
	id := fmt.Sprint(made["id"])
	if private != nil {
		signer, err := signature.NewSM2Signer(id, private)
		if err != nil {
			b.Fatal(err)
		}
		return signer
	}
	secret, err := base64.StdEncoding.DecodeString(fmt.Sprint(made["secret"]))
	if err != nil {
		b.Fatal(err)
	}
	signer, err := signature.NewHMACSigner(id, algorithm, secret)
	if err != nil {
		b.Fatal(err)
	}
	return signer
}

func newSM2(b *testing.B) (private []byte, public string) {
	b.Helper()
	key, err := sm2.GenerateKey(rand.Reader)
	if err != nil {
		b.Fatal(err)
	}
	der, err := smx509.MarshalPKCS8PrivateKey(key)
	publicDER, err2 := smx509.MarshalPKIXPublicKey(&key.PublicKey)
	if err := errors.Join(err, err2); err != nil {
		b.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}),
		string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: publicDER}))
}
