package kit

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/yunqiao/yunqiao/programs/gyt345"
)

// Environment is what commands get beside their flags.
type Environment struct {
	Context context.Context
	Stdin   io.Reader
	Stdout  io.Writer
	Stderr  io.Writer
}

// Commands is the command line `yunqiao programs`, tagged for kong.
type Commands struct {
	Keygen    keygenCommand  `cmd:"" help:"Make an SM2 key: the private key is written to a file, the public one printed."`
	Sign      signCommand    `cmd:"" help:"Sign a message and print the request: line 1 the URL, then the body, without a line feed after it."`
	Verify    verifyCommand  `cmd:"" help:"Verify a request, as the other side would, and print what was found."`
	Inject    injectCommand  `cmd:"" help:"Send a series or program (100 to 102, 200 to 202) to an integration platform."`
	Offline   offlineCommand `cmd:"" help:"Send an offline (103, 203) or emergency offline (301, 302)."`
	ServeMock mockCommand    `cmd:"" name:"serve-mock" help:"Run a content platform: the two emergency interfaces. Each message is printed as a line of JSON."`
}

// variant are the flags of what two sides have agreed on beside the profile.
type variant struct {
	RequestText string `default:"five-lines" enum:"five-lines,sorted-parameters" help:"What sign is made over."`
	MessageText string `default:"canonical" enum:"canonical,sorted-members" help:"What msgSign is made over."`
	SignedForm  string `default:"text" enum:"text,sm3-hex" help:"What the signature is made of."`
	MAC         string `name:"mac-method" default:"sm4-cmac" enum:"sm4-cmac,sm4-cbc-mac,hmac-sm3" help:"How the second part of msgSign is made."`
	MACKey      string `name:"mac-key" default:"derived" enum:"derived,sm3-of-secret" help:"How its key is made of the groupSecret."`
	UserID      string `name:"sm2-user-id" default:"1234567812345678" help:"User id of SM2; may be empty."`
}

// unless is the name of a departure, "" for the profile's own.
func unless(profile, text string) string {
	if text == profile {
		return ""
	}
	return text
}

func (v *variant) agreed() gyt345.Variant {
	return gyt345.Variant{
		Request: gyt345.RequestText(unless("five-lines", v.RequestText)), Message: gyt345.MessageText(unless("canonical", v.MessageText)),
		Signed: gyt345.SignedForm(unless("text", v.SignedForm)), MAC: gyt345.MACMethod(unless("sm4-cmac", v.MAC)),
		Key: gyt345.MACKeyForm(unless("derived", v.MACKey)), UserID: unless(gyt345.UserID, v.UserID), EmptyUserID: v.UserID == "",
	}
}

// identity are the flags of a side that signs.
type identity struct {
	variant
	GroupID    string `name:"group-id" required:"" help:"groupId of the content platform."`
	SecretFile string `required:"" type:"existingfile" help:"File with the groupSecret."`
	KeyFile    string `required:"" type:"existingfile" help:"File with our SM2 private key: 64 hexadecimal digits or PEM."`
	Parts      string `default:"both" enum:"both,signature,mac" help:"What msgSign consists of."`
}

func readText(path string) (string, error) {
	raw, err := os.ReadFile(path)
	return strings.TrimSpace(string(raw)), err
}

// client signs; it sends over a client of HTTP, or nil for the default.
func (i *identity) client(over *http.Client) (*gyt345.Client, error) {
	secret, err := readText(i.SecretFile)
	if err != nil {
		return nil, err
	}
	text, err := readText(i.KeyFile)
	if err != nil {
		return nil, err
	}
	key, err := gyt345.ParsePrivateKey(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", i.KeyFile, err)
	}
	return gyt345.NewClient(i.GroupID, secret, key, gyt345.ClientOptions{HTTP: over, Parts: gyt345.Parts(i.Parts), Variant: i.agreed()})
}

type keygenCommand struct {
	Out string `arg:"" help:"File for the private key; it must not exist."`
}

