package graph

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
)

// TestTextReadsBack follows the lines of text drawings by eye, so to speak, and finds the plan's
// edges again: none missing, none that the plan does not have.
func TestTextReadsBack(t *testing.T) {
	drawn := 0
	for seed := range uint64(80) {
		p := randomPlan(seed, 3+int(seed%9), false)
		g := New(p, nil)
		want := map[string]bool{}
		for _, e := range g.Edges {
			want[e.From+" → "+e.To] = true
		}
		l := newLayering(g)
		l.order()
		for _, turned := range []bool{false, true} {
			s, ok := g.boxes(l, turned, 400)
			if !ok {
				continue // refused rather than drawn wrong
			}
			drawn++
			if got := readBack(s, turned); !maps.Equal(got, want) {
				t.Errorf("seed %d, turned %v: read %v, want %v\n%s", seed, turned,
					slices.Sorted(maps.Keys(got)), slices.Sorted(maps.Keys(want)), s)
			}
		}
	}
	if drawn < 150 {
		t.Errorf("only %d of 160 were drawn", drawn)
	}
}

// A visit is a cell and the side of it that one came in by.
type visit struct {
	x, y int
	came uint8
}

// readBack returns the edges that a drawing shows.
func readBack(s string, turned bool) map[string]bool {
	var rows [][]rune
	width := 0
	for line := range strings.Lines(s) {
		rows = append(rows, []rune(strings.TrimSuffix(line, "\n")))
		width = max(width, len(rows[len(rows)-1]))
	}
	for y := range rows {
		for len(rows[y]) < width {
			rows[y] = append(rows[y], ' ')
		}
	}
	owner := map[[2]int]string{} // cells of boxes
	for y, row := range rows {
		for x, r := range row {
			if r == '┌' {
				x2, y2 := x, y
				for ; rows[y][x2] != '┐'; x2++ {
				}
				for ; rows[y2][x] != '└'; y2++ {
				}
				id, _, _ := strings.Cut(strings.TrimSpace(string(rows[y+1][x+1:x2])), " ")
				for yy := y; yy <= y2; yy++ {
					for xx := x; xx <= x2; xx++ {
						owner[[2]int{xx, yy}] = id
					}
				}
			}
		}
	}
	joint, start := '├', visit{1, 0, west}
	if turned {
		joint, start = '┬', visit{0, 1, north}
	}
	out := map[string]bool{}
	for at, id := range owner {
		if rows[at[1]][at[0]] == joint {
			for _, to := range follow(rows, visit{at[0] + start.x, at[1] + start.y, start.came}, start.came) {
				x, y := to[0]+start.x, to[1]+start.y
				out[fmt.Sprintf("%s → %s", id, owner[[2]int{x, y}])] = true
			}
		}
	}
	return out
}

// follow walks a line to all its arrows. A cell that does not open to where one comes from is a
// bridge of another line: one goes straight on below it. Nobody reads against the layers: back.
func follow(rows [][]rune, from visit, back uint8) (arrows [][2]int) {
	sides := map[rune]uint8{'╌': east | west, '╎': north | south}
	for s, r := range lines {
		if s != 0 && (sides[r] == 0 || s == int(east|west) || s == int(north|south)) {
			sides[r] = uint8(s)
		}
	}
	opposite := map[uint8]uint8{north: south, south: north, east: west, west: east}
	step := map[uint8][2]int{north: {0, -1}, south: {0, 1}, east: {1, 0}, west: {-1, 0}}
	seen, todo := map[visit]bool{}, []visit{from}
	for len(todo) > 0 {
		v := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if seen[v] || v.y < 0 || v.y >= len(rows) || v.x < 0 || v.x >= len(rows[v.y]) {
			continue
		}
		seen[v] = true
		r := rows[v.y][v.x]
		if r == '▶' || r == '▼' {
			arrows = append(arrows, [2]int{v.x, v.y})
			continue
		}
		out := sides[r] &^ v.came
		if sides[r]&v.came == 0 {
			out = opposite[v.came]
		}
		for side, d := range step {
			if out&side != 0 && side != back {
				todo = append(todo, visit{v.x + d[0], v.y + d[1], opposite[side]})
			}
		}
	}
	return arrows
}
