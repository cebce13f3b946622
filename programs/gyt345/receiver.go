package gyt345

import (
	"bytes"
	"cmp"
	"context"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/emmansun/gmsm/sm3"
)

// DefaultMaxBody is the limit of a body in bytes.
const DefaultMaxBody = 1 << 20

const (
	claimedBody = 16 << 10        // of the claimed bytes of a body, those for which there is room at once
	sampledBody = 4 << 10         // bytes that are kept of a body whose caller is not known
	sampledTime = 5 * time.Second // by when it must have come
)

// DefaultWindow is how far ts may be from the receiver's clock.
const DefaultWindow = 300 * time.Second

// Profile are the settings of one peer. The zero value is the profile's default.
type Profile struct {
	Parts  Parts         // what msgSign consists of; empty: both
	Strict bool          // signatures in Base64 of DER only
	Window time.Duration // of ts; 0: DefaultWindow
	// Variant is how the peer departs from the profile.
	Variant Variant
}

// Peer is what a receiver knows of a caller.
type Peer struct {
	Keys    []PublicKey // active ones, at most two, the current first
	MACKeys []MACKey    // of the active secrets
	Profile Profile
	MaxBody int64 // bytes; 0: DefaultMaxBody
	// Paths are those that the peer calls and signs, where a gateway before the receiver
	// rewrites them; without one: the receiver's own.
	Paths map[Interface]string
	// Allow counts a request whose sign holds against the caller's rate; nil: no limit.
	Allow func() bool
}

// ErrUnknownPeer says that a groupId is unknown.
var ErrUnknownPeer = errors.New("unknown group")

// Peers finds the caller of a groupId. The error is ErrUnknownPeer, a Fault, such as
// Forbidden of a group that is stopped or may not call from there, or a failure of the
// store, which refuses the request with 503.
type Peers interface {
	Peer(ctx context.Context, groupID string, from Origin) (*Peer, error)
}

// Origin is where a request comes from.
type Origin struct {
	IP string
	// Certificate is what the caller has shown for the connection; nil: none. Only its key
	// has been proved.
	Certificate *x509.Certificate
}

// Received is a request as it came, and what has been found out about it.
type Received struct {
	Interface Interface
	Path      string // signing path
	Query     string
	Body      []byte // at most the limit; cut at the limit where it was larger
	Cut       *Cut   // of what Body is only the beginning, since its caller is not known; nil: it is whole
	At        time.Time
	RemoteIP  string

	GroupID    string
	Nonce      string
	NonceUntil time.Time // to be remembered until then
	Key        string    // fingerprint of the key under which sign held; empty: none did
	Message    *Message  // nil: not decoded
	Digest     string    // SM3 of the canonical body; empty: not parsed
	Notes      []string
	// Verdict is why the message is refused, apart from its nonce, which comes first.
	Verdict *Fault
}

// Cut is a body of which only the beginning was kept.
type Cut struct {
	Size   int    // bytes that were read
	Digest string // SM3 of them
}

// Settler ends what a receiver began. Settle is called for every request whose sign
// held: it tests and sets the nonce, then, unless there is a verdict, checks the msgId
// and applies the message, all in one step; an error that is no Fault is InternalError.
// Refused is told of the requests before that.
type Settler interface {
	Settle(ctx context.Context, r *Received) error
	Refused(ctx context.Context, r *Received)
}

// Expecter is a Settler that stores messages together. Expect is told of one more
// request whose signatures are being verified, and with −1 that it is done: it is
// settled or refused next.
type Expecter interface{ Expect(requests int) }

// Receiver serves interfaces of one platform.
type Receiver struct {
	log     *slog.Logger
	peers   Peers
	settler Settler
	expect  func(requests int)
	turns   chan struct{} // of requests that are being verified
	now     func() time.Time
}

// NewReceiver makes a receiver. The clock is in UTC.
func NewReceiver(log *slog.Logger, peers Peers, settler Settler, now func() time.Time) *Receiver {
	rc := &Receiver{log: log, peers: peers, settler: settler, expect: func(int) {}, now: now}
	if e, ok := settler.(Expecter); ok {
		rc.expect = e.Expect
	}
	// More at once would not be faster, only keep the goroutine that stores from a processor.
	rc.turns = make(chan struct{}, 2*runtime.GOMAXPROCS(0))
	return rc
}

// Handler serves one interface. The signing path is that of the published URL, which a
// gateway in front may have rewritten.
func (rc *Receiver) Handler(on Interface, signingPath string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { rc.serve(w, r, on, signingPath) })
}

