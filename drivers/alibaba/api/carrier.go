package api

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	classic "github.com/aliyun/alibaba-cloud-sdk-go/sdk"
	"github.com/aliyun/alibaba-cloud-sdk-go/sdk/auth/credentials"
	"github.com/aliyun/alibaba-cloud-sdk-go/sdk/requests"
)

const (
	// maxAnswer bounds an answer's body; the largest lists of the cloud stay below 10 MiB.
	maxAnswer = 64 << 20
	// sdkTimeout is above every deadline of ours: the context of the call decides.
	sdkTimeout = time.Hour
)

// carrier is one client of the SDK with what the call that holds it needs. It is
// held by one call at a time.
type carrier struct {
	client *classic.Client
	base   http.RoundTripper

	ctx        context.Context
	credential Credential
	answer     answer
	sent       atomic.Bool
}

// answer is what came back.
type answer struct {
	status int
	header http.Header
	body   []byte
}

var (
	_ http.RoundTripper               = (*carrier)(nil)
	_ credentials.CredentialsProvider = (*carrier)(nil)
)

func newCarrier(base http.RoundTripper, region string) (*carrier, error) {
	c := &carrier{base: base}
	config := classic.NewConfig().WithUserAgent("yunqiao")
	config.Transport = c
	client, err := classic.NewClientWithOptions(region, config, c)
	if err != nil {
		return nil, fmt.Errorf("make a client: %w", err)
	}
	client.SetReadTimeout(sdkTimeout)
	client.SetCloseTrace(true)
	c.client = client
	return c, nil
}

// send signs and sends one request and returns whatever the cloud answered. The
// error is for calls without an answer.
func (c *carrier) send(ctx context.Context, credential Credential, req *requests.CommonRequest) (a answer, err error) {
	c.ctx, c.credential, c.answer = ctx, credential, answer{}
	c.sent.Store(false)
	defer func() {
		c.ctx, c.credential, c.answer = nil, Credential{}, answer{}
		if cause := recover(); cause != nil {
			a, err = answer{}, fmt.Errorf("the cloud's client panicked: %v", cause)
		}
	}()
	if _, err := c.client.ProcessCommonRequest(req); err != nil {
		return answer{}, withoutAddress(err)
	}
	return c.answer, nil
}

// RoundTrip sends the request within the context of the call, keeps the answer
// and shows the SDK an empty success.
func (c *carrier) RoundTrip(req *http.Request) (*http.Response, error) {
	ctx := httptrace.WithClientTrace(c.ctx, &httptrace.ClientTrace{WroteHeaders: func() { c.sent.Store(true) }})
	resp, err := c.base.RoundTrip(req.WithContext(ctx))
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return nil, fmt.Errorf("read the answer: %w", err)
	}
	c.answer = answer{status: resp.StatusCode, header: resp.Header, body: body}
	return &http.Response{
		Status: "200 OK", StatusCode: http.StatusOK, Proto: resp.Proto, ProtoMajor: resp.ProtoMajor, ProtoMinor: resp.ProtoMinor,
		Header: http.Header{}, Body: io.NopCloser(strings.NewReader("{}")), Request: req,
	}, nil
}

// GetCredentials gives the SDK what the call signs with.
func (c *carrier) GetCredentials() (*credentials.Credentials, error) {
	return &credentials.Credentials{
		AccessKeyId:     c.credential.AccessKeyID,
		AccessKeySecret: string(c.credential.AccessKeySecret),
		SecurityToken:   string(c.credential.SecurityToken),
		ProviderName:    c.GetProviderName(),
	}, nil
}

// GetProviderName names the kind of credentials for the cloud's statistics.
func (*carrier) GetProviderName() string { return "static_ak" }

// withoutAddress takes the address, which holds the signature, off an error of net/http.
func withoutAddress(err error) error {
	var withURL *url.Error
	if errors.As(err, &withURL) {
		return withURL.Err
	}
	return err
}
