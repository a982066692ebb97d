package cli

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"strings"
	"time"

	"weft/diag"
	"weft/rehearse"
)

// JUnit's XML, as CI systems read it (the schema of Apache Ant's JUnit task, in its common part).
type (
	junitSuites struct {
		XMLName  xml.Name     `xml:"testsuites"`
		Tests    int          `xml:"tests,attr"`
		Failures int          `xml:"failures,attr"`
		Errors   int          `xml:"errors,attr"`
		Suites   []junitSuite `xml:"testsuite"`
	}
	junitSuite struct {
		Name     string      `xml:"name,attr"`
		Tests    int         `xml:"tests,attr"`
		Failures int         `xml:"failures,attr"`
		Errors   int         `xml:"errors,attr"`
		Time     string      `xml:"time,attr"`
		Cases    []junitCase `xml:"testcase"`
	}
	junitCase struct {
		Name    string     `xml:"name,attr"`
		Class   string     `xml:"classname,attr"`
		File    string     `xml:"file,attr"`
		Line    int        `xml:"line,attr"`
		Time    string     `xml:"time,attr"`
		Failure *junitText `xml:"failure"`
		Error   *junitText `xml:"error"`
	}
	junitText struct {
		Message string `xml:"message,attr"`
		Text    string `xml:",chardata"`
	}
)

// testsJUnit writes a suite for each file. A file that cannot be played is a case that is an error.
func (e *env) testsJUnit(all []testedFile, _ testOptions) error {
	out := junitSuites{}
	for _, t := range all {
		s := junitSuite{Name: t.file}
		took := time.Duration(0)
		opts := diag.Options{Source: t.source}
		for _, r := range t.results {
			took += r.Took
			c := junitCase{Name: r.Case.Name, Class: t.id, File: t.file, Line: r.Case.At.Line, Time: junitSeconds(r.Took)}
			if !r.Passed() {
				c.Failure = junitFailure(r, opts)
				s.Failures++
			}
			s.Cases = append(s.Cases, c)
		}
		if hasError(t.ds) {
			var text bytes.Buffer
			if err := diag.Text(&text, t.ds, opts); err != nil {
				return err
			}
			s.Errors++
			s.Cases = append(s.Cases, junitCase{
				Name: "the file", Class: t.id, File: t.file, Line: 1, Time: junitSeconds(0),
				Error: &junitText{Message: t.ds[0].Message, Text: text.String()},
			})
		}
		s.Tests, s.Time = len(s.Cases), junitSeconds(took)
		out.Tests, out.Failures, out.Errors = out.Tests+s.Tests, out.Failures+s.Failures, out.Errors+s.Errors
		out.Suites = append(out.Suites, s)
	}
	body, err := xml.MarshalIndent(out, "", "  ")
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(e.stdout, "%s%s\n", xml.Header, body)
	return err
}

func junitFailure(r rehearse.Result, opts diag.Options) *junitText {
	var text bytes.Buffer
	_ = diag.Text(&text, r.Diagnostics, opts) // into memory
	messages := make([]string, len(r.Diagnostics))
	for i, d := range r.Diagnostics {
		messages[i] = d.Message
	}
	return &junitText{Message: strings.Join(messages, "; "), Text: text.String()}
}

func junitSeconds(d time.Duration) string { return fmt.Sprintf("%.6f", d.Seconds()) }
