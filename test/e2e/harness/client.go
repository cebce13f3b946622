package harness

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"
)

// Client speaks to a gateway's HTTP face as any program would.
type Client struct {
	http *http.Client

	mu         sync.RWMutex
	url, token string // change when the gateway starts again
}

func newClient() *Client {
	return &Client{http: &http.Client{
		Timeout:   6 * time.Minute,
		Transport: &http.Transport{MaxIdleConnsPerHost: 128, MaxConnsPerHost: 256, IdleConnTimeout: time.Minute},
	}}
}

func (c *Client) use(url, token string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.url, c.token = url, token
}

// URL is where the gateway listens now.
func (c *Client) URL() string {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.url
}

func (c *Client) bearer() string {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.token
}

// Answer is a response with its envelope taken apart.
type Answer struct {
	Status    int
	Code      int
	Message   string
	Data      Object
	RequestID string
	Header    http.Header
	Body      []byte
}

// Reason is the error's reason; empty for a success.
func (a *Answer) Reason() string {
	if a.Code == 0 {
		return ""
	}
	return a.Data.Text("reason")
}

// Violations are the error's fields, with what is wrong with each.
func (a *Answer) Violations() []Object { return a.Data.List("violations") }

// Option changes a request before it is sent.
type Option func(*http.Request)

// Key sends an idempotency key.
func Key(key string) Option { return Header("Idempotency-Key", key) }

// Header sends a header; an empty value takes it away.
func Header(name, value string) Option {
	return func(r *http.Request) {
		r.Header.Del(name)
		if value != "" {
			r.Header.Set(name, value)
		}
	}
}

// Try sends a request and reports a failure to get any answer as an error. The
// body is sent as it is if it is bytes, as JSON otherwise.
func (c *Client) Try(t testing.TB, method, path string, body any, options ...Option) (*Answer, error) {
	t.Helper()
	var reader io.Reader
	switch b := body.(type) {
	case nil:
	case []byte:
		reader = bytes.NewReader(b)
	default:
		text, err := json.Marshal(b)
		if err != nil {
			t.Fatal(err)
		}
		reader = bytes.NewReader(text)
	}
	// Requests of a test's cleanup come after the end of its context.
	request, err := http.NewRequestWithContext(context.WithoutCancel(t.Context()), method, c.URL()+path, reader)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Authorization", "Bearer "+c.bearer())
	request.Header.Set("Accept-Language", "en")
	if reader != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	for _, option := range options {
		option(request)
	}
	response, err := c.http.Do(request)
	if err != nil {
		return nil, err
	}
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, err
	}
	if err := response.Body.Close(); err != nil {
		return nil, err
	}
	answer := &Answer{Status: response.StatusCode, Header: response.Header, Body: text}
	var envelope struct {
		Code      int    `json:"code"`
		Message   string `json:"message"`
		Data      Object `json:"data"`
		RequestID string `json:"request_id"`
	}
	if json.Unmarshal(text, &envelope) == nil {
		answer.Code, answer.Message, answer.Data, answer.RequestID = envelope.Code, envelope.Message, envelope.Data, envelope.RequestID
	}
	return answer, nil
}

// Send is Try for a gateway that must answer.
func (c *Client) Send(t testing.TB, method, path string, body any, options ...Option) *Answer {
	t.Helper()
	answer, err := c.Try(t, method, path, body, options...)
	if err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	return answer
}

// Path turns "compute/vm/create" into the route of GY/T 355 annex A.
func Path(name string) string {
	service, rest, _ := strings.Cut(name, "/")
	return "/" + service + "/v1/" + rest
}

// Post calls a writing interface by its short name and needs it to succeed.
func (c *Client) Post(t testing.TB, name string, body Object, options ...Option) Object {
	t.Helper()
	answer := c.Send(t, http.MethodPost, Path(name), body, options...)
	if answer.Code != 0 || answer.Status/100 != 2 {
		t.Fatalf("%s %v: %d %s", name, body, answer.Status, answer.Body)
	}
	return answer.Data
}

// Get calls a reading interface by its short name and needs it to succeed.
func (c *Client) Get(t testing.TB, name string, parameters Object) Object {
	t.Helper()
	answer := c.Send(t, http.MethodGet, Path(name)+"?"+Query(parameters), nil)
	if answer.Code != 0 || answer.Status != http.StatusOK {
		t.Fatalf("%s %v: %d %s", name, parameters, answer.Status, answer.Body)
	}
	return answer.Data
}

// Query encodes parameters.
func Query(parameters Object) string {
	values := url.Values{}
	for name, value := range parameters {
		values.Set(name, fmt.Sprint(value))
	}
	return values.Encode()
}

// Refused calls a writing interface and needs it to be refused for this reason.
func (c *Client) Refused(t testing.TB, reason, name string, body Object, options ...Option) *Answer {
	t.Helper()
	answer := c.Send(t, http.MethodPost, Path(name), body, options...)
	if answer.Reason() != reason {
		t.Errorf("%s %v: want %s, got %d %s", name, body, reason, answer.Status, answer.Body)
	}
	return answer
}