func (rc *Receiver) serve(w http.ResponseWriter, r *http.Request, on Interface, path string) {
	ctx := r.Context()
	in := &Received{Interface: on, Path: path, Query: r.URL.RawQuery, At: rc.now(), RemoteIP: remoteIP(r)}
	err := rc.check(ctx, in, w, r)
	if err == nil {
		err = rc.settler.Settle(ctx, in)
	} else {
		in.Verdict = FaultOf(err)
		rc.settler.Refused(ctx, in)
	}
	answer := OK()
	if err != nil {
		fault := FaultOf(err)
		answer = fault.Answer()
		rc.log.LogAttrs(ctx, slog.LevelInfo, "message refused", slog.String("group_id", in.GroupID), slog.String("interface", string(on)),
			slog.Int("status", answer.HTTP), slog.String("check", fault.Error()))
	}
	WriteAnswer(w, answer)
}

// WriteAnswer sends an answer.
func WriteAnswer(w http.ResponseWriter, a Answer) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	if a.RetryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int((a.RetryAfter+time.Second-1)/time.Second)))
	}
	w.WriteHeader(a.HTTP)
	_, _ = w.Write(a.Body()) // a client that has gone is no error of ours
}

func origin(r *http.Request) Origin {
	from := Origin{IP: remoteIP(r)}
	if r.TLS != nil && len(r.TLS.PeerCertificates) > 0 {
		from.Certificate = r.TLS.PeerCertificates[0]
	}
	return from
}

func remoteIP(r *http.Request) string {
	host, _, ok := strings.Cut(r.RemoteAddr, "]:")
	if ok {
		return strings.TrimPrefix(host, "[")
	}
	host, _, _ = strings.Cut(r.RemoteAddr, ":")
	return host
}

// check makes steps 1 to 11 of the profile, chapter 7, but the nonce of step 7: it
// returns what fails before sign has held, and leaves later faults in the verdict.
func (rc *Receiver) check(ctx context.Context, in *Received, w http.ResponseWriter, r *http.Request) error {
	if err := head(r); err != nil {
		return err
	}
	peer, params, err := rc.caller(ctx, in, r)
	if err != nil {
		// The body comes first in the order of answers. A connection that is none, as in
		// tests, has no deadlines.
		_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(sampledTime))
		return cmp.Or(in.sample(r.Body), err)
	}
	if err := in.read(r, cmp.Or(peer.MaxBody, DefaultMaxBody)); err != nil {
		return err
	}
	if published := peer.Paths[in.Interface]; published != "" {
		in.Path = published
	}
	window := peer.Profile.Window
	if window == 0 {
		window = DefaultWindow
	}
	if distance := in.At.UnixMilli() - params.millis; distance > window.Milliseconds() || -distance > window.Milliseconds() {
		return Invalid("ts", "outside the window")
	}
	in.NonceUntil = in.At.Add(2 * window)
	return rc.verify(in, peer, params)
}

// caller makes steps 2 to 4. It comes before the body is read, since anybody can send one.
func (rc *Receiver) caller(ctx context.Context, in *Received, r *http.Request) (*Peer, requestParameters, error) {
	params, err := requestParams(in.Query)
	if err != nil {
		return nil, params, err
	}
	in.GroupID, in.Nonce = params.groupID, params.nonce
	peer, err := rc.peers.Peer(ctx, in.GroupID, origin(r))
	if err == nil {
		return peer, params, nil
	}
	if errors.Is(err, ErrUnknownPeer) {
		return nil, params, Forbidden("groupId", err)
	}
	if fault, ok := errors.AsType[*Fault](err); ok {
		return nil, params, fault
	}
	return nil, params, Unavailable("find the peer", time.Second, err)
}

// verify makes the steps that are the processor's work.
func (rc *Receiver) verify(in *Received, peer *Peer, params requestParameters) error {
	rc.expect(1)
	defer rc.expect(-1)
	rc.turns <- struct{}{}
	defer func() { <-rc.turns }()
	runtime.Gosched() // behind the goroutine that stores, back from the disk
	key, form, err := VerifySign(peer.Keys, in.Path, params.all, in.Body, params.sign, peer.Profile)
	if err != nil {
		return Forbidden("sign", err)
	}
	if peer.Allow != nil && !peer.Allow() {
		return Unavailable("rate limit", time.Second, nil)
	}
	in.Key = key.Fingerprint()
	if form != "" {
		in.Notes = append(in.Notes, "sign: "+form)
	}
	if err := verifyBody(in, peer); err != nil {
		in.Verdict = FaultOf(err)
	}
	return nil
}

// head checks what the header tells: method, content type, and the claimed length.
func head(r *http.Request) error {
	if r.Method != http.MethodPost {
		return &Fault{Code: CodeInvalidParameter, HTTP: http.StatusMethodNotAllowed, Parameter: "method", Check: "not POST"}
	}
	if err := contentType(r.Header.Get("Content-Type")); err != nil {
		return err
	}
	if r.Header.Get("Content-Encoding") != "" {
		return Invalid("Content-Encoding", "bodies are not compressed")
	}
	if r.ContentLength > DefaultMaxBody {
		return tooLarge(DefaultMaxBody)
	}
	return nil
}

