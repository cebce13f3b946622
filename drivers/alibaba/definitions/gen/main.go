// Command gen reduces published API metadata to the data of package definitions:
//
//	gen -out DIR FILE.json …
//
// A file holds one product: {"product", "version", "components", "actions": {name:
// {"schemes", "operationType", "parameters", "response", "errors"}}}, schemas as in
// JSON Schema. The output has the file's name with .gz. A second file of a version
// adds to the first.
package main

import (
	"compress/gzip"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
)

func main() {
	out := flag.String("out", "data", "folder to write to")
	flag.Parse()
	if err := run(*out, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "gen:", err)
		os.Exit(1)
	}
}

func run(out string, files []string) error {
	if len(files) == 0 {
		return errors.New("no files")
	}
	var order []string
	products := map[string]*product{}
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		in := &product{}
		if err := json.Unmarshal(text, in); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if first := products[in.Version]; first != nil {
			if err := first.supplement(in); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			continue
		}
		in.file = name
		products[in.Version] = in
		order = append(order, in.Version)
	}
	for _, version := range order {
		in := products[version]
		reduced, err := in.reduce()
		if err != nil {
			return fmt.Errorf("%s: %w", in.file, err)
		}
		if err := write(filepath.Join(out, filepath.Base(in.file)+".gz"), reduced); err != nil {
			return err
		}
	}
	return nil
}

func write(name string, value any) error {
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	packed, err := gzip.NewWriterLevel(f, gzip.BestCompression)
	if err != nil {
		return errors.Join(err, f.Close())
	}
	return errors.Join(json.NewEncoder(packed).Encode(value), packed.Close(), f.Close())
}
