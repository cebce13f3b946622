package policy

import (
	"context"
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/yunqiao/yunqiao/drivers/sdk"
	"github.com/yunqiao/yunqiao/gateway/account"
	"github.com/yunqiao/yunqiao/gateway/pipeline"
	"github.com/yunqiao/yunqiao/internal/fault"
	"github.com/yunqiao/yunqiao/internal/publicid"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
)

const defaultPageSize = 50

// list reads one page over one or many accounts. An account that does not answer
// is named; the others are not held up by its error.
func (r *Runner) list(ctx context.Context, call *pipeline.Call) (proto.Message, error) {
	l := &listing{runner: r, call: call, request: call.Request.ProtoReflect()}
	if err := l.prepare(); err != nil {
		return nil, err
	}
	if l.integer("view") == int(apiv1.View_VIEW_CACHED) {
		return l.cached(ctx)
	}
	return l.live(ctx)
}

// listing is one list call on its way.
type listing struct {
	runner   *Runner
	call     *pipeline.Call
	request  protoreflect.Message
	accounts []*account.Account
	ids      map[string][]string // native ids asked for, by account
	size     int
}

// part is what one account gave.
type part struct {
	answer protoreflect.Message
	next   string
	err    error
}

func (l *listing) field(name protoreflect.Name) protoreflect.FieldDescriptor {
	return l.request.Descriptor().Fields().ByName(name)
}

func (l *listing) integer(name protoreflect.Name) int {
	field := l.field(name)
	switch {
	case field == nil:
		return 0
	case field.Kind() == protoreflect.EnumKind:
		return int(l.request.Get(field).Enum())
	default:
		return int(l.request.Get(field).Int())
	}
}

func (l *listing) text(name protoreflect.Name) string {
	if field := l.field(name); field != nil {
		return l.request.Get(field).String()
	}
	return ""
}

func (l *listing) strings(name protoreflect.Name) []string {
	field := l.field(name)
	if field == nil {
		return nil
	}
	list := l.request.Get(field).List()
	out := make([]string, list.Len())
	for i := range out {
		out[i] = list.Get(i).String()
	}
	return out
}

// prepare finds the accounts that are asked.
func (l *listing) prepare() error {
	if l.size = l.integer("page_size"); l.size == 0 {
		l.size = defaultPageSize
	}
	wanted := l.strings("account_id")
	for _, id := range wanted {
		if err := l.runner.access.Account(l.call.Principal, id); err != nil {
			return err
		}
	}
	if err := l.splitIDs(&wanted); err != nil {
		return err
	}
	r := l.runner
	if len(wanted) == 0 {
		for _, a := range r.accounts.All() {
			if r.access.Account(l.call.Principal, a.ID) == nil && (a.Offers(l.call.Method.FullName) || a.ObservedAt.IsZero()) {
				l.accounts = append(l.accounts, a)
			}
		}
		return nil
	}
	for _, id := range slices.Compact(slices.Sorted(slices.Values(wanted))) {
		if err := r.access.Account(l.call.Principal, id); err != nil {
			return err
		}
		a, err := r.accounts.Get(id)
		if err != nil {
			return err
		}
		l.accounts = append(l.accounts, a)
	}
	return nil
}