func tooLarge(limit int64) error {
	return Invalid("body", "larger than "+strconv.FormatInt(limit, 10)+" bytes")
}

// read takes the body of a caller that is known, at most limit bytes of it.
func (in *Received) read(r *http.Request, limit int64) error {
	limit = min(limit, DefaultMaxBody)
	buffer := bytes.NewBuffer(make([]byte, 0, min(max(r.ContentLength, 0), claimedBody)+bytes.MinRead))
	_, err := buffer.ReadFrom(io.LimitReader(r.Body, limit+1))
	body := buffer.Bytes()
	in.Body = body[:min(int64(len(body)), limit)]
	switch {
	case err != nil:
		return Invalid("body", "not read to its end")
	case int64(len(body)) > limit:
		return tooLarge(limit)
	}
	return nil
}

// sample reads the body of a caller that is not known, and keeps its beginning.
func (in *Received) sample(body io.Reader) error {
	var first bytes.Buffer
	digest := sm3.New()
	size, err := io.CopyN(io.MultiWriter(&first, digest), body, sampledBody)
	if err == nil {
		var rest int64
		rest, err = io.CopyBuffer(digest, io.LimitReader(body, DefaultMaxBody+1-size), make([]byte, sampledBody))
		size += rest
	}
	in.Body, in.Cut = first.Bytes(), &Cut{Size: int(size), Digest: hex.EncodeToString(digest.Sum(nil))}
	switch {
	case err != nil && !errors.Is(err, io.EOF):
		return Invalid("body", "not read to its end")
	case size > DefaultMaxBody:
		return tooLarge(DefaultMaxBody)
	}
	return nil
}

const jsonType = "application/json"

func contentType(text string) error {
	if text == jsonType { // which nearly all send
		return nil
	}
	kind, params, err := mime.ParseMediaType(text)
	if err != nil || kind != jsonType {
		return Invalid("Content-Type", "not "+jsonType)
	}
	if charset := params["charset"]; charset != "" && !strings.EqualFold(charset, "utf-8") {
		return Invalid("Content-Type", "charset is not utf-8")
	}
	return nil
}

type requestParameters struct {
	all                  []Param
	groupID, nonce, sign string
	millis               int64
}

var (
	groupPattern = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)
	noncePattern = regexp.MustCompile(`^[A-Za-z0-9_-]{8,64}$`)
	timePattern  = regexp.MustCompile(`^[1-9][0-9]{0,15}$`)
)

// requestParams reads the query parameters of table 1.
func requestParams(query string) (p requestParameters, err error) {
	if p.all, err = ParseQuery(query); err != nil {
		return p, Invalid("query", err.Error())
	}
	named := map[string]string{}
	var twice string
	for _, param := range p.all {
		if _, ok := named[param.Name]; ok {
			twice = param.Name
		}
		named[param.Name] = param.Value
	}
	for _, name := range []string{"groupId", "nonce", "ts", signParam} {
		if named[name] == "" {
			return p, Missing(name)
		}
	}
	switch {
	case twice != "":
		return p, Invalid(twice, "given twice")
	case !groupPattern.MatchString(named["groupId"]):
		return p, Invalid("groupId", "form")
	case !noncePattern.MatchString(named["nonce"]):
		return p, Invalid("nonce", "form")
	case !timePattern.MatchString(named["ts"]):
		return p, Invalid("ts", "form")
	}
	p.groupID, p.nonce, p.sign = named["groupId"], named["nonce"], named[signParam]
	p.millis, err = strconv.ParseInt(named["ts"], 10, 64)
	if p.millis < 1e11 {
		p.millis *= 1000
	}
	return p, err
}

// verifyBody makes steps 8 to 11.
func verifyBody(in *Received, peer *Peer) error {
	body, err := Parse(in.Body)
	if err != nil {
		return &Fault{Code: CodeInvalidParameter, Parameter: "body", Check: "parse", Cause: err}
	}
	msgSign, ok := body.Member(signMember)
	if !ok || msgSign.Kind != String || msgSign.Text == "" {
		return Missing(signMember)
	}
	canonical := Canonical(body)
	sum := sm3.Sum(canonical)
	in.Digest = hex.EncodeToString(sum[:])
	text, digest := canonical, sum
	if peer.Profile.Variant.Message != MessageCanonical {
		text = peer.Profile.Variant.MessageText(body)
		digest = sm3.Sum(text)
	}
	form, err := verifyMessage(peer.Keys, peer.MACKeys, text, digest, msgSign.Text, peer.Profile)
	if err != nil {
		return Forbidden(signMember, err)
	}
	if form != "" {
		in.Notes = append(in.Notes, "msgSign: "+form)
	}
	message, notes, err := Decode(body, in.Interface)
	in.Notes = slices.Concat(in.Notes, notes)
	in.Message = message
	return err
}
