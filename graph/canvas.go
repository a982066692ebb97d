package graph

import (
	"strings"

	"github.com/clipperhouse/displaywidth"
)

// Sides of a cell that a line leaves by.
const (
	north = 1 << iota
	east
	south
	west
)

// lines are the characters of a line by the sides it touches: edges bend round, so that they are
// told from boxes, whose corners are sharp.
var lines = [16]rune{
	0: ' ', north: '│', south: '│', north | south: '│', east: '─', west: '─', east | west: '─',
	north | east: '╰', north | west: '╯', south | east: '╭', south | west: '╮',
	north | south | east: '├', north | south | west: '┤',
	east | west | south: '┬', east | west | north: '┴', north | east | south | west: '┼',
}

// A canvas is a grid of characters that is drawn on in layers (main, from the first) and across
// them (cross). Turned, main runs down and cross runs right; else main runs right.
type canvas struct {
	turned bool
	rows   [][]cell
}

// covered stands where the character before is two columns wide.
const covered = -1

// A cell holds a character, or parts of a line that a bus owns.
type cell struct {
	char  rune
	sides uint8
	owner int // bus whose trunk passes here, from 1
	dash  bool
}

func newCanvas(turned bool, main, cross int) *canvas {
	c := &canvas{turned: turned}
	width, height := main, cross
	if turned {
		width, height = cross, main
	}
	c.rows = make([][]cell, height)
	for y := range c.rows {
		c.rows[y] = make([]cell, width)
	}
	return c
}

func (c *canvas) at(main, cross int) *cell {
	if c.turned {
		return &c.rows[main][cross]
	}
	return &c.rows[cross][main]
}

// The sides of a line as the layers see them.
func (c *canvas) back() uint8   { return c.pick(west, north) }
func (c *canvas) forth() uint8  { return c.pick(east, south) }
func (c *canvas) lower() uint8  { return c.pick(north, west) }
func (c *canvas) higher() uint8 { return c.pick(south, east) }

func (c *canvas) pick(straight, turned uint8) uint8 {
	if c.turned {
		return turned
	}
	return straight
}

// arrow is the head of an edge.
func (c *canvas) arrow() rune {
	if c.turned {
		return '▼'
	}
	return '▶'
}

// joint is where an edge leaves a box.
func (c *canvas) joint() rune {
	if c.turned {
		return '┬'
	}
	return '├'
}

// trunk draws the part of a bus that runs across the layers.
func (c *canvas) trunk(main, lo, hi, owner int, dash bool) {
	for x := lo; x <= hi; x++ {
		cl := c.at(main, x)
		cl.owner, cl.dash = owner, dash
		if x > lo {
			cl.sides |= c.lower()
		}
		if x < hi {
			cl.sides |= c.higher()
		}
	}
}

// branch draws a line along the layers, from one place up to another; open says at which ends it
// goes on. Where it meets the trunk of another bus it passes below: the trunk stays whole, so a
// crossing never looks like a joint.
func (c *canvas) branch(from, to, cross, owner int, openBack, openForth, dash bool) {
	for m := from; m <= to; m++ {
		cl := c.at(m, cross)
		if cl.owner != 0 && cl.owner != owner {
			continue
		}
		if cl.owner == 0 {
			cl.dash = dash
		}
		if m > from || openBack {
			cl.sides |= c.back()
		}
		if m < to || openForth {
			cl.sides |= c.forth()
		}
	}
}

// box draws a frame with lines of text in it.
func (c *canvas) box(x, y, width, height int, text []string) {
	for dx := range width {
		c.rows[y][x+dx].char, c.rows[y+height-1][x+dx].char = '─', '─'
	}
	for dy := range height {
		c.rows[y+dy][x].char, c.rows[y+dy][x+width-1].char = '│', '│'
	}
	c.rows[y][x].char, c.rows[y][x+width-1].char = '┌', '┐'
	c.rows[y+height-1][x].char, c.rows[y+height-1][x+width-1].char = '└', '┘'
	for k, s := range text {
		c.text(x+2, y+1+k, s)
	}
}

// frame draws a group's border where nothing else is.
func (c *canvas) frame(x, y, width, height int, name string) {
	set := func(x, y int, r rune) {
		if y >= 0 && y < len(c.rows) && x >= 0 && x < len(c.rows[y]) {
			if cl := &c.rows[y][x]; cl.char == 0 && cl.sides == 0 {
				cl.char = r
			}
		}
	}
	at := x + 2
	for _, r := range " " + name + " " {
		w := displaywidth.Rune(r)
		if at+w+2 > x+width {
			break
		}
		set(at, y, r)
		if w == 2 {
			set(at+1, y, covered)
		}
		at += w
	}
	for dx := 1; dx < width-1; dx++ {
		set(x+dx, y, '┈')
		set(x+dx, y+height-1, '┈')
	}
	for dy := 1; dy < height-1; dy++ {
		set(x, y+dy, '┊')
		set(x+width-1, y+dy, '┊')
	}
	set(x, y, '┌')
	set(x+width-1, y, '┐')
	set(x, y+height-1, '└')
	set(x+width-1, y+height-1, '┘')
}

func (c *canvas) text(x, y int, s string) {
	for k, r := range []rune(s) {
		c.rows[y][x+k].char = r
	}
}

// String returns the rows, without blanks at their ends and below them.
func (c *canvas) String() string {
	var out strings.Builder
	for _, row := range c.rows {
		var line strings.Builder
		for _, cl := range row {
			if cl.char != covered {
				line.WriteRune(cl.rune())
			}
		}
		out.WriteString(strings.TrimRight(line.String(), " "))
		out.WriteByte('\n')
	}
	return strings.TrimRight(out.String(), "\n") + "\n"
}

func (cl cell) rune() rune {
	if cl.char != 0 {
		return cl.char
	}
	if cl.dash {
		switch cl.sides {
		case east, west, east | west:
			return '╌'
		case north, south, north | south:
			return '╎'
		}
	}
	return lines[cl.sides]
}
