package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"sync"

	"github.com/aliyun/alibaba-cloud-sdk-go/sdk/requests"
	jsoniter "github.com/json-iterator/go"

	"github.com/yunqiao/yunqiao/drivers/sdk"
	"github.com/yunqiao/yunqiao/drivers/sdk/pace"
)

// Client is the Caller over the classic SDK. It is safe for concurrent use.
type Client struct {
	endpoints   Endpoints
	credentials Credentials
	base        http.RoundTripper
	carriers    sync.Pool
	counts      counts
}

var _ Caller = (*Client)(nil)

// NewClient makes a client whose requests base carries.
func NewClient(endpoints Endpoints, credentials Credentials, base http.RoundTripper) *Client {
	return &Client{endpoints: endpoints, credentials: credentials, base: base}
}

// Counts tells how often each action was called, by "Product.Action".
func (c *Client) Counts() map[string]Count { return c.counts.all() }

// TakeThrottled is Counts of the actions that the cloud has throttled since it was
// called last, and begins them anew.
func (c *Client) TakeThrottled() map[string]Count { return c.counts.takeThrottled() }

// Call implements Caller.
func (c *Client) Call(ctx context.Context, product Product, action string, params Params, out any) error {
	patience := newPatience(action, params)
	for {
		used, err := c.once(ctx, product, action, params, out)
		if err == nil {
			return nil
		}
		if expired(err) && patience.renewal() && c.credentials.Refused(used) {
			continue
		}
		if isThrottled(err) {
			c.counts.throttled(product, action)
		}
		wait, repeat := patience.next(ctx, err)
		if !repeat {
			return err
		}
		c.counts.repeated(product, action)
		if pace.Pause(ctx, wait) != nil {
			return err
		}
	}
}

// once makes one request and reads its answer. It returns what it signed with.
func (c *Client) once(ctx context.Context, product Product, action string, params Params, out any) (Credential, error) {
	credential, err := c.credentials.Get(ctx)
	if err != nil {
		return Credential{}, err
	}
	carrier, ok := c.carriers.Get().(*carrier)
	if !ok {
		if carrier, err = newCarrier(c.base, c.endpoints.Region); err != nil {
			return credential, err
		}
	}
	defer c.carriers.Put(carrier)
	c.counts.called(product, action)
	answer, err := carrier.send(ctx, credential, c.request(product, action, params))
	if err != nil {
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		return credential, &NoAnswer{Product: product, Action: action, Sent: carrier.sent.Load(), Err: err}
	}
	sdk.AddProviderRequestID(ctx, answer.requestID())
	return credential, answer.read(product, action, out)
}

func (c *Client) request(product Product, action string, params Params) *requests.CommonRequest {
	req := requests.NewCommonRequest()
	req.Method = requests.POST
	req.Scheme = c.endpoints.Scheme
	req.Domain = c.endpoints.host(product)
	req.Product = string(product)
	req.Version = product.info().version
	req.ApiName = action
	for name, value := range params {
		if name == "RegionId" {
			req.QueryParams[name] = value
			continue
		}
		req.FormParams[name] = value
	}
	return req
}

// requestID is the cloud's id of the call, out of the header, or else the body.
func (a answer) requestID() string {
	if id := a.header.Get("X-Acs-Request-Id"); id != "" {
		return id
	}
	const member = `"RequestId":"`
	at := bytes.Index(a.body, []byte(member))
	if at < 0 {
		return ""
	}
	id, _, _ := bytes.Cut(a.body[at+len(member):], []byte(`"`))
	return string(id)
}

// verdictBody is what tells success in the body. Code is text, or a number in some products.
type verdictBody struct {
	Code    Text
	Message Text
	Success *bool
}

func (a answer) read(product Product, action string, out any) error {
	ok := a.status >= http.StatusOK && a.status < http.StatusMultipleChoices
	if !ok || product.info().wrapped {
		var body verdictBody
		if err := json.Unmarshal(a.body, &body); err != nil && ok {
			return a.unreadable(product, action, err)
		}
		if !ok || body.refused() {
			return &Fault{
				Product: product, Action: action, Status: a.status, Code: string(body.Code),
				Message: redact(a.words(body)), RequestID: a.requestID(),
			}
		}
	}
	if out == nil {
		return nil
	}
	if err := jsoniter.ConfigCompatibleWithStandardLibrary.Unmarshal(a.body, out); err != nil {
		return a.unreadable(product, action, err)
	}
	return nil
}

// refused tells whether a body with status 200 says that the call failed.
func (b verdictBody) refused() bool {
	if b.Success != nil {
		return !*b.Success
	}
	switch b.Code {
	case "", "200", "OK", "Success", "success":
		return false
	}
	return true
}

// words are the cloud's message, or all that it said where that was not JSON.
func (a answer) words(body verdictBody) string {
	if body.Message != "" {
		return string(body.Message)
	}
	return string(a.body)
}

func (a answer) unreadable(product Product, action string, err error) error {
	return &NoAnswer{Product: product, Action: action, Sent: true, Err: fmt.Errorf("%w: %w", errUnreadable, err)}
}

// errUnreadable is an answer that is not what the definitions say.
var errUnreadable = errors.New("the answer cannot be read")
