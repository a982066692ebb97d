package schedule

import (
	"fmt"
	"strings"
)

// Words says in words when the schedule fires.
func (s *Schedule) Words() string {
	switch s.kind {
	case Manual:
		return "by hand"
	case Once:
		return "once, at `start` or when the DAG is first seen"
	case Continuous:
		return "again and again: the next run begins when the last has ended"
	}
	var parts []string
	for _, e := range s.texts {
		parts = append(parts, e.Words())
	}
	if s.every != "" {
		parts = append(parts, "every "+s.every)
	}
	switch s.at {
	case 0:
	case 1:
		parts = append(parts, "at one moment")
	default:
		parts = append(parts, fmt.Sprintf("at %d moments", s.at))
	}
	return strings.Join(parts, "; ")
}
