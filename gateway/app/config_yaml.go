package app

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// decodeYAML reads the one document of text into c, strictly. Its errors name the
// line and the key but never a value: it may be a secret in the wrong place.
func decodeYAML(text []byte, c *Config) error {
	decoder := yaml.NewDecoder(bytes.NewReader(text), yaml.Strict())
	decoded := *c // an empty text would clear what it is decoded into
	if err := decoder.Decode(&decoded); errors.Is(err, io.EOF) {
		return nil
	} else if err != nil {
		return explain(text, err)
	}
	*c = decoded
	if err := decoder.Decode(&Config{}); !errors.Is(err, io.EOF) {
		return errors.New("holds more than one document")
	}
	return nil
}

func explain(text []byte, err error) error {
	told, ok := errors.AsType[yaml.Error](err)
	if !ok || told.GetToken() == nil {
		return errors.New("is not readable as YAML")
	}
	position := told.GetToken().Position
	where := fmt.Sprintf("line %d", position.Line)
	if key := keyAt(text, position); key != "" {
		where += ", " + key
	}
	return fmt.Errorf("%s: %s", where, problem(told))
}

// problem words what is wrong without Go's types.
func problem(err error) string {
	if mismatch, ok := errors.AsType[*yaml.TypeError](err); ok {
		switch mismatch.DstType.Kind() {
		case reflect.Int, reflect.Int64:
			return "must be a whole number"
		case reflect.String:
			return "must be text"
		default:
			return "has the wrong type"
		}
	}
	if _, ok := errors.AsType[*yaml.OverflowError](err); ok {
		return "is too large a number"
	}
	if _, ok := errors.AsType[*yaml.UnknownFieldError](err); ok {
		return "there is no such key"
	}
	var told yaml.Error
	errors.As(err, &told) // every error that comes here is one
	return told.GetMessage()
}

// keyAt is the path of what stands at a position: "accounts[0].driver". It is
// empty where the text is too broken to tell.
func keyAt(text []byte, at *token.Position) string {
	file, err := parser.ParseBytes(text, 0)
	if err != nil {
		return ""
	}
	finder := &keyFinder{at: at}
	for _, document := range file.Docs {
		ast.Walk(finder, document)
	}
	return strings.TrimPrefix(strings.TrimPrefix(finder.path, "$"), ".")
}

// keyFinder keeps the path of the innermost node at a position.
type keyFinder struct {
	at   *token.Position
	path string
}

// Visit implements ast.Visitor.
func (f *keyFinder) Visit(node ast.Node) ast.Visitor {
	if t := node.GetToken(); t != nil && t.Position.Line == f.at.Line && t.Position.Column == f.at.Column {
		f.path = node.GetPath()
	}
	return f
}

// Duration is a time such as "30s". A text that is none is kept, so that it is
// reported with everything else that is wrong.
type Duration struct {
	time.Duration
	text string
}

func seconds(n int) Duration { return Duration{Duration: time.Duration(n) * time.Second} }

// UnmarshalYAML implements yaml.BytesUnmarshaler.
func (d *Duration) UnmarshalYAML(text []byte) error {
	d.text = strings.Trim(strings.TrimSpace(string(text)), `"'`)
	d.Duration, _ = time.ParseDuration(d.text) // what is none is 0, which validate refuses
	return nil
}
