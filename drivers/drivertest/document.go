package drivertest

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

// WriteDocument writes reports side by side: the runs, the rules, and every rpc
// by driver.
func WriteDocument(w io.Writer, reports []Report) error {
	b := bufio.NewWriter(w)
	fmt.Fprint(b, "# Conformance of drivers\n\nMade by `conform --document` from the reports of the runs below.\n\n")
	fmt.Fprint(b, "| Driver | Target | Date (UTC) | Seconds | Passed | Failed | Not reached |\n|---|---|---|---|---|---|---|\n")
	for _, r := range reports {
		fmt.Fprintf(b, "| %s %s | %s | %s | %.0f | %d | %d | %d |\n", r.Driver, r.Version, cmp.Or(r.About, r.Provider),
			r.At.Format("2006-01-02 15:04"), r.Seconds, r.Count(Passed), r.Count(Failed), r.Count(Untested))
	}
	writeRules(b, reports)
	writeRpcs(b, reports)
	writeFailures(b, reports)
	return b.Flush()
}

func writeHead(b *bufio.Writer, first string, reports []Report) {
	fmt.Fprint(b, "| "+first+" |")
	for _, r := range reports {
		fmt.Fprintf(b, " %s |", r.Driver)
	}
	fmt.Fprint(b, "\n|---|"+strings.Repeat("---|", len(reports))+"\n")
}

func writeRules(b *bufio.Writer, reports []Report) {
	fmt.Fprint(b, "\n## Rules\n\nPassed, failed and not reached checks.\n\n")
	writeHead(b, "Rule", reports)
	for _, doc := range Rules() {
		fmt.Fprintf(b, "| `%s`: %s |", doc.Rule, doc.Text)
		for _, r := range reports {
			count := map[Status]int{}
			for _, result := range r.Results {
				if result.Rule == doc.Rule {
					count[result.Status]++
				}
			}
			fmt.Fprintf(b, " %d, %d, %d |", count[Passed], count[Failed], count[Untested])
		}
		fmt.Fprintln(b)
	}
}

func writeRpcs(b *bufio.Writer, reports []Report) {
	rpcs := map[string]bool{}
	for _, r := range reports {
		for _, result := range r.Results {
			if result.Rule == RuleDeclared {
				rpcs[result.Subject] = true
			}
		}
	}
	fmt.Fprint(b, "\n## Operations\n\nAn empty cell: not declared, or not part of the run.\n\n")
	writeHead(b, "Rpc", reports)
	for _, rpc := range slices.Sorted(maps.Keys(rpcs)) {
		fmt.Fprintf(b, "| %s |", strings.TrimPrefix(rpc, "cloud."))
		for _, r := range reports {
			status := Status("")
			for _, result := range r.Results {
				if result.Rule == RuleDeclared && result.Subject == rpc {
					status = result.Status
				}
			}
			fmt.Fprintf(b, " %s |", status)
		}
		fmt.Fprintln(b)
	}
}

func writeFailures(b *bufio.Writer, reports []Report) {
	fmt.Fprint(b, "\n## What failed\n\n")
	for _, r := range reports {
		failed := r.Of(Failed)
		if len(failed) == 0 {
			fmt.Fprintf(b, "- %s: nothing\n", r.Driver)
		}
		for _, result := range failed {
			fmt.Fprintf(b, "- %s, `%s`, %s: %s\n", r.Driver, result.Rule, result.Subject, result.Detail)
		}
	}
}
