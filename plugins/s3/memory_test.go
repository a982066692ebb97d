package s3

import (
	"os"
	"path/filepath"
	"runtime"
	"runtime/metrics"
	"testing"
	"time"
)

// TestAQuarterOfAGigabyteTakesLittleMemory sends and fetches 256 MiB and watches the heap.
func TestAQuarterOfAGigabyteTakesLittleMemory(t *testing.T) {
	b := newBench(t)
	const size = 256 << 20
	b.file(b.tmp, "large", "it begins")
	if err := os.Truncate(filepath.Join(b.tmp, "large"), size); err != nil { // zeros, and no space on disk
		t.Fatal(err)
	}
	grown := watchHeap(t)
	b.do(Put{}, `{"uri": "s3://acme/large", "file": "large"}`)
	t.Logf("put: heap grew by %d MiB", grown()>>20)
	b.do(Get{}, `{"uri": "s3://acme/large", "to": "back"}`)
	most := grown()
	t.Logf("get: heap grew by %d MiB at most", most>>20)
	if info, err := os.Stat(filepath.Join(b.tmp, "back")); err != nil || info.Size() != size {
		t.Errorf("%v, %v", info, err)
	}
	if most > 64<<20 {
		t.Errorf("the heap grew by %d MiB, more than 64", most>>20)
	}
}

// watchHeap samples the heap until the test ends; the function tells by how much it has grown at most.
func watchHeap(t *testing.T) func() int64 {
	sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	now := func() int64 {
		metrics.Read(sample)
		return int64(sample[0].Value.Uint64())
	}
	runtime.GC()
	start := now()
	ask, answer, stop := make(chan struct{}), make(chan int64), make(chan struct{})
	go func() {
		defer close(answer)
		tick, most := time.NewTicker(2*time.Millisecond), start
		defer tick.Stop()
		for {
			most = max(most, now())
			select {
			case <-tick.C:
			case <-ask:
				answer <- most - start
			case <-stop:
				return
			}
		}
	}()
	t.Cleanup(func() {
		close(stop)
		<-answer
	})
	return func() int64 {
		ask <- struct{}{}
		return <-answer
	}
}
