package monitor

import (
	"maps"
	"regexp"
	"strings"

	"github.com/yunqiao/yunqiao/monitor/notify"
	monitorv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/monitor/v1"
)

// matcher is one condition on a label.
type matcher struct {
	name, value string
	pattern     *regexp.Regexp
	not         bool
}

func (f matcher) matches(labels map[string]string) bool {
	found := labels[f.name] == f.value
	if f.pattern != nil {
		found = f.pattern.MatchString(labels[f.name])
	}
	return found != f.not
}

func matchAll(all []matcher, labels map[string]string) bool {
	for _, f := range all {
		if !f.matches(labels) {
			return false
		}
	}
	return true
}

// compile makes matchers; the index is that of the one that cannot be read, or -1.
func compile(in []*monitorv1.Matcher) (out []matcher, bad int) {
	for i, m := range in {
		f := matcher{name: m.GetName(), value: m.GetValue()}
		switch m.GetOperator() {
		case monitorv1.MatchOperator_MATCH_OPERATOR_NOT_EQUAL:
			f.not = true
		case monitorv1.MatchOperator_MATCH_OPERATOR_REGEX, monitorv1.MatchOperator_MATCH_OPERATOR_NOT_REGEX:
			pattern, err := wholeValue(f.value)
			if err != nil {
				return nil, i
			}
			f.pattern, f.not = pattern, m.GetOperator() == monitorv1.MatchOperator_MATCH_OPERATOR_NOT_REGEX
		default:
		}
		out = append(out, f)
	}
	return out, -1
}

func wholeValue(expression string) (*regexp.Regexp, error) {
	return regexp.Compile("^(?:" + expression + ")$")
}

// matcherForm is one filter of amtool: name="value", also !=, =~, !~. It is never
// changed.
var matcherForm = regexp.MustCompile(`^\s*"?([^"=!~\s]+)"?\s*(=~|!~|!=|=)\s*"?((?:[^"\\]|\\.)*)"?\s*$`)

func parseMatcher(text string) (matcher, bool) {
	parts := matcherForm.FindStringSubmatch(text)
	if parts == nil || len(text) > 1024 {
		return matcher{}, false
	}
	out := matcher{name: parts[1], value: strings.NewReplacer(`\"`, `"`, `\\`, `\`, `\n`, "\n").Replace(parts[3]), not: parts[2][0] == '!'}
	if strings.HasSuffix(parts[2], "~") {
		pattern, err := wholeValue(out.value)
		if err != nil {
			return matcher{}, false
		}
		out.pattern = pattern
	}
	return out, true
}

// fixedLabels are those that stay the same as long as an alarm lasts.
func fixedLabels(a *monitorv1.Alarm) map[string]string {
	labels := map[string]string{"object_id": a.GetObjectId(), "source": a.GetSource()}
	maps.Copy(labels, a.GetLabels())
	labels["alertname"] = a.GetName()
	return labels
}

// allLabels are those that a silence can match.
func allLabels(a *monitorv1.Alarm) map[string]string {
	labels := fixedLabels(a)
	if _, own := labels["severity"]; !own {
		labels["severity"] = notify.SeverityName(a.GetSeverity())
	}
	return labels
}
