package mem

// Pending returns how many appends wait for Flush.
func (s *Store) Pending() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.waiting)
}

// Flush makes the appends that wait durable, as one group, and calls their dones in order. It
// returns how many they were. What the dones append waits for the next Flush.
func (s *Store) Flush() int { return s.drain(all) }

// FlushFirst is Flush of the first append that waits, as a group of its own.
func (s *Store) FlushFirst() int { return s.drain(1) }

// Persist makes the first n appends that wait durable and forgets their dones: the disk has them,
// and nobody was told. Crash comes next.
func (s *Store) Persist(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n = min(n, len(s.waiting))
	for _, a := range s.waiting[:n] {
		if a.err == nil {
			_ = s.write(a) // refused, it leaves nothing; and there is nobody to tell
		}
	}
	s.waiting = s.waiting[n:]
}

// Crash is the end of the process: appends that wait are gone, and their dones are never called. Of
// the first of them, torn records came to the disk, without its end: Read must not see them. The
// store itself goes on as the next process would find it.
func (s *Store) Crash(torn int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if torn > 0 && len(s.waiting) > 0 {
		s.tear(s.waiting[0], torn)
	}
	s.waiting, s.fail = nil, nil
}

func (s *Store) tear(a *appending, torn int) {
	r, ok := s.runs[a.run]
	if a.err != nil || !ok || len(a.entries) == 0 || a.entries[0].Seq != r.seq+1 {
		return // it would have been refused before it came to the disk
	}
	end, whole := r.seq, r.sum
	r.add(a.entries[:min(torn, len(a.entries))])
	r.batches[len(r.batches)-1].torn = true
	r.seq, r.sum = end, whole
}

// Fail makes the next write fail: the next Flush that has something to write, or the next Create,
// PutPlan, PutAsk or DropAsks, whichever comes first. Nothing of it is kept, and the store goes on.
func (s *Store) Fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fail = err
}
