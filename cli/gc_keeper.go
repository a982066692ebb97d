package cli

import (
	"errors"
	"path/filepath"
	"time"

	"weft/handoff"
	"weft/plugins/python"
	"weft/proc"
	"weft/retention"
	"weft/runner"
	"weft/runner/local"
)

// keeper shows a session's places to those who tidy up.
func (s *session) keeper(inSandbox bool) *retention.Keeper {
	home := s.conf.Home
	cache := filepath.Join(home, cacheFolder)
	return &retention.Keeper{
		Store:  s.store,
		Lock:   local.FileLocks{Dir: filepath.Join(home, "runs")}.Lock,
		Free:   s.free,
		Driven: func(err error) bool { return errors.Is(err, local.ErrDriven) },
		Logs:   s.logs,
		Place:  handoff.Known().At, Handoff: s.conf.Handoff, Own: ownHandoff(home), Sandbox: inSandbox,
		Scratch: retention.Scratch{
			List: func() (map[string]handoff.Amount, error) { return runner.Scratches(home) },
			Alive: func(run string) (bool, error) {
				paths, err := runner.LiveFiles(home, run)
				if err != nil {
					return false, err
				}
				return proc.Alive(paths...)
			},
			Remove: func(run string) error { return runner.Sweep(home, run) },
		},
		Environments: retention.Environments{
			List: func() ([]retention.Environment, error) {
				found, err := python.Environments(cache)
				out := make([]retention.Environment, len(found))
				for i, e := range found {
					out[i] = retention.Environment(e)
				}
				return out, err
			},
			Remove: func(name string, since time.Time) (bool, error) { return python.Remove(cache, name, since) },
		},
		Now: time.Now,
	}
}

// cacheFolder is what of the state folder plugins keep; ownHandoff the handoff without another.
const cacheFolder = "cache"

func ownHandoff(home string) string { return filepath.Join(home, "handoff") }
