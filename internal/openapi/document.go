package openapi

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/yunqiao/yunqiao/plugin-proto/contract"
)

// writeOptionsName is the message whose members every write accepts.
const writeOptionsName = "cloud.api.v1.WriteOptions"

type builder struct {
	contract     *contract.Contract
	sampler      *sampler
	schemas      *schemas
	responses    map[string]any
	reasons      []reason
	writeOptions protoreflect.MessageDescriptor
}

// Build writes the OpenAPI 3.1 document of all public rpcs of the files, which
// must be those of one image with source info. It fails where two rpcs share a
// route or no sample satisfies the rules of a message.
func Build(files []protoreflect.FileDescriptor) ([]byte, error) {
	c, err := contract.New(files...)
	if err != nil {
		return nil, fmt.Errorf("read contract: %w", err)
	}
	sampler, err := newSampler(c)
	if err != nil {
		return nil, err
	}
	b := &builder{
		contract:  c,
		sampler:   sampler,
		schemas:   &schemas{sampler: sampler, components: map[string]any{}, answered: map[protoreflect.FullName]bool{}},
		responses: map[string]any{},
		reasons:   reasons(),
	}
	if b.writeOptions = findMessage(files, writeOptionsName); b.writeOptions == nil {
		return nil, fmt.Errorf("the files have no %s", writeOptionsName)
	}
	document, err := b.document()
	if err != nil {
		return nil, err
	}
	raw, err := marshal(document)
	if err != nil {
		return nil, fmt.Errorf("write document: %w", err)
	}
	var indented bytes.Buffer
	if err := json.Indent(&indented, raw, "", " "); err != nil {
		return nil, fmt.Errorf("write document: %w", err)
	}
	indented.WriteByte('\n')
	return indented.Bytes(), nil
}

func (b *builder) document() (*object, error) {
	for _, method := range b.contract.Methods {
		b.schemas.markAnswered(method.Descriptor.Output())
	}
	paths := map[string]any{}
	addRaw(paths)
	for _, method := range b.contract.Methods {
		if err := b.addMethod(method, paths); err != nil {
			return nil, err
		}
	}
	callbacks, err := b.callbacks()
	if err != nil {
		return nil, err
	}
	b.schemas.message(b.writeOptions)
	parameters := b.sharedParameters()
	b.schemas.components["Error"] = errorSchema(b.reasons)
	b.responses["Error"] = obj("description", "Any other error of the table.",
		"content", obj("application/json", obj("schema", refTo("schemas", "Error"), "examples", obj("INTERNAL", refTo("examples", "INTERNAL")))))
	return obj(
		"openapi", "3.1.1",
		"info", obj(
			"title", "云桥 Yunqiao API",
			"summary", "One cloud API over many clouds (GY/T 355-2021)",
			"description", "Every function has two routes: /{service}/v1/{resource}/{method} after annex A of the standard, and a REST form. "+
				"Answers are wrapped in {code, message, data, request_id}; members are in snake_case, times RFC 3339 UTC, units stand in names. "+
				"Ids of cloud resources are <account>.<native>. Writes answer when the cloud has given an id; the operation tells the end.",
			"license", obj("name", "Apache-2.0", "identifier", "Apache-2.0"),
			"version", "1.0.0"),
		"servers", []any{obj("url", "/")},
		"security", []any{obj("bearer", []string{})},
		"tags", b.tags(),
		"paths", paths,
		"components", obj(
			"schemas", b.schemas.components,
			"responses", b.responses,
			"parameters", parameters,
			"examples", errorExamples(b.reasons),
			"callbacks", callbacks,
			"securitySchemes", obj("bearer", obj("type", "http", "scheme", "bearer",
				"description", "Token in Authorization: Bearer <token>.")),
		)), nil
}

// tags are the services with what their comments say.
func (b *builder) tags() []any {
	comments := map[string]string{rawTag: "What the gateway answers itself."}
	for _, method := range b.contract.Methods {
		comments[tagName(method)] = Comment(method.Descriptor.Parent())
	}
	var tags []any
	for _, name := range sortedKeys(comments) {
		tag := obj("name", name)
		tag.setText("description", comments[name])
		tags = append(tags, tag)
	}
	return tags
}

func findMessage(files []protoreflect.FileDescriptor, name protoreflect.FullName) protoreflect.MessageDescriptor {
	for _, file := range files {
		if file.Package() == name.Parent() {
			if message := file.Messages().ByName(name.Name()); message != nil {
				return message
			}
		}
	}
	return nil
}

// inFieldOrder orders the members of a sample as the message declares them.
func inFieldOrder(members map[string]any, message protoreflect.MessageDescriptor) *object {
	ordered := obj()
	for i := range message.Fields().Len() {
		field := message.Fields().Get(i)
		value, ok := members[string(field.Name())]
		if !ok {
			continue
		}
		if nested := field.Message(); nested != nil && !field.IsMap() && !strings.HasPrefix(string(nested.FullName()), "google.") {
			value = nestedInFieldOrder(value, nested)
		}
		ordered.set(string(field.Name()), value)
	}
	return ordered
}

func nestedInFieldOrder(value any, message protoreflect.MessageDescriptor) any {
	switch value := value.(type) {
	case map[string]any:
		return inFieldOrder(value, message)
	case []any:
		items := make([]any, len(value))
		for i, item := range value {
			items[i] = nestedInFieldOrder(item, message)
		}
		return items
	default:
		return value
	}
}

func decodeObject(raw []byte) (map[string]any, error) {
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	var members map[string]any
	if err := decoder.Decode(&members); err != nil {
		return nil, fmt.Errorf("decode sample: %w", err)
	}
	return members, nil
}

func sortedKeys[K cmp.Ordered, V any](m map[K]V) []K { return slices.Sorted(maps.Keys(m)) }
