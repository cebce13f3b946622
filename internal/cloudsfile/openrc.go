package cloudsfile

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

var assignment = regexp.MustCompile(`^\s*(?:export\s+)?OS_([A-Z0-9_]+)=(.*)$`)

// FromOpenRC reads an openrc file. What the file asks its user for, such as the
// password, is taken from the environment, where the file would have put it.
func FromOpenRC(file string, getenv func(string) string, region string) (Entry, error) {
	f, err := os.Open(file)
	if err != nil {
		return Entry{}, err
	}
	defer f.Close()
	values := map[string]string{}
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		m := assignment.FindStringSubmatch(lines.Text())
		if m == nil {
			continue
		}
		name := strings.ToLower(m[1])
		value, literal := unquote(m[2])
		if !literal {
			if value = getenv("OS_" + m[1]); value == "" {
				return Entry{}, fmt.Errorf("%s works out OS_%s by itself: set that in the environment", file, m[1])
			}
		}
		values[keyOf(name)] = value
	}
	if err := lines.Err(); err != nil {
		return Entry{}, fmt.Errorf("read %s: %w", file, err)
	}
	if region != "" {
		values["region_name"] = region
	}
	e, err := entryOf(values, filepath.Dir(file))
	if err != nil {
		return Entry{}, fmt.Errorf("%s: %w", file, err)
	}
	return e, nil
}

// keyOf is the key of clouds.yaml that a variable stands for.
func keyOf(variable string) string {
	if variable == "endpoint_type" {
		return "interface"
	}
	return variable
}

// unquote reads a shell word; literal is false where the shell would have to work
// something out.
func unquote(word string) (value string, literal bool) {
	word = strings.TrimSpace(word)
	if quoted, ok := strings.CutPrefix(word, "'"); ok {
		value, _, ok = strings.Cut(quoted, "'")
		return value, ok
	}
	if quoted, ok := strings.CutPrefix(word, `"`); ok {
		if value, _, ok = strings.Cut(quoted, `"`); !ok {
			return "", false
		}
		return value, !strings.ContainsAny(value, "$`\\")
	}
	value, _, _ = strings.Cut(word, " ")
	value, _, _ = strings.Cut(value, ";")
	return value, !strings.ContainsAny(value, "$`\\")
}
