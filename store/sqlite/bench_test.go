package sqlite

import (
	"fmt"
	"sync"
	"testing"
)

// One who waits for each append; then groups of 64 who wait together.
func BenchmarkAppend(b *testing.B) {
	for _, n := range []int{1, 64} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			s := open(b, b.TempDir())
			for i := range n {
				fine(b, s.Create(b.Context(), aRun(fmt.Sprint(i)), nil))
			}
			b.ResetTimer()
			for seq := 1; seq <= (b.N+n-1)/n; seq++ {
				var all sync.WaitGroup
				all.Add(n)
				for i := range n {
					s.Append(fmt.Sprint(i), recs(seq, 1), nil, func(err error) {
						if err != nil {
							b.Error(err)
						}
						all.Done()
					})
				}
				all.Wait()
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
		})
	}
}

// What every `weft run` pays: a file that is there, with nothing asked of it.
func BenchmarkOpen(b *testing.B) {
	dir := b.TempDir()
	s := open(b, dir)
	fine(b, s.Create(b.Context(), aRun("r"), recs(1, 10)))
	fine(b, s.Close())
	for b.Loop() {
		s, err := Open(dir)
		fine(b, err)
		b.StopTimer()
		fine(b, s.Close())
		b.StartTimer()
	}
}
