package schedule

import (
	"encoding/json"
	"fmt"
	"math"
)

// MaxCatchup is how many missed ticks of one absence become runs at most, `catchup: all` or not: the newest ones.
// An hourly schedule catches up a year. What is older is recorded as missed.
const MaxCatchup = 10_000

// A catchup is how many of the ticks that nobody was there for still run, the newest first.
type catchup int

func readCatchup(raw json.RawMessage) (catchup, error) {
	var limit struct {
		Max int `json:"max"`
	}
	switch text := string(raw); {
	case text == "" || text == "false" || text == `"false"`:
		return 0, nil
	case text == `"last"`:
		return 1, nil
	case text == `"all"`:
		return math.MaxInt32, nil
	case json.Unmarshal(raw, &limit) == nil && limit.Max > 0:
		return catchup(min(limit.Max, math.MaxInt32)), nil
	}
	return 0, fmt.Errorf("`catchup` is false, last, all or {max: N}, not %s", raw)
}

// keep returns how many missed ticks of one absence run.
func (c catchup) keep() int { return min(int(c), MaxCatchup) }

// String writes the policy as a file has it.
func (c catchup) String() string {
	switch c {
	case 0:
		return "false"
	case 1:
		return "last"
	case math.MaxInt32:
		return "all"
	}
	return fmt.Sprintf("{max: %d}", int(c))
}