// Run makes a key.
func (c *keygenCommand) Run(env *Environment) error {
	key, err := gyt345.GenerateKey()
	if err != nil {
		return err
	}
	f, err := os.OpenFile(c.Out, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.WriteString(key.Hex() + "\n")
	if err := errors.Join(err, f.Close()); err != nil {
		return err
	}
	_, err = fmt.Fprintln(env.Stdout, key.Public().Hex())
	return err
}

// readBody reads a message from a file; "-" is standard input.
func readBody(env *Environment, path string) (gyt345.Value, error) {
	var raw []byte
	var err error
	if path == "-" {
		raw, err = io.ReadAll(io.LimitReader(env.Stdin, gyt345.DefaultMaxBody+1))
	} else {
		raw, err = os.ReadFile(path)
	}
	if err != nil {
		return gyt345.Value{}, err
	}
	return gyt345.Parse(raw)
}

type signCommand struct {
	identity
	URL  string `required:"" help:"Address of the interface."`
	Body string `arg:"" help:"File with the message as JSON, msgSign or not; - is standard input."`
}

// Run signs.
func (c *signCommand) Run(env *Environment) error {
	client, err := c.client(nil)
	if err != nil {
		return err
	}
	body, err := readBody(env, c.Body)
	if err != nil {
		return err
	}
	signed, err := client.SignValue(env.Context, c.URL, body)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(env.Stdout, "%s\n%s", signed.URL, signed.Body)
	return err
}

// peer are the flags of a side that verifies.
type peer struct {
	variant
	GroupID    string        `name:"group-id" required:"" help:"groupId of the content platform."`
	SecretFile string        `required:"" type:"existingfile" help:"File with the groupSecret."`
	PeerKeys   []string      `name:"peer-key" required:"" sep:"none" help:"Public key of the caller: a file, or 04||X||Y in hexadecimal. Given twice while the caller goes from one key to the next."`
	Window     time.Duration `default:"300s" help:"How far ts may be from the clock."`
	Strict     bool          `help:"Take signatures in Base64 of DER only."`
	Parts      string        `default:"both" enum:"both,signature,mac" help:"What msgSign consists of."`
}

func (p *peer) group() (Group, error) {
	secret, err := readText(p.SecretFile)
	if err != nil {
		return Group{}, err
	}
	var keys []string
	for _, key := range p.PeerKeys {
		if text, err := readText(key); err == nil {
			key = text
		}
		keys = append(keys, key)
	}
	return Group{ID: p.GroupID, Secrets: []string{secret}, Keys: keys, Profile: gyt345.Profile{
		Window: p.Window, Strict: p.Strict, Parts: gyt345.Parts(p.Parts), Variant: p.agreed(),
	}}, nil
}

type verifyCommand struct {
	peer
	URL  string `required:"" help:"Address with its query, as the request was sent."`
	Body string `arg:"" help:"File with the body, byte for byte; - is standard input."`
}

// Run verifies sign, msgSign and the fields; the clock is the request's own.
func (c *verifyCommand) Run(env *Environment) error {
	group, err := c.group()
	if err != nil {
		return err
	}
	var raw []byte
	if c.Body == "-" {
		raw, err = io.ReadAll(io.LimitReader(env.Stdin, gyt345.DefaultMaxBody+1))
	} else {
		raw, err = os.ReadFile(c.Body)
	}
	if err != nil {
		return err
	}
	result, err := Verify(env.Context, group, c.URL, string(raw))
	if err != nil {
		return err
	}
	return printJSON(env.Stdout, result)
}

func printJSON(w io.Writer, v any) error {
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	return encoder.Encode(v)
}

type injectCommand struct {
	identity
	outgoingTLS
	URL  string `required:"" help:"Address of the interface at the integration platform."`
	Body string `arg:"" help:"File with the message as JSON; - is standard input."`
}

// Run sends once.
func (c *injectCommand) Run(env *Environment) error {
	over, err := c.http()
	if err != nil {
		return err
	}
	client, err := c.client(over)
	if err != nil {
		return err
	}
	body, err := readBody(env, c.Body)
	if err != nil {
		return err
	}
	signed, err := client.SignValue(env.Context, c.URL, body)
	if err != nil {
		return err
	}
	return post(env, client, signed)
}

func post(env *Environment, client *gyt345.Client, signed *gyt345.Signed) error {
	reply, err := client.Post(env.Context, signed)
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintf(env.Stdout, "%d %s\n", reply.HTTP, reply.Body); err != nil {
		return err
	}
	if !reply.OK() {
		return fmt.Errorf("refused: %s", reply.Code)
	}
	return nil
}

type offlineCommand struct {
	identity
	outgoingTLS
	URL   string   `required:"" help:"Address of the interface."`
	Type  int      `required:"" enum:"103,203,301,302" help:"msgType."`
	MsgID string   `name:"msg-id" required:"" help:"msgId; the same again is a retry."`
	Time  int64    `name:"msg-time" help:"msgTime in milliseconds; default now. A retry gives that of the first attempt."`
	IDs   []string `arg:"" name:"ids" help:"Ids of series or programs."`
}

// Run sends once.
func (c *offlineCommand) Run(env *Environment) error {
	over, err := c.http()
	if err != nil {
		return err
	}
	client, err := c.client(over)
	if err != nil {
		return err
	}
	millis := c.Time
	if millis == 0 {
		millis = time.Now().UnixMilli()
	}
	signed, err := client.Sign(env.Context, c.URL, gyt345.NewOffline(gyt345.Type(c.Type), c.MsgID, millis, c.IDs))
	if err != nil {
		return err
	}
	return post(env, client, signed)
}

type mockCommand struct {
	peer
	incomingTLS
	Listen string `default:"127.0.0.1:8345" help:"Address and port; port 0 takes a free one."`
	Fail   int    `help:"Answer this many messages with 503 before the first ok."`
}

// Paths of the mock's interfaces.
const (
	MockSeriesPath  = "/csp/emergency/series-offline"
	MockProgramPath = "/csp/emergency/program-offline"
)

// Run serves until the context ends.
func (c *mockCommand) Run(env *Environment) error {
	group, err := c.group()
	if err != nil {
		return err
	}
	failures := c.Fail
	memory, err := NewMemory([]Group{group}, func(_ context.Context, r *gyt345.Received) error {
		if failures > 0 {
			failures--
			return gyt345.Unavailable("as told", time.Second, nil)
		}
		return printJSON(env.Stdout, describe(r))
	})
	if err != nil {
		return err
	}
	log := slog.NewTextHandler(env.Stderr, nil)
	receiver := gyt345.NewReceiver(slog.New(log), memory, memory, time.Now)
	mux := http.NewServeMux()
	mux.Handle(MockSeriesPath, receiver.Handler(gyt345.InterfaceEmergencySeriesOffline, MockSeriesPath))
	mux.Handle(MockProgramPath, receiver.Handler(gyt345.InterfaceEmergencyProgramOffline, MockProgramPath))
	config, err := c.incomingTLS.config()
	if err != nil {
		return err
	}
	listener, err := (&net.ListenConfig{}).Listen(env.Context, "tcp", c.Listen)
	if err != nil {
		return err
	}
	base := "http://" + listener.Addr().String()
	if config != nil {
		base = "https://" + listener.Addr().String()
		listener = tls.NewListener(listener, config)
	}
	fmt.Fprintf(env.Stdout, "%s%s\n%s%s\n", base, MockSeriesPath, base, MockProgramPath)
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second, ErrorLog: slog.NewLogLogger(log, slog.LevelWarn)}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	select {
	case err := <-served:
		return err
	case <-env.Context.Done():
		return server.Close()
	}
}

// Found is what a verification tells.
type Found struct {
	MsgID   string          `json:"msgId"`
	MsgType int             `json:"msgType"`
	MsgTime int64           `json:"msgTime"`
	Key     string          `json:"key"`
	Notes   []string        `json:"notes,omitempty"`
	Data    json.RawMessage `json:"msgData"`
}

func describe(r *gyt345.Received) Found {
	return Found{
		MsgID: r.Message.ID, MsgType: int(r.Message.Type), MsgTime: r.Message.Time, Key: r.Key, Notes: r.Notes, Data: r.Message.Data.JSON(),
	}
}

// Verify checks a request of any interface as its receiver would, at its own time.
func Verify(ctx context.Context, group Group, address, body string) (*Found, error) {
	u, err := url.Parse(address)
	if err != nil {
		return nil, errors.New("the address is no URL")
	}
	parsed, err := gyt345.Parse([]byte(body))
	if err != nil {
		return nil, err
	}
	kind, _ := parsed.Member("msgType")
	return verifyRequest(ctx, group, u, body, gyt345.Type(kind.Integer).Interface())
}
