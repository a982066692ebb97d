package cli

import (
	"fmt"
	"strings"
	"time"

	"weft/s3sync"
)

const (
	watchFolderEvery = time.Second
	watchBucketEvery = 5 * time.Second
	// mostShown is how many paths of a kind are shown of what was done; --plan shows all.
	mostShown = 20
)

// A syncSaid is what weft sync says: its --json, and what the text is made of.
type syncSaid struct {
	Type string `json:"type"` // sync, plan or status
	From string `json:"from"`
	To   string `json:"to"`
	s3sync.Diff
	LeftOut    []s3sync.Note `json:"left_out"`
	Files      int           `json:"files"` // of the set
	Published  bool          `json:"published"`
	Generation int64         `json:"generation,omitempty"` // 0 = nobody has published with weft
	Set        string        `json:"set,omitempty"`
	By         string        `json:"by,omitempty"`
	At         time.Time     `json:"at,omitzero"`
	Mirrored   int           `json:"mirrored,omitempty"`
	Mended     bool          `json:"mirror_mended,omitempty"`
	Behind     bool          `json:"mirror_behind,omitempty"`
	Drift      []s3sync.Note `json:"mirror_drift,omitempty"`
	Warnings   int           `json:"warnings,omitempty"`
	Doubt      string        `json:"asks,omitempty"`
}

func (s *syncing) saying(d s3sync.Diff, left []s3sync.Note) syncSaid {
	said := syncSaid{Type: "sync", From: s.shown, To: s.place.String(), Diff: d, LeftOut: left}
	if !s.up {
		said.From, said.To = said.To, said.From
	}
	switch {
	case s.o.plan:
		said.Type = "plan"
	case s.o.status:
		said.Type = "status"
	}
	if left == nil {
		said.LeftOut = []s3sync.Note{}
	}
	return said
}

// from takes in who published what is there; nil = nobody.
func (said *syncSaid) from(m *s3sync.Manifest) {
	if m == nil || m.ID == "" {
		return
	}
	said.Generation, said.Set, said.By, said.At, said.Files = m.Generation, m.Set, m.By, m.Published, len(m.Files)
}

func (said *syncSaid) same() bool { return said.Empty() && !said.Behind && len(said.Drift) == 0 }

func (s *syncing) say(said syncSaid) error {
	if s.o.json {
		return s.printLine(said)
	}
	var b strings.Builder
	most := mostShown
	if s.o.plan || s.o.status {
		most = -1
	}
	for _, list := range []struct {
		mark  string
		paths []string
	}{{"+", said.Added}, {"~", said.Changed}, {"-", said.Removed}} {
		for i, path := range list.paths {
			if i == most {
				fmt.Fprintf(&b, "%s and %s more\n", list.mark, grouped(len(list.paths)-i))
				break
			}
			fmt.Fprintf(&b, "%s %s\n", list.mark, path)
		}
	}
	for _, n := range said.Drift {
		fmt.Fprintf(&b, "! %s: %s\n", n.Path, n.Text)
	}
	b.WriteString(s.last(said) + "\n")
	if said.Warnings > 0 {
		fmt.Fprintf(&b, "%s; weft validate shows them\n", count(said.Warnings, "warning"))
	}
	_, err := fmt.Fprint(s.stdout, b.String())
	return err
}

// last is the line that says it all.
func (s *syncing) last(said syncSaid) string {
	changes := fmt.Sprintf("%s added, %s changed, %s removed", grouped(len(said.Added)), grouped(len(said.Changed)), grouped(len(said.Removed)))
	version := ""
	if said.Generation > 0 {
		version = fmt.Sprintf("generation %d of %s, published %s by %s", said.Generation, s.place, said.At.Format(time.RFC3339), said.By)
	}
	switch {
	case s.o.plan && said.Empty():
		return "nothing would change: " + said.To + " shows " + said.From
	case s.o.plan && said.Doubt != "":
		return changes + " (would be; it would ask: " + said.Doubt + ")"
	case s.o.plan:
		return changes + " (would be; nothing was done)"
	case s.o.status && said.Behind:
		return join("the mirror is behind, for a publisher was cut off; weft sync mends it", version)
	case s.o.status && said.same():
		return join("both show the same", version)
	case s.o.status:
		return join(changes+" would make "+said.To+" show "+said.From, version)
	case said.Mended:
		return join("nothing new; the mirror was mended, "+count(said.Mirrored, "object")+" written", version)
	case said.Empty() && !said.Published:
		return join("nothing to do", version)
	case s.up:
		return fmt.Sprintf("%s, %s in all: generation %d of %s", changes, count(said.Files, "file"), said.Generation, said.To)
	}
	return join(changes, version)
}

func join(a, b string) string {
	if b == "" {
		return a
	}
	return a + ": " + b
}
