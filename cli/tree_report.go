package cli

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"weft/machine"
	"weft/runner"
)

const (
	reportLines = 20 // of a failed task's log
	reportTasks = 5  // failed tasks whose logs are shown
)

// report is what stays on the screen below the last frame: the ends of the logs of what failed,
// the run in one line, and what to type to see more. tail may be nil.
func (b *board) report(color bool, tail func(log string, lines int) []string) string {
	if b.summary == nil && b.finished.IsZero() {
		return ""
	}
	var out strings.Builder
	var failed []*row
	for _, r := range b.rows {
		if r.state == machine.Failed.String() && !b.stopped(r) {
			failed = append(failed, r)
		}
	}
	for i, r := range failed {
		if i == reportTasks {
			fmt.Fprintf(&out, "\n%s\n", paint(color, faint, fmt.Sprintf("… and %d more failed", len(failed)-i)))
			break
		}
		b.failure(&out, r, color, tail)
	}
	out.WriteByte('\n')
	out.WriteString(b.verdict(color))
	if len(failed) > 0 {
		id := b.culprit(failed)
		fmt.Fprintf(&out, "  %s\n  %s\n", "weft logs "+shellWord(b.run)+" "+id, "weft explain "+shellWord(b.run)+" "+id)
		if b.state == string(machine.RunFailed) {
			fmt.Fprintf(&out, "  %s\n", "weft retry "+shellWord(b.run))
		}
	}
	return out.String()
}

// culprit is the failed task that the run's end speaks of: a verdict may not mind that others failed.
func (b *board) culprit(failed []*row) string {
	reason := b.reason
	if b.summary != nil {
		reason = cmp.Or(b.summary.Reason, reason)
	}
	words := strings.FieldsFunc(reason, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '_' && r != '-' })
	for _, r := range failed {
		if slices.Contains(words, r.id) {
			return r.id
		}
	}
	return failed[0].id
}

// stopped tells that a task failed because the whole run was cancelled: its log explains nothing.
func (b *board) stopped(r *row) bool {
	return b.state == string(machine.RunCancelled) && strings.HasPrefix(r.reason, "cancelled")
}

func (b *board) failure(out *strings.Builder, r *row, color bool, tail func(string, int) []string) {
	head := "✗ " + r.id
	if r.reason != "" {
		head += ": " + clean(r.reason)
	}
	fmt.Fprintf(out, "\n%s\n", paint(color, red, head))
	log := cmp.Or(r.failLog, r.log)
	if tail == nil || log == "" {
		return
	}
	for _, l := range ownWords(tail(log, reportLines)) {
		fmt.Fprintf(out, "  %s %s\n", paint(color, faint, "│"), harmless(l))
	}
}

// ownWords leaves out what weft wrote before and after all of an attempt's own lines: that it began,
// and how it failed, which stands above.
func ownWords(lines []string) []string {
	wefts := func(l string) bool { return strings.HasPrefix(l, runner.LogPrefix) }
	for len(lines) > 0 && wefts(lines[0]) {
		lines = lines[1:]
	}
	for len(lines) > 0 && wefts(lines[len(lines)-1]) {
		lines = lines[:len(lines)-1]
	}
	return lines
}

// verdict is the run in one line, and why it ended so in another.
func (b *board) verdict(color bool) string {
	text := fmt.Sprintf("%s  %s", b.dag, b.run)
	if !b.started.IsZero() && !b.finished.IsZero() {
		text += "  in " + elapsed(b.finished.Sub(b.started))
	}
	text += "  " + tally(b.sums())
	reason := b.reason
	if b.summary != nil {
		reason = cmp.Or(b.summary.Reason, reason)
	}
	if reason != "" {
		text += "\n  " + clean(reason)
	}
	return paint(color, runLook(b.state), b.state) + "  " + text + "\n"
}

// shellWord is a word that can be typed: ids of runs hold a plus and colons, paths a slash, which are safe;
// anything else is quoted.
func shellWord(s string) string {
	if s != "" && strings.Trim(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.:+/-") == "" {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
