package machine

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// when writes a moment as its distance from the story's beginning.
func (s *story) when(t time.Time) string {
	if d := t.Sub(epoch); d < 0 {
		return d.String()
	}
	return "+" + t.Sub(epoch).String()
}

func (s *story) changeLine(ch Change) string {
	var line string
	switch {
	case ch.Task == "":
		line = "run " + string(ch.Run)
	case ch.Index >= 0:
		line = fmt.Sprintf("%s[%d] %s", ch.Task, ch.Index, ch.State)
	default:
		line = ch.Task + " " + ch.State.String()
	}
	if ch.Reason != "" {
		line += " (" + ch.Reason + ")"
	}
	if !ch.Next.IsZero() {
		line += " until " + s.when(ch.Next)
	}
	return line
}

func (s *story) commandLine(cmd Command) string {
	switch cmd := cmd.(type) {
	case StartAttempt:
		return "start " + cmd.Key.String()
	case SubmitRemote:
		return "submit " + cmd.Key.String()
	case WatchRemote:
		return "watch " + cmd.Key.String()
	case StopAttempt:
		return "stop " + cmd.Key.String() + " " + cmd.Reason
	case SetTimer:
		return "timer " + cmd.Timer + " at " + s.when(cmd.At)
	case DropTimer:
		return "drop timer " + cmd.Timer
	case AskPast:
		return fmt.Sprintf("ask past of %s, epoch %d", cmd.Task, cmd.Epoch)
	case Evaluate:
		return fmt.Sprintf("evaluate %s", cmd.ID)
	case Decide:
		return strings.TrimSuffix("decide "+string(cmd.State)+" ("+cmd.Reason+")", " ()")
	case Finish:
		return "finish " + string(cmd.State)
	}
	return fmt.Sprintf("%T", cmd)
}

func (s *story) explain(task string) error {
	e, ok := s.run.Explain(task)
	if !ok {
		return fmt.Errorf("there is no %s", task)
	}
	s.say("%s is %s: %s", e.Task, e.State, e.Reason)
	at := ""
	if !e.At.IsZero() {
		at = " at " + s.when(e.At)
	}
	s.say("trigger %s says %s%s: %s", e.Trigger, e.Verdict, at, e.Because)
	for _, u := range e.Upstream {
		by := ""
		if u.Ref {
			by = " by reference"
		}
		s.say("upstream %s %s%s", u.ID, u.State, by)
	}
	for _, w := range e.Waiting {
		s.say("waits for %s", w)
	}
	for _, a := range e.Attempts {
		s.say("attempt: %s", a)
	}
	return nil
}

func (s *story) summary() {
	sum := s.run.Summarize()
	line := fmt.Sprintf("%s %s", sum.Type, sum.State)
	if sum.Reason != "" {
		line += " (" + sum.Reason + ")"
	}
	if !sum.FinishedAt.IsZero() {
		line += ", " + s.when(sum.StartedAt) + " to " + s.when(sum.FinishedAt)
	}
	s.say("%s", line)
	for _, id := range slices.Sorted(maps.Keys(sum.Tasks)) {
		t := sum.Tasks[id]
		line := fmt.Sprintf("%s %s, attempts %d, output %s", id, t.State, t.Attempts, t.Output)
		if t.Ref != nil {
			line += ", ref " + t.Ref.URI
		}
		if t.Reason != "" {
			line += " (" + t.Reason + ")"
		}
		s.say("%s", line)
		for _, a := range t.Artifacts {
			s.say("  %s: %s", a.Name, a.URI)
		}
		for _, in := range t.Instances {
			s.say("  [%d] %s, attempts %d %s", in.Index, in.State, in.Attempts, in.Reason)
			for _, a := range in.Artifacts {
				s.say("    %s: %s", a.Name, a.URI)
			}
		}
	}
}
