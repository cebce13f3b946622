// Command vulncheck judges what govulncheck found: it reads its JSON from standard
// input and fails on each vulnerability whose code our programs call, unless a file
// says why that one does no harm.
//
//	govulncheck -format json ./... | go run ./internal/vulncheck -explained FILE
//
// A line of the file is the id and the reason: "GO-2026-0001 the parser is not reached
// with input of others". One that is not found any more fails too, so that the list
// stays true.
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
)

func main() { os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) }

func run(args []string, in io.Reader, out, stderr io.Writer) int {
	flags := flag.NewFlagSet("vulncheck", flag.ContinueOnError)
	flags.SetOutput(stderr)
	file := flags.String("explained", "", "file of explained findings")
	if err := flags.Parse(args); err != nil {
		return 2
	}
	explained := map[string]string{}
	if *file != "" {
		text, err := os.Open(*file)
		if err == nil {
			explained, err = readExplained(text)
			err = errors.Join(err, text.Close())
		}
		if err != nil {
			_, _ = fmt.Fprintln(stderr, "vulncheck:", err)
			return 2
		}
	}
	found, err := readFindings(in)
	if err != nil {
		_, _ = fmt.Fprintln(stderr, "vulncheck:", err)
		return 2
	}
	return judge(found, explained, out)
}

// finding is a vulnerability that is called.
type finding struct{ id, module, fixed, symbol string }

// judge tells of every finding, and returns the exit code.
func judge(found []finding, explained map[string]string, out io.Writer) (code int) {
	unused := maps.Clone(explained)
	for _, f := range found {
		delete(unused, f.id)
		if reason := explained[f.id]; reason != "" {
			_, _ = fmt.Fprintf(out, "%s in %s: explained: %s\n", f.id, f.module, reason)
			continue
		}
		fixed := "no version mends it"
		if f.fixed != "" {
			fixed = "mended in " + f.fixed
		}
		_, _ = fmt.Fprintf(out, "%s in %s: %s is called; %s\n", f.id, f.module, f.symbol, fixed)
		code = 1
	}
	for _, id := range slices.Sorted(maps.Keys(unused)) {
		_, _ = fmt.Fprintf(out, "%s is explained and not found any more: take it out\n", id)
		code = 1
	}
	return code
}

func readExplained(in io.Reader) (map[string]string, error) {
	out := map[string]string{}
	lines := bufio.NewScanner(in)
	for lines.Scan() {
		line := strings.TrimSpace(lines.Text())
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		id, reason, _ := strings.Cut(line, " ")
		if reason = strings.TrimSpace(reason); reason == "" {
			return nil, fmt.Errorf("%s is listed without a reason", id)
		}
		out[id] = reason
	}
	return out, lines.Err()
}

// readFindings reads govulncheck's stream of messages. A trace begins with what is
// vulnerable; it names a function where the scanner saw that it is called.
func readFindings(in io.Reader) ([]finding, error) {
	decoder := json.NewDecoder(in)
	byID := map[string]finding{}
	scanned := false
	for {
		var message struct {
			Config  *struct{} `json:"config"`
			Finding *struct {
				OSV          string `json:"osv"`
				FixedVersion string `json:"fixed_version"`
				Trace        []struct{ Module, Version, Receiver, Function string }
			} `json:"finding"`
		}
		err := decoder.Decode(&message)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("read govulncheck's output: %w", err)
		}
		scanned = scanned || message.Config != nil
		f := message.Finding
		if f == nil || len(f.Trace) == 0 || f.Trace[0].Function == "" {
			continue
		}
		top := f.Trace[0]
		symbol := top.Function
		if top.Receiver != "" {
			symbol = top.Receiver + "." + symbol
		}
		byID[f.OSV] = finding{f.OSV, top.Module + "@" + top.Version, f.FixedVersion, symbol}
	}
	if !scanned {
		return nil, errors.New("govulncheck told nothing")
	}
	var out []finding
	for _, id := range slices.Sorted(maps.Keys(byID)) {
		out = append(out, byID[id])
	}
	return out, nil
}
