package graph

// draw puts everything on a canvas: lines first, boxes, then frames where nothing else is.
func (s *sheet) draw(along int) string {
	c := newCanvas(s.turned, along, s.cross)
	for k := range s.buses {
		s.drawChannel(c, k)
	}
	for i, it := range s.l.items {
		switch at := int(s.place.at[i]) + s.shift[it.layer]; {
		case it.node >= 0:
			s.drawBox(c, i, at)
		case len(s.l.up[i]) > 0: // a bend, not a placeholder
			from := s.main[it.layer]
			c.branch(from, from+s.depth[it.layer]-1, at, 0, true, true, it.dash)
		}
	}
	for gi, name := range s.l.groups {
		s.drawFrame(c, gi, name)
	}
	return c.String()
}

// drawChannel draws trunks before branches: a branch gives way to the trunks of others.
func (s *sheet) drawChannel(c *canvas, k int) {
	for n, b := range s.buses[k] {
		if b.track >= 0 {
			lo, hi := b.ends()
			c.trunk(s.track(k, b), lo, hi, n+1, b.dash)
		}
	}
	begin := s.main[k] + s.depth[k]
	for n, b := range s.buses[k] {
		end := s.main[k+1] - 1
		if b.track < 0 {
			c.branch(begin, end, b.exits[0], n+1, true, true, b.dash)
		} else {
			at := s.track(k, b)
			for _, x := range b.exits {
				c.branch(begin, at, x, n+1, true, false, b.dash)
			}
			for _, x := range b.entries {
				c.branch(at, end, x, n+1, false, true, b.dash)
			}
		}
		for j, i := range b.to {
			if s.l.items[i].node >= 0 {
				c.at(end, b.entries[j]).char = c.arrow()
			}
		}
	}
}

func (s *sheet) drawBox(c *canvas, i, at int) {
	it, r := s.l.items[i], s.reach(i)
	before, across := int(r.before), int(r.before+r.after)+1
	x, y, w, h := s.main[it.layer], at-before, s.depth[it.layer], across
	if s.turned {
		x, y, w, h = y, x, h, w
	}
	c.box(x, y, w, h, s.labels[it.node])
	for k := range s.exits[i] {
		c.at(s.main[it.layer]+s.depth[it.layer]-1, s.port(i, k, s.exits[i])).char = c.joint()
	}
}

// drawFrame draws a group's border around its layers.
func (s *sheet) drawFrame(c *canvas, gi int, name string) {
	lo, hi := -1, 0
	for _, it := range s.l.items {
		if it.group == gi && it.node >= 0 {
			if lo < 0 || it.layer < lo {
				lo = it.layer
			}
			hi = max(hi, it.layer)
		}
	}
	begin, end := s.main[lo]-2, s.main[hi]+s.depth[hi]+1
	top := int(s.place.top[gi]) + s.shift[lo]
	bottom := int(s.place.bottom[gi]) + s.shift[hi]
	if s.turned {
		c.frame(top, begin, bottom-top+1, end-begin, name)
		return
	}
	c.frame(begin, top, end-begin+1, bottom-top+1, name)
}
