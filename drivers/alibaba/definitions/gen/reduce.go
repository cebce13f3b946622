package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/yunqiao/yunqiao/drivers/alibaba/definitions"
)

// product is a file of published metadata.
type product struct {
	file string

	Product    string             `json:"product"`
	Version    string             `json:"version"`
	Components map[string]*schema `json:"components"`
	Actions    map[string]*action `json:"actions"`
}

type action struct {
	Schemes       []string              `json:"schemes"`
	OperationType string                `json:"operationType"`
	Parameters    []*schema             `json:"parameters"`
	Response      *schema               `json:"response"`
	Errors        map[string][][]string `json:"errors"`
}

// schema is a parameter or a value. Limits are numbers or text.
type schema struct {
	Name       string             `json:"name"`
	In         string             `json:"in"`
	Style      string             `json:"style"`
	Ref        string             `json:"$ref"`
	Type       string             `json:"type"`
	Format     string             `json:"format"`
	Required   any                `json:"required"` // a list in some schemas
	Enum       []any              `json:"enum"`
	Minimum    any                `json:"minimum"`
	Maximum    any                `json:"maximum"`
	MaxItems   any                `json:"maxItems"`
	MaxLength  any                `json:"maxLength"`
	Items      *schema            `json:"items"`
	Properties map[string]*schema `json:"properties"`
	Additional json.RawMessage    `json:"additionalProperties"`
}

func (p *product) reduce() (*definitions.Product, error) {
	out := &definitions.Product{Name: p.Product, Version: p.Version, Actions: map[string]*definitions.Action{}}
	for name, a := range p.Actions {
		reduced := &definitions.Action{
			Reads:     a.OperationType == "get" || a.OperationType == "list" || a.OperationType == "read",
			HTTPSOnly: len(a.Schemes) == 1 && a.Schemes[0] == "https",
		}
		for _, q := range a.Parameters {
			s, err := p.schema(q, nil)
			if err != nil {
				return nil, fmt.Errorf("%s.%s: %w", name, q.Name, err)
			}
			reduced.Parameters = append(reduced.Parameters,
				&definitions.Parameter{Name: q.Name, Form: q.In == "formData", Style: q.Style, Schema: *s})
		}
		if a.Response != nil {
			s, err := p.schema(a.Response, nil)
			if err != nil {
				return nil, fmt.Errorf("%s: response: %w", name, err)
			}
			reduced.Response = s
		}
		codes, err := reduceErrors(a.Errors)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		reduced.Errors = codes
		out.Actions[name] = reduced
	}
	return out, nil
}

func reduceErrors(in map[string][][]string) (map[string]int, error) {
	out := map[string]int{}
	for text, codes := range in {
		status, err := strconv.Atoi(text)
		if err != nil {
			return nil, fmt.Errorf("status of errors: %w", err)
		}
		for _, code := range codes {
			if len(code) > 0 && !strings.ContainsAny(code[0], " %") {
				// A code published with two statuses keeps the lower one.
				if known, ok := out[code[0]]; !ok || status < known {
					out[code[0]] = status
				}
			}
		}
	}
	return out, nil
}

// schema reduces a schema; inside names the components that it is within, and a
// component within itself becomes "any".
func (p *product) schema(in *schema, inside []string) (*definitions.Schema, error) {
	if in.Ref != "" {
		name := in.Ref[strings.LastIndexByte(in.Ref, '/')+1:]
		target := p.Components[name]
		if target == nil {
			return nil, fmt.Errorf("no component %q", name)
		}
		if slices.Contains(inside, name) {
			return &definitions.Schema{Type: "any"}, nil
		}
		return p.schema(target, append(inside, name))
	}
	required, _ := in.Required.(bool)
	out := &definitions.Schema{
		Type: in.Type, Format: in.Format, Required: required,
		Min: number(in.Minimum), Max: number(in.Maximum), MaxItems: count(in.MaxItems), MaxLength: count(in.MaxLength),
	}
	for _, v := range in.Enum {
		out.Enum = append(out.Enum, fmt.Sprint(v))
	}
	var err error
	if in.Items != nil {
		if out.Items, err = p.schema(in.Items, inside); err != nil {
			return nil, err
		}
	}
	for name, member := range in.Properties {
		s, err := p.schema(member, inside)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		if out.Properties == nil {
			out.Properties = map[string]*definitions.Schema{}
		}
		out.Properties[name] = s
	}
	out.Additional, err = p.additional(in.Additional, inside)
	return out, err
}

func (p *product) additional(text json.RawMessage, inside []string) (*definitions.Schema, error) {
	switch string(text) {
	case "", "false", "null":
		return nil, nil
	case "true":
		return &definitions.Schema{Type: "any"}, nil
	}
	var in schema
	if err := json.Unmarshal(text, &in); err != nil {
		return nil, err
	}
	return p.schema(&in, inside)
}

func number(v any) *float64 {
	f, err := strconv.ParseFloat(fmt.Sprint(v), 64)
	if err != nil {
		return nil
	}
	return &f
}

func count(v any) int {
	f := number(v)
	if f == nil {
		return 0
	}
	return int(*f)
}
