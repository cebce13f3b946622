package contracttest_test

import (
	"flag"
	"iter"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/yunqiao/yunqiao/internal/openapi"
	"github.com/yunqiao/yunqiao/plugin-proto/contract"
	"github.com/yunqiao/yunqiao/plugin-proto/gen"
)

var update = flag.Bool("update", false, "rewrite golden files")

// linked is the contract as the program has it.
func linked(t *testing.T) *contract.Contract {
	t.Helper()
	c, err := contract.Linked()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// files are the .proto files with their comments.
func files(t *testing.T) []protoreflect.FileDescriptor {
	t.Helper()
	files, err := openapi.ParseImage(gen.Descriptors)
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// rows reads a table of tab-separated values without its head.
func rows(t *testing.T, path string) [][]string {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var rows [][]string
	for line := range strings.Lines(string(raw)) {
		rows = append(rows, strings.Split(strings.TrimRight(line, "\n"), "\t"))
	}
	return rows[1:]
}

// messages are all messages of the files, nested ones too, but for map entries.
func messages(files []protoreflect.FileDescriptor) iter.Seq[protoreflect.MessageDescriptor] {
	return func(yield func(protoreflect.MessageDescriptor) bool) {
		for _, file := range files {
			if !eachMessage(file.Messages(), yield) {
				return
			}
		}
	}
}

func eachMessage(list protoreflect.MessageDescriptors, yield func(protoreflect.MessageDescriptor) bool) bool {
	for i := range list.Len() {
		message := list.Get(i)
		if message.IsMapEntry() {
			continue
		}
		if !yield(message) || !eachMessage(message.Messages(), yield) {
			return false
		}
	}
	return true
}

// fields are all fields of all messages.
func fields(files []protoreflect.FileDescriptor) iter.Seq[protoreflect.FieldDescriptor] {
	return func(yield func(protoreflect.FieldDescriptor) bool) {
		for message := range messages(files) {
			for i := range message.Fields().Len() {
				if !yield(message.Fields().Get(i)) {
					return
				}
			}
		}
	}
}

// enums are all enums, those inside messages too.
func enums(files []protoreflect.FileDescriptor) iter.Seq[protoreflect.EnumDescriptor] {
	return func(yield func(protoreflect.EnumDescriptor) bool) {
		lists := []protoreflect.EnumDescriptors{}
		for _, file := range files {
			lists = append(lists, file.Enums())
		}
		for message := range messages(files) {
			lists = append(lists, message.Enums())
		}
		for _, list := range lists {
			for i := range list.Len() {
				if !yield(list.Get(i)) {
					return
				}
			}
		}
	}
}

// public leaves out what only drivers and the gateway say to each other.
func public(files []protoreflect.FileDescriptor) []protoreflect.FileDescriptor {
	return slices.DeleteFunc(slices.Clone(files), func(file protoreflect.FileDescriptor) bool {
		return file.Package() == "cloud.driver.v1"
	})
}

func sorted[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
