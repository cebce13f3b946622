package policy

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/yunqiao/yunqiao/drivers/sdk"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
)

const pageLabel = "page token"

// pageLife is how long a page token may be used.
const pageLife = time.Hour

// page is what a page token says: where each account goes on. It is bound to the
// filters, so that it cannot be turned into another query, and sealed: a driver's
// token can name a resource that the caller may not see.
type page struct {
	Version int               `json:"v"`
	Markers map[string]string `json:"m"` // account -> the driver's own token; "" begins
	Filter  []byte            `json:"f"`
	Expires int64             `json:"e"` // Unix seconds
}

func (r *Runner) encodePage(markers map[string]string, filter []byte) (string, error) {
	body, err := json.Marshal(page{1, markers, filter, r.now().Add(pageLife).Unix()})
	if err != nil {
		return "", err
	}
	return base64.RawURLEncoding.EncodeToString(r.opts.Pages.Seal(body, pageLabel)), nil
}

func (r *Runner) decodePage(token string, filter []byte) (map[string]string, error) {
	refuse := func(why string) error {
		return sdk.NewError(apiv1.Reason_REASON_PAGE_TOKEN_INVALID, sdk.Violation("page_token", why))
	}
	raw, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil {
		return nil, refuse("is none of ours")
	}
	body, err := r.opts.Pages.Open(raw, pageLabel)
	if err != nil {
		return nil, refuse("is none of ours")
	}
	var p page
	if err := json.Unmarshal(body, &p); err != nil || p.Version != 1 {
		return nil, refuse("is of another version")
	}
	if r.now().Unix() > p.Expires {
		return nil, refuse("has expired; begin with the first page")
	}
	if !bytes.Equal(p.Filter, filter) {
		return nil, refuse("belongs to other filters")
	}
	return p.Markers, nil
}

// filterDigest identifies a list request without its place in the listing.
func filterDigest(request proto.Message, subject string) ([]byte, error) {
	clean := proto.Clone(request).ProtoReflect()
	for _, name := range []protoreflect.Name{"page_token", "page_size"} {
		if field := clean.Descriptor().Fields().ByName(name); field != nil {
			clean.Clear(field)
		}
	}
	encoded, err := proto.MarshalOptions{Deterministic: true}.Marshal(clean.Interface())
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(append(encoded, subject...))
	return sum[:16], nil
}
