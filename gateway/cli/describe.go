package cli

import (
	"fmt"
	"strings"
	"text/tabwriter"

	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	"github.com/yunqiao/yunqiao/internal/openapi"
	"github.com/yunqiao/yunqiao/plugin-proto/contract"
	"github.com/yunqiao/yunqiao/plugin-proto/gen"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
)

const valuesHelp = `Values: lists are separated by commas ("\,": a comma within an item); members of
messages, maps and lists are reached by dots (tags.env=prod, boot_disk.size_gib=20,
nics.0.subnet_id=ID); @FILE stands for what is in a file, @- for standard input.
Secrets are taken from @FILE, @- or env:NAME only.
`

// describe tells what an rpc does and what its request holds, from the comments
// of the contract.
func describe(m *contract.Method) string {
	comments := contractComments()
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s  (%s)\n", m.Routes[0].Method, m.Routes[0].Pattern, m.FullName)
	if text := comments(m.Descriptor.FullName()); text != "" {
		fmt.Fprintf(&b, "\n%s\n", text)
	}
	b.WriteString("\nFields:\n\n")
	w := tabwriter.NewWriter(&b, 0, 4, 2, ' ', 0)
	writeFields(w, "", m.Input.Descriptor(), comments)
	if m.IsWrite() {
		writeFields(w, "", (&apiv1.WriteOptions{}).ProtoReflect().Descriptor(), comments)
	}
	_ = w.Flush() // a strings.Builder never fails
	return b.String()
}

// writeFields writes a line a field, and under a message those of its members. No
// message of the contract contains itself.
func writeFields(w *tabwriter.Writer, parent string, message protoreflect.MessageDescriptor, comments func(protoreflect.FullName) string) {
	for i := range message.Fields().Len() {
		f := message.Fields().Get(i)
		path := parent + string(f.Name())
		fmt.Fprintf(w, "    %s\t%s\t%s\n", path, fieldType(f), openapi.FirstSentence(comments(f.FullName())))
		switch {
		case !isOwnMessage(f):
		case f.IsList():
			writeFields(w, path+".0.", f.Message(), comments)
		default:
			writeFields(w, path+".", f.Message(), comments)
		}
	}
}

// fieldType is what a user needs to know of a field's type.
func fieldType(f protoreflect.FieldDescriptor) string {
	var name string
	switch {
	case f.IsMap():
		return "map"
	case f.Enum() != nil:
		name = enumChoices(f.Enum())
	case f.Message() != nil:
		name = string(f.Message().Name())
	case f.Kind() == protoreflect.Int32Kind:
		name = "number"
	default:
		name = f.Kind().String()
	}
	switch {
	case contract.IsSecret(f):
		return "secret"
	case f.IsList():
		return name + " list"
	default:
		return name
	}
}

func enumChoices(enum protoreflect.EnumDescriptor) string {
	var names []string
	for i := 1; i < enum.Values().Len(); i++ {
		names = append(names, strings.ToLower(shortEnum(enum, enum.Values().Get(i).Number())))
	}
	const most = 4
	if len(names) > most {
		return strings.Join(names[:most], "|") + "|…"
	}
	return strings.Join(names, "|")
}

// contractComments looks comments up by full name. Generated Go has none, the
// embedded descriptors do.
func contractComments() func(protoreflect.FullName) string {
	registry := &protoregistry.Files{}
	files, err := openapi.ParseImage(gen.Descriptors)
	for _, file := range files {
		if err == nil {
			err = registry.RegisterFile(file)
		}
	}
	return func(name protoreflect.FullName) string {
		d, lookup := registry.FindDescriptorByName(name)
		if err != nil || lookup != nil {
			return "" // help without comments is better than none
		}
		return openapi.Comment(d)
	}
}
