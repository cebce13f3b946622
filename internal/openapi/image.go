package openapi

import (
	"fmt"
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
)

// ParseImage reads a descriptor set with source info, as `buf build` writes it,
// and returns the files of the contract (packages cloud.*), sorted by path.
func ParseImage(image []byte) ([]protoreflect.FileDescriptor, error) {
	set := &descriptorpb.FileDescriptorSet{}
	if err := proto.Unmarshal(image, set); err != nil {
		return nil, fmt.Errorf("parse descriptor set: %w", err)
	}
	registry, err := protodesc.NewFiles(set)
	if err != nil {
		return nil, fmt.Errorf("link descriptor set: %w", err)
	}
	var files []protoreflect.FileDescriptor
	registry.RangeFiles(func(file protoreflect.FileDescriptor) bool {
		if strings.HasPrefix(string(file.Package()), "cloud.") {
			files = append(files, file)
		}
		return true
	})
	slices.SortFunc(files, func(a, b protoreflect.FileDescriptor) int { return strings.Compare(a.Path(), b.Path()) })
	return files, nil
}

// Comment is the leading comment of a descriptor with lines joined to
// paragraphs; empty if there is none or the image has no source info.
func Comment(d protoreflect.Descriptor) string {
	raw := d.ParentFile().SourceLocations().ByDescriptor(d).LeadingComments
	var paragraphs []string
	for block := range strings.SplitSeq(raw, "\n\n") {
		if text := strings.Join(strings.Fields(block), " "); text != "" {
			paragraphs = append(paragraphs, text)
		}
	}
	return strings.Join(paragraphs, "\n\n")
}

// FirstSentence cuts a comment after its first full stop.
func FirstSentence(comment string) string {
	if sentence, _, ok := strings.Cut(comment, ". "); ok {
		return sentence + "."
	}
	sentence, _, _ := strings.Cut(comment, "\n")
	return sentence
}
