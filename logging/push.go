package logging

import (
	"bufio"
	"compress/gzip"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/netip"
	"strconv"
	"strings"

	collogspb "go.opentelemetry.io/proto/otlp/collector/logs/v1"
	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/yunqiao/yunqiao/logging/entry"
	"github.com/yunqiao/yunqiao/logging/format"
	loggingv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/logging/v1"

	"time"
)

// maxPush bounds the body of one push, before and after it is unpacked.
const maxPush = 16 << 20

// pushError is what a sender is told.
type pushError struct {
	status  int
	message string
}

func (e *pushError) Error() string { return e.message }

// Push takes records: one, or one a line, plain or packed with gzip. The answer
// comes when they are on disk. It checks its callers itself, by a submission's token
// in the header Authorization. The header X-Record-Id names the body's first record,
// so that a repeat of the same body is stored once.
func (m *Module) Push() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		m.pushed(w, r, m.readLines, func(result entry.Result) ([]byte, string) {
			return fmt.Appendf(nil, `{"stored_count":%d,"repeated_count":%d}`+"\n", result.Stored, result.Repeated), "application/json"
		})
	})
}

// PushOTLP takes logs of the OpenTelemetry protocol over HTTP, as protobuf or JSON.
func (m *Module) PushOTLP() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		kind := r.Header.Get("Content-Type")
		m.pushed(w, r, readOTLP, func(entry.Result) ([]byte, string) {
			if strings.HasPrefix(kind, "application/json") {
				return []byte("{}"), "application/json"
			}
			return nil, "application/x-protobuf"
		})
	})
}

func (m *Module) pushed(w http.ResponseWriter, r *http.Request,
	read func(r *http.Request, sub *submission, body io.Reader) ([]entry.Record, error), answer func(entry.Result) ([]byte, string)) {
	result, err := m.push(w, r, read)
	if err != nil {
		refused := &pushError{http.StatusServiceUnavailable, "the store cannot write at present"}
		if !errors.As(err, &refused) {
			m.log.WarnContext(r.Context(), "pushed log entries not stored", slog.String("error", err.Error()))
		}
		if refused.status == http.StatusServiceUnavailable || refused.status == http.StatusTooManyRequests {
			w.Header().Set("Retry-After", strconv.Itoa(int(retryAfter.Seconds())))
		}
		http.Error(w, refused.message, refused.status)
		return
	}
	body, kind := answer(result)
	w.Header().Set("Content-Type", kind)
	_, _ = w.Write(body) // a client that has gone is no error of ours
}

func (m *Module) push(w http.ResponseWriter, r *http.Request,
	read func(r *http.Request, sub *submission, body io.Reader) ([]entry.Record, error)) (entry.Result, error) {
	sub, err := m.sender(r)
	if err != nil {
		return entry.Result{}, err
	}
	var body io.Reader = http.MaxBytesReader(w, r.Body, maxPush)
	switch r.Header.Get("Content-Encoding") {
	case "", "identity":
	case "gzip":
		unpacked, err := gzip.NewReader(body)
		if err != nil {
			return entry.Result{}, &pushError{http.StatusBadRequest, "the body is no gzip"}
		}
		body = unpacked
	default:
		return entry.Result{}, &pushError{http.StatusUnsupportedMediaType, "Content-Encoding must be gzip or identity"}
	}
	limited := &io.LimitedReader{R: body, N: maxPush + 1}
	records, err := read(r, sub, limited)
	if limited.N <= 0 {
		return entry.Result{}, &pushError{http.StatusRequestEntityTooLarge, "the body must not exceed 16 MiB"}
	}
	if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
		return entry.Result{}, &pushError{http.StatusRequestEntityTooLarge, "the body must not exceed 16 MiB"}
	}
	if err != nil {
		return entry.Result{}, err
	}
	if len(records) == 0 {
		return entry.Result{}, nil
	}
	from := r.RemoteAddr
	if address, err := netip.ParseAddrPort(from); err == nil {
		from = address.Addr().Unmap().String()
	}
	for i := range records {
		finish(&records[i], &loggingv1.Location{}, sub, from)
	}
	if !sub.limit.take(m.opts.Now(), records) {
		return entry.Result{}, &pushError{http.StatusTooManyRequests, "the quota of the submission is used up"}
	}
	return m.entries.Append(r.Context(), records, nil)
}

// sender finds the submission by the token, and checks the address.
func (m *Module) sender(r *http.Request) (*submission, error) {
	token := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	m.mu.RLock()
	sub := m.tokens[sha256.Sum256([]byte(token))]
	m.mu.RUnlock()
	if sub == nil || !sub.public.GetEnabled() {
		return nil, &pushError{http.StatusUnauthorized, "the header Authorization must hold the token of a submission"}
	}
	from, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil || !sub.accepts(from.Addr()) {
		return nil, &pushError{http.StatusForbidden, "this address may not send"}
	}
	return sub, nil
}

