package forward

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	collogspb "go.opentelemetry.io/proto/otlp/collector/logs/v1"
	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	logspb "go.opentelemetry.io/proto/otlp/logs/v1"
	resourcepb "go.opentelemetry.io/proto/otlp/resource/v1"
	"google.golang.org/protobuf/proto"

	"github.com/yunqiao/yunqiao/logging/entry"
)

// Request is what is to be posted.
type Request struct {
	Path        string // after the base address
	ContentType string
	Body        []byte
}

// levelName is a level as other stores spell it; unknown ones are empty.
func levelName(level entry.Level) string {
	return map[entry.Level]string{
		entry.Trace: "trace", entry.Debug: "debug", entry.Info: "info", entry.Warn: "warn", entry.Error: "error", entry.Fatal: "fatal",
	}[level]
}

// fields are the members of an entry that are not empty, without message and time.
func fields(r *entry.Record) map[string]string {
	out := map[string]string{}
	for name, value := range r.Attributes {
		out["attributes."+name] = value
	}
	maps.Copy(out, map[string]string{
		"id": entry.ID(r.Key), "tenant_id": r.TenantID, "resource_id": r.ResourceID, "process_name": r.ProcessName, "process_id": r.ProcessID,
		"level": levelName(r.Level), "request_id": r.RequestID, "source": r.Source, "submission_id": r.SubmissionID, "location_id": r.LocationID,
	})
	maps.DeleteFunc(out, func(_, value string) bool { return value == "" })
	return out
}

// VictoriaLogs writes JSON lines; organization, process and resource make the stream.
func VictoriaLogs(records []entry.Record) (Request, error) {
	var body bytes.Buffer
	encoder := json.NewEncoder(&body)
	encoder.SetEscapeHTML(false)
	for i := range records {
		line := fields(&records[i])
		line["_msg"], line["_time"] = records[i].Message, records[i].At.UTC().Format(time.RFC3339Nano)
		if err := encoder.Encode(line); err != nil {
			return Request{}, fmt.Errorf("write entry %s: %w", entry.ID(records[i].Key), err)
		}
	}
	return Request{"/insert/jsonline?_stream_fields=tenant_id,process_name,resource_id", "application/stream+json", body.Bytes()}, nil
}

// Loki writes one stream for each organization, process and level. A line is the entry
// as JSON, which "| json" reads: older versions know no further members.
func Loki(records []entry.Record) (Request, error) {
	type stream struct {
		Stream map[string]string `json:"stream"`
		Values [][2]string       `json:"values"`
	}
	var streams []*stream
	byLabels := map[string]*stream{}
	for i := range records {
		r := &records[i]
		line := fields(r)
		labels := map[string]string{"job": "yunqiao"}
		for _, name := range []string{"tenant_id", "process_name", "level"} {
			if line[name] != "" {
				labels[name] = line[name]
			}
		}
		key := r.TenantID + "\x00" + r.ProcessName + "\x00" + labels["level"]
		s := byLabels[key]
		if s == nil {
			s = &stream{Stream: labels}
			byLabels[key] = s
			streams = append(streams, s)
		}
		line["message"] = r.Message
		text, err := json.Marshal(line)
		if err != nil {
			return Request{}, fmt.Errorf("write entry %s: %w", entry.ID(r.Key), err)
		}
		s.Values = append(s.Values, [2]string{strconv.FormatInt(r.At.UnixNano(), 10), string(text)})
	}
	body, err := json.Marshal(map[string]any{"streams": streams})
	return Request{"/loki/api/v1/push", "application/json", body}, err
}

// severity is the SeverityNumber of a level: the first of its four.
func severity(level entry.Level) logspb.SeverityNumber {
	if level < entry.Trace {
		return logspb.SeverityNumber_SEVERITY_NUMBER_UNSPECIFIED
	}
	return logspb.SeverityNumber(4*(level-entry.Trace) + 1)
}

// OTLP writes an ExportLogsServiceRequest; process and resource are attributes by the
// conventions of OpenTelemetry.
func OTLP(records []entry.Record) (Request, error) {
	var all []*logspb.ResourceLogs
	byResource := map[string]*logspb.ScopeLogs{}
	for i := range records {
		r := &records[i]
		key := r.TenantID + "\x00" + r.ProcessName + "\x00" + r.ProcessID + "\x00" + r.ResourceID
		logs := byResource[key]
		if logs == nil {
			logs = &logspb.ScopeLogs{Scope: &commonpb.InstrumentationScope{Name: "yunqiao"}}
			byResource[key] = logs
			all = append(all, &logspb.ResourceLogs{ScopeLogs: []*logspb.ScopeLogs{logs}, Resource: &resourcepb.Resource{Attributes: attributes(map[string]string{
				"service.name": r.ProcessName, "process.pid": r.ProcessID, "cloud.resource_id": r.ResourceID, "tenant_id": r.TenantID,
			})}})
		}
		own := fields(r)
		maps.DeleteFunc(own, func(name, _ string) bool {
			return slices.Contains([]string{"tenant_id", "resource_id", "process_name", "process_id", "level"}, name)
		})
		logs.LogRecords = append(logs.LogRecords, &logspb.LogRecord{
			TimeUnixNano: uint64(r.At.UnixNano()), ObservedTimeUnixNano: uint64(r.ReceivedAt.UnixNano()), //nolint:gosec // after 1970
			SeverityNumber: severity(r.Level), SeverityText: strings.ToUpper(levelName(r.Level)),
			Body: text(r.Message), Attributes: attributes(own),
		})
	}
	body, err := proto.Marshal(&collogspb.ExportLogsServiceRequest{ResourceLogs: all})
	return Request{"/v1/logs", "application/x-protobuf", body}, err
}

func text(s string) *commonpb.AnyValue {
	return &commonpb.AnyValue{Value: &commonpb.AnyValue_StringValue{StringValue: strings.ToValidUTF8(s, "\ufffd")}}
}

func attributes(members map[string]string) []*commonpb.KeyValue {
	var out []*commonpb.KeyValue
	for _, name := range slices.Sorted(maps.Keys(members)) {
		if members[name] != "" {
			out = append(out, &commonpb.KeyValue{Key: strings.TrimPrefix(name, "attributes."), Value: text(members[name])})
		}
	}
	return out
}
