package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"google.golang.org/protobuf/encoding/protojson"

	"github.com/yunqiao/yunqiao/gateway/identity/signature"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
)

const (
	defaultAddress = "http://127.0.0.1:8355"
	// clientTimeout is above the longest that a gateway waits for an operation.
	clientTimeout = 6 * time.Minute
	// maxAnswer bounds what is read of one answer.
	maxAnswer = 64 << 20
)

// clientFlags say which gateway is called, and how answers look.
type clientFlags struct {
	Address            string `help:"Address of the gateway; else $YUNQIAO_ADDRESS, else http://127.0.0.1:8355." placeholder:"URL" group:"Client"`
	TokenFile          string `help:"File with the token; else $YUNQIAO_TOKEN holds it, else $YUNQIAO_DATA/admin.token, else data/admin.token." placeholder:"FILE" group:"Client"`
	AccessKey          string `name:"access-key" help:"Id of an access key that signs the requests; else $YUNQIAO_KEY_ID." placeholder:"ID" group:"Client"`
	AccessKeyFile      string `name:"access-key-file" help:"File with the key: the secret in base64, or a private key of SM2 in PEM; else $YUNQIAO_KEY_FILE, else $YUNQIAO_KEY_SECRET holds the secret. With it no token is used." placeholder:"FILE" group:"Client"`
	AccessKeyAlgorithm string `name:"access-key-algorithm" help:"How the key signs: hmac-sm3, hmac-sha256, sm2-sm3; else $YUNQIAO_KEY_ALGORITHM, else hmac-sm3, or sm2-sm3 with a private key." placeholder:"NAME" group:"Client"`
	Output             string `help:"How answers are printed: ${enum}." short:"o" enum:"table,json" default:"table" group:"Client"`
	Lang               string `help:"Language of messages: ${enum}." enum:"zh,en" default:"zh" group:"Client"`
}

// client calls one gateway.
type client struct {
	address string
	token   string
	signer  *signature.Signer // signs instead of the token
	lang    string
	http    *http.Client
}

// newClient works out the address. Calls of rpcs need a token as well.
func newClient(flags clientFlags, getenv func(string) string) *client {
	c := &client{address: flags.Address, lang: flags.Lang, http: &http.Client{Timeout: clientTimeout}}
	if c.address == "" {
		c.address = getenv("YUNQIAO_ADDRESS")
	}
	if c.address == "" {
		c.address = defaultAddress
	}
	if !strings.Contains(c.address, "://") {
		c.address = "http://" + c.address
	}
	c.address = strings.TrimRight(c.address, "/")
	return c
}

func findToken(file string, getenv func(string) string) (string, error) {
	if token := getenv("YUNQIAO_TOKEN"); file == "" && token != "" {
		return token, nil
	}
	if file == "" {
		data := getenv("YUNQIAO_DATA")
		if data == "" {
			data = "data"
		}
		file = filepath.Join(data, "admin.token")
	}
	text, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("there is no token: no file %s; give --token-file or YUNQIAO_TOKEN", file)
	}
	if err != nil {
		return "", fmt.Errorf("read the token: %w", err)
	}
	return strings.TrimSpace(string(text)), nil
}

// envelope is every answer of the gateway.
type envelope struct {
	Code      int32           `json:"code"`
	Message   string          `json:"message"`
	Data      json.RawMessage `json:"data"`
	RequestID string          `json:"request_id"`
}

// do sends a request to a route of the contract and returns the answer's data.
func (c *client) do(ctx context.Context, verb, path string, query url.Values, body []byte) (json.RawMessage, error) {
	response, err := c.send(ctx, verb, path, query, body)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	return c.read(path, response)
}

// read takes the data out of an answer, or the error that it is.
func (c *client) read(path string, response *http.Response) (json.RawMessage, error) {
	text, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	if err != nil {
		return nil, fmt.Errorf("read the answer of %s: %w", path, err)
	}
	var answer envelope
	if err := json.Unmarshal(text, &answer); err != nil || answer.RequestID == "" {
		return nil, fmt.Errorf("%s answered %s, and not as a gateway does: is it one?", c.address, response.Status)
	}
	if answer.Code != 0 {
		return nil, newAPIError(answer)
	}
	return answer.Data, nil
}

func (c *client) send(ctx context.Context, verb, path string, query url.Values, body []byte) (*http.Response, error) {
	target := c.address + path
	if len(query) > 0 {
		target += "?" + query.Encode()
	}
	request, err := http.NewRequestWithContext(ctx, verb, target, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	if c.token != "" {
		request.Header.Set("Authorization", "Bearer "+c.token)
	}
	request.Header.Set("Accept-Language", c.lang)
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	if c.signer != nil {
		if err := signature.Sign(request, c.signer); err != nil {
			return nil, err
		}
	}
	response, err := c.http.Do(request)
	if err != nil {
		return nil, fmt.Errorf("%w\nis the gateway running? start it with `yunqiao serve`, or name another with --address", err)
	}
	return response, nil
}

// apiError is a refusal or failure that the gateway told.
type apiError struct {
	envelope envelope
	told     *apiv1.Error
}

func newAPIError(answer envelope) *apiError {
	told := &apiv1.Error{}
	// An answer of a newer gateway may say more; what is not understood is left out.
	_ = protojson.UnmarshalOptions{DiscardUnknown: true}.Unmarshal(answer.Data, told)
	return &apiError{answer, told}
}

// Error is several lines: reason and message, the fields at fault, the ids to ask for.
func (e *apiError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s (%d): %s", e.told.GetReason(), e.envelope.Code, e.envelope.Message)
	for _, v := range e.told.GetViolations() {
		fmt.Fprintf(&b, "\n  %s: %s", v.GetField(), v.GetDescription())
	}
	if e.told.GetCauseReason() != "" {
		fmt.Fprintf(&b, "\n  cause: %s", e.told.GetCauseReason())
	}
	if e.told.GetRetryable() {
		fmt.Fprintf(&b, "\n  the same call may succeed later")
		if s := e.told.GetRetryAfterSeconds(); s > 0 {
			fmt.Fprintf(&b, ", in %d s", s)
		}
	}
	if e.told.GetOperationId() != "" {
		fmt.Fprintf(&b, "\noperation: %s", e.told.GetOperationId())
	}
	if e.told.GetProviderRequestId() != "" {
		fmt.Fprintf(&b, "\nthe cloud's request id: %s", e.told.GetProviderRequestId())
	}
	fmt.Fprintf(&b, "\nrequest id: %s", e.envelope.RequestID)
	return b.String()
}
