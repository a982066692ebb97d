package sim

import (
	"flag"
	"fmt"
	"os"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

var (
	seedFlag  = flag.Uint64("seed", 0, "play this one story, with its trace")
	fromFlag  = flag.Uint64("from", 0, "the first seed (0 = 1; in the long run by the clock)")
	countFlag = flag.Uint64("count", 0, "how many stories (0 = 500; in the long run 10,000)")
)

// kept are seeds beyond the ordinary ones that once failed.
var kept = []uint64{1132, 1418, 1456, 1639, 2503}

// soak tells whether this is the long run.
func soak() bool { return os.Getenv("WEFT_SOAK") != "" }

// totals sums up what happened in many stories.
type totals struct {
	mu               sync.Mutex
	stats            Stats
	stories, crashed int
	longest          time.Duration
	failed           []string
}

func (a *totals) add(seed uint64, st Stats, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.stories++
	if st.Crashes > 0 {
		a.crashed++
	}
	a.stats.Runs += st.Runs
	a.stats.Tasks += st.Tasks
	a.stats.Judged += st.Judged
	a.stats.Starts += st.Starts
	a.stats.Again += st.Again
	a.stats.Crashes += st.Crashes
	a.stats.Failures += st.Failures
	a.stats.Drains += st.Drains
	a.stats.Left += st.Left
	a.stats.Jobs += st.Jobs
	a.stats.Found += st.Found
	a.stats.Halted += st.Halted
	a.longest = max(a.longest, st.Virtual)
	if err != nil {
		a.failed = append(a.failed, fmt.Sprintf("seed %d: %v\nrepeat it: go test ./sim -run TestStories -v -seed %d", seed, err, seed))
	}
}

// TestStories is R01: random DAGs under faults, in virtual time.
func TestStories(t *testing.T) {
	if *seedFlag != 0 {
		st, err := Tell(*seedFlag, Bug{}, func(format string, args ...any) { fmt.Printf(format+"\n", args...) })
		t.Logf("%+v", st)
		if err != nil {
			t.Fatal(err)
		}
		return
	}
	from, count := uint64(1), uint64(500)
	if soak() {
		from, count = uint64(time.Now().Unix()), 10_000
	}
	if *fromFlag != 0 {
		from = *fromFlag
	}
	if *countFlag != 0 {
		count = *countFlag
	}
	seeds := make([]uint64, 0, count)
	for i := range count {
		seeds = append(seeds, from+i)
	}
	sum := tellAll(append(seeds, kept...))
	t.Logf("%d stories from seed %d, %d of them (%d %%) with crashes: %d runs (%d to their own end) of %d tasks, %d processes (%d begun again), %d crashes, %d ends in order (%d left something), %d runs given up, %d jobs elsewhere (%d found again, %d stopped), the longest %s",
		sum.stories, from, sum.crashed, 100*sum.crashed/sum.stories, sum.stats.Runs, sum.stats.Judged, sum.stats.Tasks,
		sum.stats.Starts, sum.stats.Again, sum.stats.Crashes, sum.stats.Drains, sum.stats.Left, sum.stats.Failures, sum.stats.Jobs, sum.stats.Found, sum.stats.Halted, sum.longest.Round(time.Second))
	slices.Sort(sum.failed)
	for i, f := range sum.failed {
		if i == 10 {
			t.Fatalf("and %d more", len(sum.failed)-i)
		}
		t.Error(f)
	}
	if sum.crashed*3 < sum.stories || sum.stats.Again == 0 || sum.stats.Failures == 0 || sum.stats.Drains == 0 || sum.stats.Found == 0 || sum.stats.Halted == 0 {
		t.Errorf("these stories are too smooth to show anything: %+v", sum.stats)
	}
}

// tellAll plays stories, as many at once as there are cores; each tenth twice.
func tellAll(seeds []uint64) *totals {
	var sum totals
	var next atomic.Int64
	var wg sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= len(seeds) {
					return
				}
				st, err := Tell(seeds[i], Bug{}, nil)
				if err == nil && i%10 == 0 {
					if again, _ := Tell(seeds[i], Bug{}, nil); again.Hash != st.Hash {
						err = fmt.Errorf("not the same story twice: %s, then %s", st.Hash, again.Hash)
					}
				}
				sum.add(seeds[i], st, err)
			}
		})
	}
	wg.Wait()
	return &sum
}

func TestAnotherSeedIsAnotherStory(t *testing.T) {
	seen := map[string]uint64{}
	for seed := uint64(1); seed <= 20; seed++ {
		st, err := Tell(seed, Bug{}, nil)
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		if other, twice := seen[st.Hash]; twice {
			t.Errorf("seeds %d and %d are one story", other, seed)
		}
		seen[st.Hash] = seed
	}
}
