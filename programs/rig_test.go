package programs

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"github.com/yunqiao/yunqiao/internal/db"
	"github.com/yunqiao/yunqiao/internal/db/dbtest"
	"github.com/yunqiao/yunqiao/internal/outbox"
	"github.com/yunqiao/yunqiao/internal/rowid"
	"github.com/yunqiao/yunqiao/internal/seal"
	programv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/program/v1"
	"github.com/yunqiao/yunqiao/programs/gyt345"
)

// clock is a clock that only moves when it is told to.
type clock struct{ millis atomic.Int64 }

func (c *clock) now() time.Time      { return time.UnixMilli(c.millis.Load()).UTC() }
func (c *clock) add(d time.Duration) { c.millis.Add(d.Milliseconds()) }
func newClock(at time.Time) *clock   { c := &clock{}; c.millis.Store(at.UnixMilli()); return c }

type callerKey struct{}

func as(ctx context.Context, user string) context.Context {
	return context.WithValue(ctx, callerKey{}, user)
}

// rig is a module with one partner, and that partner's client.
type rig struct {
	*Module
	clock   *clock
	group   string
	private *gyt345.PrivateKey
	secret  string
	mux     *http.ServeMux
	serial  int
}

func newRig(t testing.TB, store *db.Store, opts Options) *rig {
	t.Helper()
	if err := store.Migrate(t.Context(), outbox.Migrations(), Migrations()); err != nil {
		t.Fatal(err)
	}
	return openRig(t, store, opts)
}

func openRig(t testing.TB, store *db.Store, opts Options) *rig {
	t.Helper()
	box, err := seal.New(bytes.Repeat([]byte{7}, seal.KeySize))
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{clock: newClock(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)), group: "20020002"}
	if opts.Now == nil {
		opts.Now = r.clock.now
	}
	opts.Caller = func(ctx context.Context) string { user, _ := ctx.Value(callerKey{}).(string); return user }
	if r.Module, err = Open(t.Context(), slog.New(slog.DiscardHandler), store, box, opts); err != nil {
		t.Fatal(err)
	}
	if r.private, err = gyt345.GenerateKey(); err != nil {
		t.Fatal(err)
	}
	answer, err := (&partnerServer{Module: r.Module}).CreatePartner(t.Context(), &programv1.CreatePartnerRequest{
		GroupId: r.group, Name: "tests", PublicKey: r.private.Public().Hex(),
	})
	if err != nil {
		t.Fatal(err)
	}
	r.secret = answer.GetGroupSecret()
	r.mux = http.NewServeMux()
	for _, route := range r.Routes() {
		r.mux.Handle(route.Path, route.Handler)
	}
	return r
}

