// Command genopenapi writes what is generated from the descriptors of the
// contract: the OpenAPI document, the package that embeds it, and the table of
// errors. Run it at the repository's root after `buf build`.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/yunqiao/yunqiao/internal/openapi"
)

func main() { os.Exit(run(os.Args[1:], os.Stderr)) }

func run(args []string, stderr io.Writer) int {
	flags := flag.NewFlagSet("genopenapi", flag.ContinueOnError)
	flags.SetOutput(stderr)
	gen := flags.String("gen", "plugin-proto/gen", "folder of generated code, with descriptors.binpb in it")
	errorTable := flags.String("errors", "docs/errors.md", "file for the table of errors")
	if err := flags.Parse(args); err != nil {
		return 2
	}
	if err := generate(*gen, *errorTable); err != nil {
		fmt.Fprintln(stderr, "genopenapi:", err)
		return 1
	}
	return 0
}

func generate(gen, errorTable string) error {
	image, err := os.ReadFile(filepath.Join(gen, "descriptors.binpb"))
	if err != nil {
		return err
	}
	files, err := openapi.ParseImage(image)
	if err != nil {
		return err
	}
	if err := link(files); err != nil {
		return err
	}
	document, err := openapi.Build(files)
	if err != nil {
		return err
	}
	source, err := openapi.GoPackage(files)
	if err != nil {
		return err
	}
	for path, content := range map[string][]byte{
		filepath.Join(gen, "openapi.json"): document,
		filepath.Join(gen, "gen.go"):       source,
		errorTable:                         openapi.ErrorTable(),
	} {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, content, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// link makes the messages of the image known to the program, which does not
// import the code that is generated from them: a new package needs no change here.
func link(files []protoreflect.FileDescriptor) error {
	for _, file := range files {
		for i := range file.Messages().Len() {
			message := file.Messages().Get(i)
			_, err := protoregistry.GlobalTypes.FindMessageByName(message.FullName())
			if errors.Is(err, protoregistry.NotFound) {
				err = protoregistry.GlobalTypes.RegisterMessage(dynamicpb.NewMessageType(message))
			}
			if err != nil {
				return fmt.Errorf("link %s: %w", message.FullName(), err)
			}
		}
	}
	return nil
}
