package memcloud

import (
	"context"
	"encoding/base64"
	"slices"
	"strconv"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/yunqiao/yunqiao/drivers/sdk"
	"github.com/yunqiao/yunqiao/plugin-proto/contract"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
)

const defaultPageSize = 50

// listRequest is what every list request has.
type listRequest interface {
	proto.Message
	GetIds() []string
	GetPageSize() int32
	GetPageToken() string
}

// page is one page of a list.
type page[T proto.Message] struct {
	items   []T
	next    string
	missing []string
}

// list reads a page. Fields of the request that the resource has too are
// filters; match is a further one and may be nil. A page token is the sequence
// number of the last item seen, so that neither creating nor deleting between
// two pages loses or repeats anything.
func list[T proto.Message](c *Cloud, ctx context.Context, k collection[T], req listRequest, match func(*view, T) bool) (page[T], error) {
	return read(c, ctx, func(v *view) (page[T], error) {
		filter, err := newFilter[T](v, req)
		if err != nil {
			return page[T]{}, err
		}
		keep := func(r *record, msg T) bool {
			return filter.keeps(r) && (match == nil || match(v, msg))
		}
		if len(req.GetIds()) > 0 {
			return batch(v, k, req.GetIds(), keep), nil
		}
		return scan(v, k, req, filter.after, keep), nil
	})
}

func batch[T proto.Message](v *view, k collection[T], ids []string, keep func(*record, T) bool) page[T] {
	var p page[T]
	for _, id := range ids {
		r, msg, ok := k.find(v, id)
		switch {
		case !ok:
			p.missing = append(p.missing, id)
		case keep(r, msg):
			p.items = append(p.items, msg)
		}
	}
	return p
}

func scan[T proto.Message](v *view, k collection[T], req listRequest, after uint64, keep func(*record, T) bool) page[T] {
	size := int(req.GetPageSize())
	if size <= 0 {
		size = defaultPageSize
	}
	if v.knobs.HalfPages && size > 1 {
		size /= 2
	}
	if v.knobs.EmptyPages && req.GetPageToken() == "" {
		return page[T]{next: pageToken(0)}
	}
	p := page[T]{items: make([]T, 0, min(size, 100))}
	last := uint64(0)
	projects := []string{"", v.project}
	for _, project := range slices.Compact(projects) {
		t := v.cloud.tables[k.kind][project]
		if t == nil {
			continue
		}
		for _, r := range t.order[t.position(after+1):] {
			msg := r.msg.(T)
			if !keep(r, msg) {
				continue
			}
			if len(p.items) == size {
				p.next = pageToken(last)
				return p
			}
			p.items = append(p.items, msg)
			last = r.seq
		}
	}
	return p
}

func pageToken(seq uint64) string {
	return base64.RawURLEncoding.EncodeToString([]byte("after:" + strconv.FormatUint(seq, 10)))
}

func parsePageToken(token string) (uint64, error) {
	if token == "" {
		return 0, nil
	}
	text, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil {
		return 0, sdk.NewError(apiv1.Reason_REASON_PAGE_TOKEN_INVALID, sdk.Field("page_token"), sdk.Cause(err))
	}
	digits, ok := strings.CutPrefix(string(text), "after:")
	seq, err := strconv.ParseUint(digits, 10, 64)
	if !ok || err != nil {
		return 0, sdk.NewError(apiv1.Reason_REASON_PAGE_TOKEN_INVALID, sdk.Field("page_token"), sdk.Cause(err))
	}
	return seq, nil
}

// filter is what a list request asks for.
type filter struct {
	after         uint64
	tagKey        string
	tagValue      string
	tagHasValue   bool
	visibleBefore time.Time // with a tag filter: younger records are not found yet
	equal         []equality
}

type equality struct {
	field protoreflect.FieldDescriptor
	value protoreflect.Value
}

// isFilter tells whether a field of a list request filters by equality.
func isFilter(name protoreflect.Name) bool {
	switch name {
	case "ids", "tag", "page_size", "page_token":
		return false
	default:
		return true
	}
}

func newFilter[T proto.Message](v *view, req listRequest) (*filter, error) {
	after, err := parsePageToken(req.GetPageToken())
	if err != nil {
		return nil, err
	}
	f := &filter{after: after}
	if tagged, ok := req.(interface{ GetTag() string }); ok && tagged.GetTag() != "" {
		f.tagKey, f.tagValue, f.tagHasValue = strings.Cut(tagged.GetTag(), "=")
		f.visibleBefore = v.now.Add(-v.knobs.markerDelay())
	}
	var item T
	fields := item.ProtoReflect().Descriptor().Fields()
	req.ProtoReflect().Range(func(fd protoreflect.FieldDescriptor, value protoreflect.Value) bool {
		target := fields.ByName(fd.Name())
		if target != nil && isFilter(fd.Name()) && !contract.FieldRule(fd).GetGateway() && !fd.IsList() && fd.Kind() == target.Kind() {
			f.equal = append(f.equal, equality{target, value})
		}
		return true
	})
	return f, nil
}

func (f *filter) keeps(r *record) bool {
	if f.tagKey != "" && !f.keepsTag(r) {
		return false
	}
	for _, e := range f.equal {
		have := r.msg.ProtoReflect().Get(e.field)
		switch {
		case e.field.IsList():
			if !contains(have.List(), e.value) {
				return false
			}
		case !have.Equal(e.value):
			return false
		}
	}
	return true
}

func (f *filter) keepsTag(r *record) bool {
	tagged, ok := r.msg.(interface{ GetTags() map[string]string })
	if !ok || r.created.After(f.visibleBefore) {
		return false
	}
	value, ok := tagged.GetTags()[f.tagKey]
	return ok && (!f.tagHasValue || value == f.tagValue)
}

func contains(list protoreflect.List, value protoreflect.Value) bool {
	for i := range list.Len() {
		if list.Get(i).Equal(value) {
			return true
		}
	}
	return false
}
