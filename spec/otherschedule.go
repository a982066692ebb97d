package spec

import (
	"strings"
	"unicode/utf8"

	"weft/cron"
)

// Schedules as other tools write them, of which is told what they are here.

// meantEvery guesses the duration behind `every`: 5 minutes, hour; "" if nobody knows.
func meantEvery(rest string) string {
	rest = strings.TrimSpace(rest)
	if meant := meantDuration(rest); meant != "" {
		return meant
	}
	return meantDuration("1 " + rest)
}

// awsSchedule reports cron( ) and rate( ), EventBridge's ways to write a schedule. Alone tells that the text is the
// whole of `schedule`.
func (d *DAG) awsSchedule(n *Node, text string, alone bool) bool {
	name, rest, open := strings.Cut(text, "(")
	inner, closed := strings.CutSuffix(rest, ")")
	if name = strings.ToLower(strings.TrimSpace(name)); !open || !closed || name != "cron" && name != "rate" {
		return false
	}
	diag := d.report(tFields, d.span(n), "a schedule is written without `%s( )`, which is AWS's", name)
	switch inner = strings.TrimSpace(inner); name {
	case "rate":
		switch meant := meantDuration(inner); {
		case meant != "" && alone:
			diag.label("write `every %s`", meant)
		case meant != "":
			diag.help("write `schedule: {every: %s}`", meant)
		default:
			diag.help("equal steps are written `every 5m`")
		}
	case "cron":
		five, years := cron.WithYear(inner)
		if five == "" {
			diag.help("minute, hour, day of month, month, day of week: like `30 2 * * *`")
			break
		}
		diag.label("write `%s`", five)
		if years {
			diag.help("there is no field for the year: write `start` and `end` under `schedule`")
		}
	}
	return true
}

// noCatchup warns of keys that a schedule of one run, or of one run after another, does not know.
func (d *DAG) noCatchup(f fields, texts []*Node) {
	if len(texts) != 1 {
		return
	}
	name := strings.TrimSpace(texts[0].Text)
	if name != "@once" && name != "@continuous" {
		return
	}
	if n := f.get("catchup"); n != nil && n.Text != "false" && !n.bad {
		d.reportAs(Warning, sExclusive, d.span(f.key("catchup")), "`%s` knows no `catchup`: it misses no tick", name).help("leave `catchup` out")
	}
	if n := f.get("interval"); n != nil && n.Text == "previous" {
		d.reportAs(Warning, sExclusive, d.span(f.key("interval")), "`%s` knows no `interval` but `none`", name).help("leave `interval` out")
	}
}

// zoneInCron looks whether a cron text that cannot be read ends in a time zone, or begins with one, and tells of that
// and of what is wrong with the rest instead.
func (d *DAG) zoneInCron(n *Node, problems []cron.Problem) []cron.Problem {
	words := strings.Fields(n.Text)
	if len(words) < 2 {
		return problems
	}
	zone, at := words[len(words)-1], strings.LastIndex(n.Text, words[len(words)-1])
	rest := n.Text[:at]
	if !isZone(zone) {
		zone, at = words[0], strings.Index(n.Text, words[0])
		rest = strings.Repeat(" ", utf8.RuneCountInString(n.Text[:at+len(zone)])) + n.Text[at+len(zone):]
	}
	if !isZone(zone) {
		return problems
	}
	found := cron.Problem{
		Kind: cron.Count, Offset: utf8.RuneCountInString(n.Text[:at]), Len: utf8.RuneCountInString(zone),
		Msg:  "a cron text holds no time zone",
		Help: "write `schedule: {cron: \"" + strings.TrimSpace(cut(rest, 60)) + "\", timezone: " + zone + "}`",
	}
	_, wrong := cron.Parse(rest)
	return append(wrong, found)
}

// isZone tells whether a word that is no part of a cron text names a time zone.
func isZone(word string) bool {
	return (strings.Contains(word, "/") && !strings.ContainsAny(word, "*?,") && word[0] > '9' || word == "UTC" || word == "GMT") && findZone(word) != nil
}
