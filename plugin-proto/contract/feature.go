package contract

import (
	"regexp"
	"sync"

	"google.golang.org/protobuf/reflect/protoreflect"
)

var patterns sync.Map // string -> *regexp.Regexp

// FeaturesNeeded lists the features that an account must have for what a message has in
// a field; none for a field that is not set. Patterns do not look into lists and maps:
// there a feature is needed for any value.
func FeaturesNeeded(m protoreflect.Message, f protoreflect.FieldDescriptor) []string {
	if !m.Has(f) {
		return nil
	}
	var needed []string
	rule := FieldRule(f)
	if rule.GetFeature() != "" && concerns(rule.GetFeaturePattern(), f, m.Get(f)) {
		needed = append(needed, rule.GetFeature())
	}
	for _, some := range rule.GetValueFeatures() {
		if concerns(some.GetPattern(), f, m.Get(f)) {
			needed = append(needed, some.GetFeature())
		}
	}
	return needed
}

func concerns(pattern string, f protoreflect.FieldDescriptor, v protoreflect.Value) bool {
	if pattern == "" || f.IsList() || f.IsMap() {
		return true
	}
	compiled, ok := patterns.Load(pattern)
	if !ok {
		compiled, _ = patterns.LoadOrStore(pattern, regexp.MustCompile(pattern))
	}
	text := v.String()
	if f.Enum() != nil {
		if value := f.Enum().Values().ByNumber(v.Enum()); value != nil {
			text = string(value.Name())
		}
	}
	return compiled.(*regexp.Regexp).MatchString(text)
}
