package openapi_test

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"
	"testing"

	"buf.build/go/protovalidate"
	"github.com/pb33f/libopenapi"
	"github.com/pb33f/libopenapi/datamodel"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"google.golang.org/protobuf/encoding/protojson"

	"github.com/yunqiao/yunqiao/internal/openapi"
	"github.com/yunqiao/yunqiao/plugin-proto/contract"
	"github.com/yunqiao/yunqiao/plugin-proto/gen"
)

func build(t *testing.T) []byte {
	t.Helper()
	files, err := openapi.ParseImage(gen.Descriptors)
	if err != nil {
		t.Fatal(err)
	}
	document, err := openapi.Build(files)
	if err != nil {
		t.Fatal(err)
	}
	return document
}

func TestGeneratedFilesAreCurrent(t *testing.T) {
	if !bytes.Equal(build(t), gen.OpenAPI) {
		t.Error("plugin-proto/gen/openapi.json differs from the descriptors: run make gen")
	}
	if !bytes.Equal(build(t), build(t)) {
		t.Error("two builds differ")
	}
}

func TestDocumentIsOpenAPI31(t *testing.T) {
	schema, err := jsonschema.UnmarshalJSON(strings.NewReader(datamodel.OpenAPI31SchemaData))
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource("oas31.json", schema); err != nil {
		t.Fatal(err)
	}
	compiled, err := compiler.Compile("oas31.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := compiled.Validate(parse(t)); err != nil {
		t.Errorf("the document breaks the schema of OpenAPI 3.1: %v", err)
	}
	document, err := libopenapi.NewDocument(gen.OpenAPI)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := document.BuildV3Model(); err != nil {
		t.Errorf("the document's references do not resolve: %v", err)
	}
}

// TestSamplesSatisfyTheirSchemas checks every example that stands beside a schema.
func TestSamplesSatisfyTheirSchemas(t *testing.T) {
	root := parse(t)
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat()
	if err := compiler.AddResource("openapi.json", root); err != nil {
		t.Fatal(err)
	}
	checked := 0
	check := func(pointer string, example any) {
		schema, err := compiler.Compile("openapi.json#" + pointer + "/schema")
		if err != nil {
			t.Errorf("%s: %v", pointer, err)
			return
		}
		checked++
		if err := schema.Validate(example); err != nil {
			t.Errorf("%s: %v", pointer, err)
		}
	}
	examples := member(root, "components", "examples")
	walk("", root, func(pointer string, node map[string]any) {
		if _, ok := node["schema"]; !ok {
			return
		}
		if example, ok := node["example"]; ok {
			check(pointer, example)
		}
		named, _ := node["examples"].(map[string]any)
		for name := range named {
			check(pointer, member(examples, name, "value"))
		}
	})
	if checked < 100 {
		t.Errorf("checked only %d samples", checked)
	}
}

// TestRequestSamplesAreValidMessages reads the samples as the gateway would.
func TestRequestSamplesAreValidMessages(t *testing.T) {
	c, err := contract.Linked()
	if err != nil {
		t.Fatal(err)
	}
	root := parse(t)
	for _, method := range c.Methods {
		route := method.Routes[0]
		operation := member(root, "paths", route.Pattern, strings.ToLower(route.Method))
		sample := member(operation, "requestBody", "content", "application/json", "example")
		if !method.IsWrite() {
			sample = queryOf(operation)
		}
		raw, err := json.Marshal(sample)
		if err != nil {
			t.Fatal(err)
		}
		message := method.Input.New().Interface()
		if err := protojson.Unmarshal(raw, message); err != nil {
			t.Errorf("%s: %s: %v", method.FullName, raw, err)
			continue
		}
		if err := protovalidate.Validate(message); err != nil {
			t.Errorf("%s: %s: %v", method.FullName, raw, err)
		}
	}
}

func TestOperationIDsAreUnique(t *testing.T) {
	seen := map[string]string{}
	paths, _ := member(parse(t), "paths").(map[string]any)
	for path, item := range paths {
		verbs, _ := item.(map[string]any)
		for verb, operation := range verbs {
			id, _ := member(operation, "operationId").(string)
			if other, ok := seen[id]; ok || id == "" {
				t.Errorf("operationId %q of %s %s is that of %s", id, verb, path, other)
			}
			seen[id] = verb + " " + path
		}
	}
}

func TestErrorTableHasAReasonPerRow(t *testing.T) {
	table := string(openapi.ErrorTable())
	for _, want := range []string{
		"| 40402 | 404 | `NOT_FOUND` | 资源不存在 | The resource does not exist |  |  |",
		"| 42901 | 429 | `RATE_LIMITED` | 请求过于频繁 | Too many requests | yes |  |",
		"| 50403 | 504 | `OPERATION_TIMED_OUT` | 操作超时 | The operation took too long |  | yes |",
	} {
		if !strings.Contains(table, want) {
			t.Errorf("the table lacks the row %s", want)
		}
	}
}

func parse(t *testing.T) any {
	t.Helper()
	root, err := jsonschema.UnmarshalJSON(bytes.NewReader(gen.OpenAPI))
	if err != nil {
		t.Fatal(err)
	}
	return root
}

// member follows names into nested objects; nil where there is none.
func member(node any, names ...string) any {
	for _, name := range names {
		object, _ := node.(map[string]any)
		node = object[name]
	}
	return node
}

// queryOf gathers the examples of the query parameters.
func queryOf(operation any) map[string]any {
	query := map[string]any{}
	parameters, _ := member(operation, "parameters").([]any)
	for _, parameter := range parameters {
		if example := member(parameter, "example"); example != nil && member(parameter, "in") == "query" {
			name, _ := member(parameter, "name").(string)
			query[name] = example
		}
	}
	return query
}

// walk visits every object with its JSON pointer, but not the samples themselves.
func walk(pointer string, node any, visit func(pointer string, node map[string]any)) {
	switch node := node.(type) {
	case map[string]any:
		visit(pointer, node)
		for name, child := range node {
			if name != "example" && name != "examples" {
				walk(pointer+"/"+strings.NewReplacer("~", "~0", "/", "~1", "{", "%7B", "}", "%7D").Replace(name), child, visit)
			}
		}
	case []any:
		for i, child := range node {
			walk(pointer+"/"+strconv.Itoa(i), child, visit)
		}
	}
}