func (m *Module) readLines(r *http.Request, sub *submission, body io.Reader) ([]entry.Record, error) {
	first := r.Header.Get("X-Record-Id")
	if len(first) > 96 {
		return nil, &pushError{http.StatusBadRequest, "X-Record-Id must not exceed 96 characters"}
	}
	var records []entry.Record
	joiner := format.NewJoiner(sub.joining)
	add := func(line []byte) {
		if len(line) == 0 {
			return
		}
		record := sub.rules.Read(line)
		if first != "" && record.RecordID == "" {
			record.RecordID = first + "#" + strconv.Itoa(len(records))
		}
		records = append(records, record)
	}
	reader := bufio.NewReaderSize(body, 64<<10)
	for {
		line, err := reader.ReadBytes('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, unreadable(err)
		}
		if len(line) > 0 {
			joiner.Add([]byte(strings.TrimRight(string(line), "\r\n")), 0, add)
		}
		if err != nil {
			break
		}
	}
	joiner.Flush(add)
	return records, nil
}

// unreadable keeps the error of a body that is too large, which is told apart later.
func unreadable(err error) error {
	if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
		return err
	}
	return &pushError{http.StatusBadRequest, "the body cannot be read"}
}

func readOTLP(r *http.Request, _ *submission, body io.Reader) ([]entry.Record, error) {
	raw, err := io.ReadAll(body)
	if err != nil {
		return nil, unreadable(err)
	}
	var request collogspb.ExportLogsServiceRequest
	switch kind, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";"); kind {
	case "application/x-protobuf":
		err = proto.Unmarshal(raw, &request)
	case "application/json":
		err = protojson.UnmarshalOptions{DiscardUnknown: true}.Unmarshal(raw, &request)
	default:
		return nil, &pushError{http.StatusUnsupportedMediaType, "Content-Type must be application/x-protobuf or application/json"}
	}
	if err != nil {
		return nil, &pushError{http.StatusBadRequest, "the body is no ExportLogsServiceRequest"}
	}
	var records []entry.Record
	for _, resource := range request.GetResourceLogs() {
		for _, scope := range resource.GetScopeLogs() {
			for _, l := range scope.GetLogRecords() {
				record := entry.Record{Message: otlpText(l.GetBody()), Level: otlpLevel(int32(l.GetSeverityNumber())), Attributes: map[string]string{}}
				at := l.GetTimeUnixNano()
				if at == 0 {
					at = l.GetObservedTimeUnixNano()
				}
				if at > 0 && at < 1<<63 {
					record.At = time.Unix(0, int64(at)).UTC()
				}
				for _, list := range [][]*commonpb.KeyValue{resource.GetResource().GetAttributes(), l.GetAttributes()} {
					for _, kv := range list {
						otlpAttribute(&record, kv.GetKey(), otlpText(kv.GetValue()))
					}
				}
				if len(l.GetTraceId()) == 16 && record.RequestID == "" {
					record.RequestID = fmt.Sprintf("%x", l.GetTraceId())
				}
				records = append(records, record)
			}
		}
	}
	return records, nil
}

// otlpAttribute puts the members that OpenTelemetry's conventions name where they
// belong.
func otlpAttribute(record *entry.Record, name, value string) {
	switch {
	case name == "service.name" && len(value) <= 128:
		record.ProcessName = value
	case name == "process.pid" && len(value) <= 32:
		record.ProcessID = value
	case (name == "resource_id" || name == "cloud.resource_id") && len(value) <= 512:
		record.ResourceID = value
	case name == "request_id" && len(value) <= 64:
		record.RequestID = value
	case len(record.Attributes) < 64 && len(name) <= 128:
		record.Attributes[name] = value
	}
}

// otlpLevel maps a SeverityNumber (1..24, four for each level).
func otlpLevel(number int32) entry.Level {
	if number < 1 || number > 24 {
		return entry.Unknown
	}
	return entry.Trace + entry.Level((number-1)/4)
}

func otlpText(v *commonpb.AnyValue) string {
	switch value := v.GetValue().(type) {
	case *commonpb.AnyValue_StringValue:
		return value.StringValue
	case *commonpb.AnyValue_BoolValue:
		return strconv.FormatBool(value.BoolValue)
	case *commonpb.AnyValue_IntValue:
		return strconv.FormatInt(value.IntValue, 10)
	case *commonpb.AnyValue_DoubleValue:
		return strconv.FormatFloat(value.DoubleValue, 'g', -1, 64)
	case *commonpb.AnyValue_ArrayValue:
		out := make([]string, 0, len(value.ArrayValue.GetValues()))
		for _, item := range value.ArrayValue.GetValues() {
			out = append(out, otlpText(item))
		}
		return asJSON(out)
	case *commonpb.AnyValue_KvlistValue:
		out := map[string]string{}
		for _, kv := range value.KvlistValue.GetValues() {
			out[kv.GetKey()] = otlpText(kv.GetValue())
		}
		return asJSON(out)
	case *commonpb.AnyValue_BytesValue:
		return fmt.Sprintf("%x", value.BytesValue)
	default:
		return ""
	}
}

func asJSON(value any) string {
	text, err := json.Marshal(value)
	if err != nil { // strings can always be marshalled
		return ""
	}
	return string(text)
}
