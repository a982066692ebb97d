package machine

// Begun lists the last attempt of each task, instance and callback of which one has been ordered, in the order of the
// file. The attempts before it have the numbers below its own.
func (r *Run) Begun() (keys []Key) {
	for _, nodes := range [][]*node{r.nodes, r.callList} {
		for _, n := range nodes {
			for k := range n.inst {
				if n.inst[k].attempt > 0 {
					keys = append(keys, n.key(k))
				}
			}
		}
	}
	return keys
}
