// Package away keeps logs of attempts in a handoff, for whoever is not on the machine where they were written.
//
// A log comes in parts, numbered from 1: one each time that some machine was at work on the attempt and said something (it
// was cut off and ran again elsewhere; a service was asked how a job is). Below <dag>/<run>/<task>/<index>/<attempt>/log/ lie
//
//	<part>/live/<piece>   pieces of a part that grows, from 1, each but the last of Piece bytes; the last is put again as it grows
//	<part>/whole          all of a part that is complete; its pieces go then
//
// So nothing is ever listed: who reads asks for the next until there is none.
package away

import (
	"context"
	"fmt"
	"path"
	"strconv"

	"weft/handoff"
	"weft/logs"
)

// Piece is the size in bytes of all pieces but the last of a part: an item of a table takes it.
const Piece = 384 << 10

// A Place is a handoff: by its URI, and opened.
type Place struct {
	URI     string
	Backend handoff.Backend
}

// Open opens the place that a URI names.
func Open(uri string) (Place, error) {
	b, err := handoff.Known().At(uri)
	return Place{uri, b}, err
}

// folder is where the parts of a log lie. Run of the id is the run's id in its DAG, as in all keys of a handoff.
func folder(id logs.ID) (string, error) {
	if id.DAG == "" || id.Run == "" || id.Task == "" || id.Attempt < 1 {
		return "", fmt.Errorf("cannot name the log of attempt %d of task %q of run %q of DAG %q", id.Attempt, id.Task, id.Run, id.DAG)
	}
	index := "-"
	if id.Index >= 0 {
		index = strconv.Itoa(id.Index)
	}
	return path.Join(id.DAG, id.Run, id.Task, index, strconv.Itoa(id.Attempt), "log"), nil
}

func whole(dir string, part int) string { return fmt.Sprintf("%s/%d/whole", dir, part) }
func live(dir string, part int) string  { return fmt.Sprintf("%s/%d/live", dir, part) }
func piece(dir string, part, n int) string {
	return fmt.Sprintf("%s/%06d", live(dir, part), n)
}

// has tells whether a part has been begun.
func (p Place) has(ctx context.Context, dir string, part int) (bool, error) {
	for _, key := range []string{whole(dir, part), piece(dir, part, 1)} {
		uri, err := handoff.URIOf(p.URI, key)
		if err != nil {
			return false, err
		}
		rc, err := p.Backend.Fetch(ctx, uri)
		if err == nil {
			_ = rc.Close()
			return true, nil
		}
		if !handoff.Absent(err) {
			return false, err
		}
	}
	return false, nil
}

// next is the number of the first part that nobody has begun, not below from. It asks for twice as far each time, and then
// for the middle: parts are begun in their order.
func (p Place) next(ctx context.Context, dir string, from int) (int, error) {
	below, above := max(from, 1)-1, 0 // the last known to be there, the first known not to
	for step := 1; above == 0; step *= 2 {
		there, err := p.has(ctx, dir, below+step)
		switch {
		case err != nil:
			return 0, err
		case there:
			below += step
		default:
			above = below + step
		}
	}
	for above-below > 1 {
		middle := (below + above) / 2
		there, err := p.has(ctx, dir, middle)
		switch {
		case err != nil:
			return 0, err
		case there:
			below = middle
		default:
			above = middle
		}
	}
	return above, nil
}
