package programs

import (
	"encoding/hex"
	"hash/fnv"
	"strconv"
	"strings"

	"github.com/yunqiao/yunqiao/programs/gyt345"
)

// longKept is how many bytes of a long text or an address a search can see the
// beginning of; all of it counts where the whole value is asked for.
const longKept = 256

// isLong tells whether a field holds long texts or addresses, which are searched only
// by their name.
func isLong(name string) bool {
	switch name {
	case "summary", "description", "vImageUrl", "hImageUrl", "thumbnail", "bigThumbnail", "playInfos.playUrl":
		return true
	}
	return false
}

// searchTexts are all texts of a record as "\n<field>\t<value>" in lower case with a
// last line feed, so that one comparison finds a field's value or its beginning: those
// that every search looks at, and the long ones. The status is the record's, which
// offline messages change without new metadata.
func searchTexts(data gyt345.Value, status string) (text, long string) {
	var short, rest strings.Builder
	add := func(name string, v gyt345.Value) {
		switch s := foldText(v.Scalar()); {
		case s == "":
		case isLong(name):
			rest.WriteString("\n" + name + "\t" + cutLong(s))
		default:
			short.WriteString("\n" + name + "\t" + s)
		}
	}
	for _, m := range data.Members {
		if m.Name == "status" {
			m.Value.Text = status
		}
		if m.Value.Kind == gyt345.Object {
			addMembers(add, m.Name, m.Value)
		}
		add(m.Name, m.Value)
		for _, item := range m.Value.Items {
			add(m.Name, item)
			addMembers(add, m.Name, item)
		}
	}
	return short.String() + "\n", rest.String() + "\n"
}

func addMembers(add func(string, gyt345.Value), name string, v gyt345.Value) {
	for _, inner := range v.Members {
		add(name+"."+inner.Name, inner.Value)
	}
}

// cutLong keeps the beginning of a long text, and a sum of it all that tells it from
// others that begin alike.
func cutLong(s string) string {
	if len(s) <= longKept {
		return s
	}
	h := fnv.New128a()
	h.Write([]byte(s))
	return s[:longKept] + "\t" + hex.EncodeToString(h.Sum(nil))
}

// condition adds what "field=value" asks for, where a last * stands for any end.
func (q *query) condition(text string) error {
	field, value, _ := strings.Cut(text, "=")
	value = foldText(value)
	begin, open := strings.CutSuffix(value, "*")
	long := isLong(field)
	if long && open && len(begin) > longKept {
		return invalid("fields", "only the first "+strconv.Itoa(longKept)+" bytes of "+field+" are searched by a beginning")
	}
	if long && !open {
		value = cutLong(value)
	}
	p := part{value, "\n" + field + "\t" + value + "\n"}
	if open {
		p = part{begin, "\n" + field + "\t" + begin}
	}
	if long {
		q.longs = append(q.longs, p)
	} else {
		q.texts = append(q.texts, p)
	}
	return nil
}

func foldText(s string) string {
	return strings.ToLower(strings.NewReplacer("\n", " ", "\t", " ").Replace(s))
}