func (r *rig) client(t testing.TB) *gyt345.Client {
	t.Helper()
	c, err := gyt345.NewClient(r.group, r.secret, r.private, gyt345.ClientOptions{Now: r.opts.Now})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

var paths = map[gyt345.Interface]string{
	gyt345.InterfaceSeries: "/gyt345/v1/series", gyt345.InterfaceSeriesOffline: "/gyt345/v1/series/offline",
	gyt345.InterfaceProgram: "/gyt345/v1/program", gyt345.InterfaceProgramOffline: "/gyt345/v1/program/offline",
}

// body makes a message; a msgId of "" is a new one, a time of 0 the clock's.
func (r *rig) body(kind gyt345.Type, msgID string, millis int64, data string) gyt345.Value {
	r.serial++
	if msgID == "" {
		msgID = fmt.Sprintf("m-%d", r.serial)
	}
	if millis == 0 {
		millis = r.clock.millis.Load()
	}
	v, err := gyt345.Parse(fmt.Appendf(nil, `{"msgId":%q,"msgType":%d,"msgTime":%d,"msgData":%s}`, msgID, kind, millis, data))
	if err != nil {
		panic(err)
	}
	return v
}

// send signs and sends, and gives the code of the answer.
func (r *rig) send(t testing.TB, kind gyt345.Type, msgID string, millis int64, data string) string {
	t.Helper()
	signed, err := r.client(t).SignValue(t.Context(), "http://platform.example"+paths[kind.Interface()], r.body(kind, msgID, millis, data))
	if err != nil {
		t.Fatal(err)
	}
	return r.post(t, signed)
}

func (r *rig) post(t testing.TB, signed *gyt345.Signed) string {
	t.Helper()
	request := httptest.NewRequestWithContext(t.Context(), http.MethodPost, signed.URL, bytes.NewReader(signed.Body))
	request.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	r.mux.ServeHTTP(w, request)
	var answer struct{ Code string }
	if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil || (w.Code == http.StatusOK) != (answer.Code == "ok") {
		t.Fatalf("answer %d %s: %v", w.Code, w.Body, err)
	}
	return answer.Code
}

func series(id, status, rest string) string {
	return fmt.Sprintf(`{"seriesId":%q,"title":"剧 %s","vImageUrl":"https://i.example/v","category":"电视剧","year":"2021","definition":"HD","completed":"false","status":%q,"genres":["剧情","家庭"]%s}`, id, id, status, rest)
}

func program(id, status, rest string) string {
	return fmt.Sprintf(`{"programId":%q,"title":"集 %s","category":"电视剧","definition":"HD","status":%q,"playInfos":[{"videoId":"v1","definition":"HD","playUrl":"https://cdn.example/%s.m3u8"}]%s}`, id, id, status, id, rest)
}

func inSeries(program, series string) string {
	return fmt.Sprintf(`,"seriesId":%q,"seriesPrograms":{"programId":%q,"seriesId":%q,"title":"t","programType":"正片","seq":1,"status":"online"}`, series, program, series)
}

// get reads a record whatever its state.
func (r *rig) get(t testing.TB, kind Kind, id string) recordRow {
	t.Helper()
	var row recordRow
	if err := r.store.Write.Where("id = ?", recordKey(kind, r.group, id)).Limit(1).Find(&row).Error; err != nil {
		t.Fatal(err)
	}
	return row
}

func each(t *testing.T, opts Options, test func(t *testing.T, r *rig)) {
	t.Helper()
	dbtest.Each(t, func(t *testing.T, store *db.Store) { test(t, newRig(t, store, opts)) })
}

// addVectorPartner admits the partner of the fixed vectors, with its own secret.
func (r *rig) addVectorPartner(t *testing.T) {
	t.Helper()
	var keys struct {
		GroupID, GroupSecret string
		ContentPlatform      struct{ PublicKeyHex string }
	}
	raw, err := os.ReadFile("gyt345/testdata/keys.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(raw, &keys); err != nil {
		t.Fatal(err)
	}
	_, err = (&partnerServer{Module: r.Module}).CreatePartner(t.Context(), &programv1.CreatePartnerRequest{GroupId: keys.GroupID, PublicKey: keys.ContentPlatform.PublicKeyHex})
	if err != nil {
		t.Fatal(err)
	}
	row := credentialRow{ID: rowid.New(), GroupID: keys.GroupID, Kind: credentialSecret}
	row.Sealed = r.box.Seal([]byte(keys.GroupSecret), sealLabel(row))
	if err := r.store.Write.Create(&row).Error; err != nil {
		t.Fatal(err)
	}
	r.partners.forget()
}

// takeOff confirms an emergency about records, and tells its id.
func (r *rig) takeOff(t *testing.T, kind programv1.RecordKind, ids ...string) string {
	t.Helper()
	server := &emergencyServer{Module: r.Module}
	made, err := server.CreateEmergency(as(t.Context(), "anna"), &programv1.CreateEmergencyRequest{GroupId: r.group, Kind: kind, RecordIds: ids, Reason: "order"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := server.ConfirmEmergency(as(t.Context(), "bert"), &programv1.ConfirmEmergencyRequest{Id: made.GetId()}); err != nil {
		t.Fatal(err)
	}
	return made.GetId()
}
