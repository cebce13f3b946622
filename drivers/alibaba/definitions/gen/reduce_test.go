package main

import (
	"compress/gzip"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/yunqiao/yunqiao/drivers/alibaba/definitions"
)

const published = `{"product": "Ecs", "version": "2014-05-26",
"components": {"Tag": {"type": "object", "properties": {"Key": {"type": "string"}, "Inner": {"$ref": "#/components/schemas/Tag"}}}},
"actions": {"ListThings": {"title": "prose", "schemes": ["https"], "operationType": "list",
  "parameters": [
    {"name": "RegionId", "in": "query", "type": "string", "required": true, "description": "prose"},
    {"name": "Size", "in": "formData", "type": "integer", "format": "int32", "minimum": "1", "maximum": "100", "enum": [10, 20]},
    {"name": "Tag", "in": "query", "style": "repeatList", "type": "array", "maxItems": 20, "items": {"$ref": "#/components/schemas/Tag"}}],
  "response": {"type": "object", "properties": {"RequestId": {"type": "string", "example": "x"}, "Free": {"type": "object", "additionalProperties": {"type": "string"}}}},
  "errors": {"404": [["Thing.NotFound", "prose"], ["Twice", "prose"]], "400": [["Twice", "prose"], ["Bad.%s", "prose"]]}}}}`

// reduced reads an output back.
func reduced(t *testing.T, name string) definitions.Product {
	t.Helper()
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }() // only read
	text, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	var got definitions.Product
	if err := json.NewDecoder(text).Decode(&got); err != nil {
		t.Fatal(err)
	}
	return got
}

func TestReduce(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	in := filepath.Join(folder, "ecs.json")
	if err := os.WriteFile(in, []byte(published), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := run(folder, []string{in}); err != nil {
		t.Fatal(err)
	}
	got := reduced(t, in+".gz")
	one, hundred := 1.0, 100.0
	tag := &definitions.Schema{Type: "object", Properties: map[string]*definitions.Schema{"Key": {Type: "string"}, "Inner": {Type: "any"}}}
	want := definitions.Product{Name: "Ecs", Version: "2014-05-26", Actions: map[string]*definitions.Action{"ListThings": {
		Reads: true, HTTPSOnly: true,
		Parameters: []*definitions.Parameter{
			{Name: "RegionId", Schema: definitions.Schema{Type: "string", Required: true}},
			{Name: "Size", Form: true, Schema: definitions.Schema{Type: "integer", Format: "int32", Min: &one, Max: &hundred, Enum: []string{"10", "20"}}},
			{Name: "Tag", Style: "repeatList", Schema: definitions.Schema{Type: "array", MaxItems: 20, Items: tag}},
		},
		Response: &definitions.Schema{Type: "object", Properties: map[string]*definitions.Schema{
			"RequestId": {Type: "string"}, "Free": {Type: "object", Additional: &definitions.Schema{Type: "string"}},
		}},
		Errors: map[string]int{"Thing.NotFound": 404, "Twice": 400},
	}}}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(definitions.Action{})); diff != "" {
		t.Error(diff)
	}
}

// TestSupplement adds an action and a member of an answer to what is published, in the
// first file's name.
func TestSupplement(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(folder, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	first := file("ecs.json", published)
	more := file("more.json", `{"product": "Ecs", "version": "2014-05-26", "actions": {
		"ListThings": {"response": {"type": "object", "properties": {"Colour": {"type": "string"}, "Free": {"type": "object", "properties": {"Left": {"type": "integer"}}}}}},
		"OldThings": {"operationType": "get", "response": {"type": "object"}}}}`)
	if err := run(folder, []string{first, more}); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(more + ".gz"); err == nil {
		t.Error("the second file has data of its own")
	}
	got := reduced(t, first+".gz")
	things := got.Actions["ListThings"].Response.Properties
	if got.Actions["OldThings"] == nil || things["Colour"] == nil || things["RequestId"] == nil || things["Free"].Properties["Left"] == nil {
		t.Errorf("actions are %+v", got.Actions)
	}
	for name, text := range map[string]string{
		"a parameter":  `{"version": "2014-05-26", "actions": {"ListThings": {"parameters": [{"name": "X"}]}}}`,
		"another type": `{"version": "2014-05-26", "actions": {"ListThings": {"response": {"type": "object", "properties": {"RequestId": {"type": "integer"}}}}}}`,
	} {
		if err := run(folder, []string{first, file("bad.json", text)}); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestBadInput(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	for name, text := range map[string]string{
		"no json":      `{`,
		"no component": `{"actions":{"A":{"response":{"$ref":"#/components/schemas/None"}}}}`,
		"no status":    `{"actions":{"A":{"errors":{"many":[["X","y"]]}}}}`,
	} {
		file := filepath.Join(folder, "bad.json")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := run(folder, []string{file}); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if err := run(folder, nil); err == nil {
		t.Error("no files: no error")
	}
}