// splitIDs sorts the ids of a batch get and of filters by account. Ids narrow the
// accounts that are asked.
func (l *listing) splitIDs(wanted *[]string) error {
	native := proto.Clone(l.call.Request).ProtoReflect()
	l.ids = map[string][]string{}
	var seen []string
	only := "" // the account of a parent by which the list is narrowed
	err := pipeline.RewriteIDs(native, func(path string, rule *apiv1.FieldRule, id string) (string, error) {
		accountID, nativeID, err := publicid.Split(path, id)
		if err != nil {
			return "", err
		}
		if l.runner.access.Account(l.call.Principal, accountID) != nil {
			return "", foreign(path)
		}
		if len(*wanted) > 0 && !slices.Contains(*wanted, accountID) {
			return "", sdk.NewError(apiv1.Reason_REASON_REFERENCE_MISMATCH, sdk.Violation(path, "is of account "+accountID+", which is not asked"))
		}
		if !strings.HasPrefix(path, "ids[") {
			only = accountID
		}
		l.ids[accountID] = append(l.ids[accountID], nativeID)
		seen = append(seen, accountID)
		return nativeID, nil
	})
	if other := slices.IndexFunc(seen, func(id string) bool { return only != "" && id != only }); err == nil && other >= 0 {
		return sdk.NewError(apiv1.Reason_REASON_REFERENCE_MISMATCH,
			sdk.Violation("ids", "the list is narrowed to account "+only+", and an id is of account "+seen[other]))
	}
	if err == nil && len(seen) > 0 {
		*wanted = seen
	}
	return err
}

// live asks the clouds.
func (l *listing) live(ctx context.Context) (proto.Message, error) {
	filter, err := filterDigest(l.call.Request, l.call.Method.FullName+" "+l.call.Principal.TenantID)
	if err != nil {
		return nil, err
	}
	markers := map[string]string{}
	for _, a := range l.accounts {
		markers[a.ID] = ""
	}
	if token := l.text("page_token"); token != "" {
		if markers, err = l.runner.decodePage(token, filter); err != nil {
			return nil, err
		}
	}
	l.accounts = slices.DeleteFunc(l.accounts, func(a *account.Account) bool { _, open := markers[a.ID]; return !open })
	parts := l.ask(ctx, markers)
	if len(parts) == 1 && parts[0].err != nil {
		return nil, parts[0].err
	}
	return l.merge(parts, filter)
}

// maxRefills bounds the calls for one page of one account.
const maxRefills = 10

// askOne reads from one account. Where ownership hides items, or the cloud gives
// short pages, the page is refilled; it may stay short. A batch get is never cut.
func (l *listing) askOne(ctx context.Context, a *account.Account, marker string, size int) part {
	if err := usable(a, l.call.Method); err != nil {
		return part{err: err}
	}
	if len(l.strings("ids")) > 0 {
		size = max(size, len(l.ids[a.ID]))
	}
	native := l.native(a.ID)
	result := part{next: marker}
	for remaining, calls := size, 1; ; calls++ {
		l.setPage(native, result.next, remaining)
		answer, err := l.runner.invoke(ctx, l.call, a, l.call.Method, native.Interface())
		if err != nil {
			return part{err: err}
		}
		page := answer.ProtoReflect()
		next := page.Descriptor().Fields().ByName("next_page_token")
		if next != nil {
			result.next = page.Get(next).String()
		}
		l.runner.publish(page, a.ID, l.call.Language)
		l.hide(ctx, a, page)
		if result.answer == nil {
			result.answer = page
		} else {
			appendAll(items(result.answer), items(page))
		}
		if remaining = size - items(result.answer).Len(); result.next == "" || remaining <= 0 || calls == maxRefills {
			return result
		}
	}
}

// native is the request for one account.
func (l *listing) native(accountID string) protoreflect.Message {
	native := proto.Clone(l.call.Request).ProtoReflect()
	_ = pipeline.RewriteIDs(native, func(_ string, _ *apiv1.FieldRule, id string) (string, error) {
		_, nativeID, err := publicid.Split("", id) // parsed before
		return nativeID, err
	})
	if field := native.Descriptor().Fields().ByName("ids"); field != nil && native.Has(field) {
		list := native.Mutable(field).List()
		list.Truncate(0)
		for _, id := range l.strings("ids") {
			if idAccount, nativeID, err := publicid.Split("ids", id); err == nil && idAccount == accountID {
				list.Append(protoreflect.ValueOfString(nativeID))
			}
		}
	}
	clearGatewayFields(native)
	return native
}

