package gyt345

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/tls"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// ClientOptions tunes a Client. The zero value is ready for production.
type ClientOptions struct {
	HTTP  *http.Client // default: 10 seconds, no redirects
	Parts Parts        // what msgSign consists of; default both
	Now   func() time.Time
	// Variant is how the peer departs from the profile.
	Variant Variant
}

// Client sends messages to one peer on behalf of one groupId.
type Client struct {
	groupID string
	signer  Signer
	key     MACKey
	opts    ClientOptions
}

// NewClient makes a client. In both directions groupID is that of the content platform.
func NewClient(groupID, groupSecret string, signer Signer, opts ClientOptions) (*Client, error) {
	if !groupPattern.MatchString(groupID) {
		return nil, errors.New("groupId must have 1 to 64 of A-Z a-z 0-9 . _ -")
	}
	if opts.Parts == "" {
		opts.Parts = PartsBoth
	}
	var key MACKey
	if opts.Parts != PartsSignature {
		var err error
		if key, err = opts.Variant.MACKey(groupSecret, groupID); err != nil {
			return nil, err
		}
	}
	if opts.Now == nil {
		opts.Now = time.Now
	}
	if opts.HTTP == nil {
		opts.HTTP = calling(nil)
	}
	return &Client{groupID, signer, key, opts}, nil
}

// NewHTTPClient makes a client of HTTP as NewClient does by default, but with a TLS
// configuration of its own.
func NewHTTPClient(config *tls.Config) *http.Client {
	return calling(&http.Transport{TLSClientConfig: config, ForceAttemptHTTP2: true, IdleConnTimeout: time.Minute, Proxy: http.ProxyFromEnvironment})
}

func calling(over http.RoundTripper) *http.Client {
	return &http.Client{
		Timeout: 10 * time.Second, Transport: over,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// Signed is a request that can be sent once.
type Signed struct {
	URL   string // with its query
	Query string
	Path  string // signing path
	Body  []byte
}

// Reply is what the peer answered.
type Reply struct {
	HTTP int
	Code string
	Msg  string
	Body []byte // as received, at most 64 KiB
}

// OK tells whether the peer confirmed: status 200 with a code that means success.
func (r *Reply) OK() bool {
	return r.HTTP == http.StatusOK && slices.Contains([]string{"ok", "0", "200", "success"}, strings.ToLower(r.Code))
}

// Sign makes the request of a message to the peer's published address.
func (c *Client) Sign(ctx context.Context, address string, m *Message) (*Signed, error) {
	msgSign, err := c.opts.Variant.SignMessage(ctx, c.signer, c.key, c.opts.Variant.MessageText(m.unsigned()), c.opts.Parts)
	if err != nil {
		return nil, err
	}
	return c.SignBody(ctx, address, m.Body(msgSign))
}

// SignValue makes the request of a body that was parsed: its msgSign is made anew.
func (c *Client) SignValue(ctx context.Context, address string, body Value) (*Signed, error) {
	msgSign, err := c.opts.Variant.SignMessage(ctx, c.signer, c.key, c.opts.Variant.MessageText(body), c.opts.Parts)
	if err != nil {
		return nil, err
	}
	signed := Value{Kind: Object}
	for _, m := range body.Members {
		if m.Name != signMember {
			signed.Members = append(signed.Members, m)
		}
	}
	signed.Members = append(signed.Members, Member{signMember, text(msgSign)})
	return c.SignBody(ctx, address, signed.JSON())
}

// SignBody makes the request of a body that has its msgSign already.
func (c *Client) SignBody(ctx context.Context, address string, body []byte) (*Signed, error) {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, errors.New("the address is no http or https URL")
	}
	params, err := ParseQuery(u.RawQuery)
	if err != nil {
		return nil, fmt.Errorf("the address: %w", err)
	}
	nonce := make([]byte, 16)
	_, _ = rand.Read(nonce) // never fails, see crypto/rand
	params = append(params, Param{"groupId", c.groupID}, Param{"nonce", hex.EncodeToString(nonce)},
		Param{"ts", strconv.FormatInt(c.opts.Now().UnixMilli(), 10)})
	path := u.EscapedPath()
	if path == "" {
		path = "/"
		u.Path = "/"
	}
	sign, err := c.opts.Variant.Sign(ctx, c.signer, path, params, body)
	if err != nil {
		return nil, err
	}
	u.RawQuery = CanonicalQuery(params) + "&" + signParam + "=" + percentEncode(sign)
	return &Signed{URL: u.String(), Query: u.RawQuery, Path: path, Body: body}, nil
}

// Send signs and sends a message once. An answer of any kind is a Reply; the error
// tells that there was none.
func (c *Client) Send(ctx context.Context, address string, m *Message) (*Signed, *Reply, error) {
	signed, err := c.Sign(ctx, address, m)
	if err != nil {
		return nil, nil, err
	}
	reply, err := c.Post(ctx, signed)
	return signed, reply, err
}

// Post sends a signed request.
func (c *Client) Post(ctx context.Context, signed *Signed) (*Reply, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, signed.URL, bytes.NewReader(signed.Body))
	if err != nil {
		return nil, fmt.Errorf("the address: %w", err)
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := c.opts.HTTP.Do(request)
	if err != nil {
		if failed, ok := errors.AsType[*url.Error](err); ok {
			err = failed.Err // its text has the signed query
		}
		return nil, fmt.Errorf("call the platform: %w", err)
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, 64<<10))
	if err = errors.Join(err, response.Body.Close()); err != nil {
		return nil, fmt.Errorf("read the platform's answer: %w", err)
	}
	reply := &Reply{HTTP: response.StatusCode, Body: body}
	var answer struct {
		Code json.RawMessage `json:"code"`
		Msg  string          `json:"msg"`
	}
	if json.Unmarshal(body, &answer) == nil { // an answer of another form confirms nothing
		reply.Code, reply.Msg = strings.Trim(string(answer.Code), `"`), answer.Msg
	}
	return reply, nil
}

// Backoff is how long to wait before the next attempt of an emergency message, after
// so many: 1 s, 5 s, 30 s, then each minute.
func Backoff(attempts int) time.Duration {
	switch attempts {
	case 0:
		return 0
	case 1:
		return time.Second
	case 2:
		return 5 * time.Second
	case 3:
		return 30 * time.Second
	default:
		return time.Minute
	}
}

// GiveUp is for how long an emergency message is retried.
const GiveUp = 24 * time.Hour
