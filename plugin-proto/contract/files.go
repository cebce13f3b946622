package contract

import (
	"fmt"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
)

// Linked reads the contract of all cloud.* files linked into the program.
func Linked() (*Contract, error) {
	var files []protoreflect.FileDescriptor
	protoregistry.GlobalFiles.RangeFiles(func(f protoreflect.FileDescriptor) bool {
		if strings.HasPrefix(string(f.Package()), "cloud.") {
			files = append(files, f)
		}
		return true
	})
	return New(files...)
}

func messageType(d protoreflect.MessageDescriptor) (protoreflect.MessageType, error) {
	t, err := protoregistry.GlobalTypes.FindMessageByName(d.FullName())
	if err != nil {
		return nil, fmt.Errorf("message %s is not linked in: %w", d.FullName(), err)
	}
	return t, nil
}

// enumNumbers looks value names up in the enum of the message's state field.
func enumNumbers(message protoreflect.MessageDescriptor, names []string) ([]protoreflect.EnumNumber, error) {
	if len(names) == 0 {
		return nil, nil
	}
	state := message.Fields().ByName("state")
	if state == nil || state.Enum() == nil {
		return nil, fmt.Errorf("until needs a state field in %s", message.FullName())
	}
	numbers := make([]protoreflect.EnumNumber, 0, len(names))
	for _, name := range names {
		value := state.Enum().Values().ByName(protoreflect.Name(name))
		if value == nil {
			return nil, fmt.Errorf("%s is no value of %s", name, state.Enum().FullName())
		}
		numbers = append(numbers, value.Number())
	}
	return numbers, nil
}
