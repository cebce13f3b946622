package balance

import "strings"

// FromProtoCodes maps the status codes of a health check: the cloud knows whole
// hundreds. "200", which is the contract's default, is read as all that begin with 2.
// False: the codes are no whole hundreds.
func FromProtoCodes(codes string) (classes []string, ok bool) {
	if codes == "" || codes == "200" {
		return []string{"http_2xx"}, true
	}
	for part := range strings.SplitSeq(codes, ",") {
		if len(part) != len("200-299") || part[1:5] != "00-"+part[0:1] || part[5:] != "99" || part[0] < '2' {
			return nil, false
		}
		classes = append(classes, "http_"+part[:1]+"xx")
	}
	return classes, true
}

// ToProtoCodes maps classes of status codes; others are left out.
func ToProtoCodes(classes []string) string {
	var out []string
	for _, class := range classes {
		if digit, ok := strings.CutPrefix(strings.TrimSuffix(class, "xx"), "http_"); ok {
			out = append(out, digit+"00-"+digit+"99")
		}
	}
	return strings.Join(out, ",")
}
