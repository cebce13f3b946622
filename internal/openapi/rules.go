package openapi

import (
	validate "buf.build/gen/go/bufbuild/protovalidate/protocolbuffers/go/buf/validate"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// fieldRules reads the validation rules of a field; never nil.
func fieldRules(field protoreflect.FieldDescriptor) *validate.FieldRules {
	if rules, ok := proto.GetExtension(field.Options(), validate.E_Field).(*validate.FieldRules); ok && rules != nil {
		return rules
	}
	return &validate.FieldRules{}
}

// messageRules reads the validation rules of a message; never nil.
func messageRules(message protoreflect.MessageDescriptor) *validate.MessageRules {
	if rules, ok := proto.GetExtension(message.Options(), validate.E_Message).(*validate.MessageRules); ok && rules != nil {
		return rules
	}
	return &validate.MessageRules{}
}

// ruleTexts are the rules that JSON Schema has no word for, in words.
func ruleTexts(rules []*validate.Rule) []string {
	var texts []string
	for _, rule := range rules {
		if text := rule.GetMessage(); text != "" {
			texts = append(texts, text)
		} else {
			texts = append(texts, rule.GetExpression())
		}
	}
	return texts
}

// applyScalar adds to a schema what the rules say about one value.
func applyScalar(schema *object, rules *validate.FieldRules) {
	applyString(schema, rules.GetString())
	applyInt32(schema, rules.GetInt32())
	applyDouble(schema, rules.GetDouble())
	if limit := rules.GetBytes(); limit.HasMaxLen() {
		schema.set("maxLength", (limit.GetMaxLen()+2)/3*4)
	}
	if texts := ruleTexts(rules.GetCel()); len(texts) > 0 {
		schema.set("x-rules", texts)
	}
}

func applyString(schema *object, rules *validate.StringRules) {
	if rules == nil {
		return
	}
	if rules.HasConst() {
		schema.set("const", rules.GetConst())
	}
	if in := rules.GetIn(); len(in) > 0 {
		schema.set("enum", in)
	}
	if rules.HasLen() {
		schema.set("minLength", rules.GetLen()).set("maxLength", rules.GetLen())
	}
	if rules.HasMinLen() {
		schema.set("minLength", rules.GetMinLen())
	}
	if rules.HasMaxLen() {
		schema.set("maxLength", rules.GetMaxLen())
	}
	if rules.HasPattern() {
		schema.set("pattern", rules.GetPattern())
	}
	switch {
	case rules.GetEmail():
		schema.set("format", "email")
	case rules.GetHostname():
		schema.set("format", "hostname")
	case rules.GetIpv4():
		schema.set("format", "ipv4")
	case rules.GetIpv6():
		schema.set("format", "ipv6")
	case rules.GetUri():
		schema.set("format", "uri")
	case rules.GetUuid():
		schema.set("format", "uuid")
	}
}

func applyInt32(schema *object, rules *validate.Int32Rules) {
	if rules == nil {
		return
	}
	if rules.HasConst() {
		schema.set("const", rules.GetConst())
	}
	if in := rules.GetIn(); len(in) > 0 {
		schema.set("enum", in)
	}
	if rules.HasGte() {
		schema.set("minimum", rules.GetGte())
	}
	if rules.HasGt() {
		schema.set("exclusiveMinimum", rules.GetGt())
	}
	if rules.HasLte() {
		schema.set("maximum", rules.GetLte())
	}
	if rules.HasLt() {
		schema.set("exclusiveMaximum", rules.GetLt())
	}
}

func applyDouble(schema *object, rules *validate.DoubleRules) {
	if rules == nil {
		return
	}
	if rules.HasGte() {
		schema.set("minimum", rules.GetGte())
	}
	if rules.HasGt() {
		schema.set("exclusiveMinimum", rules.GetGt())
	}
	if rules.HasLte() {
		schema.set("maximum", rules.GetLte())
	}
	if rules.HasLt() {
		schema.set("exclusiveMaximum", rules.GetLt())
	}
}

func applyRepeated(schema *object, rules *validate.RepeatedRules) {
	if rules == nil {
		return
	}
	if rules.HasMinItems() {
		schema.set("minItems", rules.GetMinItems())
	}
	if rules.HasMaxItems() {
		schema.set("maxItems", rules.GetMaxItems())
	}
	if rules.GetUnique() {
		schema.set("uniqueItems", true)
	}
}

func applyMap(schema *object, rules *validate.MapRules) {
	if rules == nil {
		return
	}
	if rules.HasMinPairs() {
		schema.set("minProperties", rules.GetMinPairs())
	}
	if rules.HasMaxPairs() {
		schema.set("maxProperties", rules.GetMaxPairs())
	}
	if keys := rules.GetKeys(); keys != nil {
		names := obj("type", "string")
		applyScalar(names, keys)
		schema.set("propertyNames", names)
	}
}
