package drivertest

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// Formats are the names that Write takes.
func Formats() []string { return []string{"text", "json", "junit"} }

// Write writes the report as text, json or junit.
func (r *Report) Write(w io.Writer, format string) error {
	switch format {
	case "text":
		return r.writeText(w)
	case "json":
		encoder := json.NewEncoder(w)
		encoder.SetIndent("", "  ")
		return encoder.Encode(r)
	case "junit":
		return r.writeJUnit(w)
	default:
		return fmt.Errorf("report format %q is none of %s", format, strings.Join(Formats(), ", "))
	}
}

func (r *Report) writeText(w io.Writer) error {
	table := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	for _, doc := range Rules() {
		passed := 0
		var others []Result
		for _, result := range r.Results {
			switch {
			case result.Rule != doc.Rule:
			case result.Status == Passed:
				passed++
			default:
				others = append(others, result)
			}
		}
		if passed == 0 && len(others) == 0 {
			continue
		}
		fmt.Fprintf(table, "%s\t%d passed\t%s\n", doc.Rule, passed, doc.Text)
		if doc.Rule == RuleFeature && len(others) > 0 {
			fmt.Fprintf(table, "  UNTESTED\t%d features\tno request of the plan uses them; --report json names them\n", len(others))
			others = nil
		}
		for _, o := range others {
			fmt.Fprintf(table, "  %s\t%s\t%s\n", strings.ToUpper(string(o.Status)), o.Subject, o.Detail)
		}
	}
	fmt.Fprintf(table, "\n%s %s\t%d passed, %d failed, %d untested\t%.1f s on %s\n",
		r.Driver, r.Version, r.Count(Passed), r.Count(Failed), r.Count(Untested), r.Seconds, r.Target)
	return table.Flush()
}

type junitSuite struct {
	XMLName  xml.Name    `xml:"testsuite"`
	Name     string      `xml:"name,attr"`
	Tests    int         `xml:"tests,attr"`
	Failures int         `xml:"failures,attr"`
	Skipped  int         `xml:"skipped,attr"`
	Time     float64     `xml:"time,attr"`
	Stamp    string      `xml:"timestamp,attr"`
	Cases    []junitCase `xml:"testcase"`
}

type junitCase struct {
	Class   string     `xml:"classname,attr"`
	Name    string     `xml:"name,attr"`
	Failure *junitText `xml:"failure"`
	Skipped *junitText `xml:"skipped"`
}

type junitText struct {
	Message string `xml:"message,attr"`
}

func (r *Report) writeJUnit(w io.Writer) error {
	suite := junitSuite{
		Name: "conform " + r.Driver, Tests: len(r.Results), Failures: r.Count(Failed), Skipped: r.Count(Untested),
		Time: r.Seconds, Stamp: r.At.Format("2006-01-02T15:04:05"),
	}
	for _, result := range r.Results {
		c := junitCase{Class: string(result.Rule), Name: result.Subject}
		if c.Name == "" {
			c.Name = string(result.Rule)
		}
		switch result.Status {
		case Failed:
			c.Failure = &junitText{result.Detail}
		case Untested:
			c.Skipped = &junitText{result.Detail}
		}
		suite.Cases = append(suite.Cases, c)
	}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	encoder := xml.NewEncoder(w)
	encoder.Indent("", "  ")
	if err := encoder.Encode(suite); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}
