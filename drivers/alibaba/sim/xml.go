package sim

import (
	"bytes"
	"encoding/xml"
	"maps"
	"slices"
)

// encodeXML is the answer to a request that does not ask for JSON: members become
// elements, a list becomes its element once per item.
func encodeXML(action string, answer obj) []byte {
	root := action + "Response"
	if answer["HostId"] != nil {
		root = "Error"
	}
	var b bytes.Buffer
	b.WriteString(xml.Header)
	element(&b, root, answer)
	return b.Bytes()
}

func element(b *bytes.Buffer, name string, v any) {
	switch v := v.(type) {
	case []any:
		elements(b, name, v)
		return
	case []obj:
		elements(b, name, v)
		return
	case []string:
		elements(b, name, v)
		return
	}
	b.WriteString("<" + name + ">")
	if members, ok := v.(obj); ok {
		for _, member := range slices.Sorted(maps.Keys(members)) {
			element(b, member, members[member])
		}
	} else {
		_ = xml.EscapeText(b, []byte(text(v))) // a Buffer takes everything
	}
	b.WriteString("</" + name + ">")
}

func elements[T any](b *bytes.Buffer, name string, items []T) {
	for _, item := range items {
		element(b, name, item)
	}
}