func (l *listing) setPage(native protoreflect.Message, marker string, size int) {
	fields := native.Descriptor().Fields()
	if field := fields.ByName("page_size"); field != nil {
		native.Set(field, protoreflect.ValueOfInt32(int32(size)))
	}
	if field := fields.ByName("page_token"); field != nil {
		native.Set(field, protoreflect.ValueOfString(marker))
	}
}

// hide takes out what the caller may not see.
func (l *listing) hide(ctx context.Context, a *account.Account, page protoreflect.Message) {
	list := items(page)
	id := list.NewElement().Message().Descriptor().Fields().ByName("id")
	if id == nil {
		return
	}
	kept := 0
	for i := range list.Len() {
		item := list.Get(i)
		if l.runner.visible(ctx, l.call, a, item.Message(), id) {
			list.Set(kept, item)
			kept++
		}
	}
	list.Truncate(kept)
}

// items is the list of a page: its first field.
func items(page protoreflect.Message) protoreflect.List {
	return page.Mutable(page.Descriptor().Fields().Get(0)).List()
}

func appendAll(to, from protoreflect.List) {
	for i := range from.Len() {
		to.Append(from.Get(i))
	}
}

// merge puts the parts together.
func (l *listing) merge(parts []part, filter []byte) (proto.Message, error) {
	answer := l.call.Method.Output.New()
	if len(parts) == 1 {
		answer = parts[0].answer
	}
	fields := answer.Descriptor().Fields()
	next := map[string]string{}
	now := timestamppb.New(l.runner.now())
	for i, p := range parts {
		accountID := l.accounts[i].ID
		if p.err != nil {
			appendMessage(answer, "unreachable", l.unreachable(accountID, p.err))
			continue
		}
		if len(parts) > 1 {
			appendAll(items(answer), items(p.answer))
		}
		if p.next != "" {
			next[accountID] = p.next
		}
		appendMessage(answer, "sources", &apiv1.Source{AccountId: accountID, ObservedAt: now, Complete: true})
	}
	token := ""
	if len(next) > 0 {
		var err error
		if token, err = l.runner.encodePage(next, filter); err != nil {
			return nil, err
		}
	}
	if field := fields.ByName("next_page_token"); field != nil {
		answer.Set(field, protoreflect.ValueOfString(token))
	}
	l.tellMissing(answer, parts)
	return answer.Interface(), nil
}

// tellMissing names what a batch get did not find, in the order asked: what the
// caller may not see is told like what is not there.
func (l *listing) tellMissing(answer protoreflect.Message, parts []part) {
	field := answer.Descriptor().Fields().ByName("missing_ids")
	if field == nil {
		return
	}
	answer.Clear(field)
	asked := map[string]bool{} // accounts that have answered
	for i, p := range parts {
		asked[l.accounts[i].ID] = p.err == nil
	}
	found := map[string]bool{}
	list := items(answer)
	id := list.NewElement().Message().Descriptor().Fields().ByName("id")
	for i := range list.Len() {
		found[list.Get(i).Message().Get(id).String()] = true
	}
	for _, wanted := range l.strings("ids") {
		if accountID, _, err := publicid.Split("ids", wanted); err == nil && asked[accountID] && !found[wanted] {
			found[wanted] = true // told once
			answer.Mutable(field).List().Append(protoreflect.ValueOfString(wanted))
		}
	}
}

func (l *listing) unreachable(accountID string, err error) *apiv1.Unreachable {
	client := fault.Decode(err).Client(l.call.Language == pipeline.English)
	return &apiv1.Unreachable{AccountId: accountID, Reason: client.GetReason(), Message: client.GetMessage()}
}

func appendMessage(answer protoreflect.Message, name protoreflect.Name, item proto.Message) {
	if field := answer.Descriptor().Fields().ByName(name); field != nil {
		answer.Mutable(field).List().Append(protoreflect.ValueOfMessage(item.ProtoReflect()))
	}
}
