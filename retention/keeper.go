package retention

import (
	"errors"
	"time"

	"weft/handoff"
	"weft/logs"
	"weft/store"
)

// A Keeper knows where everything is that may go.
type Keeper struct {
	Store store.Store
	// Lock takes the lock of whoever drives a run; Free has its error, if it would have one; Driven
	// tells of such an error whether another has the lock.
	Lock   func(run string) (unlock func(), err error)
	Free   func(run string) error
	Driven func(error) bool
	Logs   *logs.Store
	// Place opens a handoff; Handoff is the configured one, Own the folder that is the home's own.
	Place        func(uri string) (handoff.Backend, error)
	Handoff      string
	Own          string
	Sandbox      bool // s3:// is the sandbox: see apart
	Scratch      Scratch
	Environments Environments
	Now          func() time.Time
	Workers      int // how many runs are looked at, and removed, at one time; 0 = 8

	// step is called before each step of a removal; its error is as a crash there. Tests alone set it.
	step func(point string) error
}

// Scratch is the scratch folders of runs.
type Scratch struct {
	List func() (map[string]handoff.Amount, error) // by run
	// Alive tells whether something of a run may still live.
	Alive  func(run string) (bool, error)
	Remove func(run string) error
}

// Environments are what tasks work in and anyone can have made anew.
type Environments struct {
	List func() ([]Environment, error)
	// Remove removes one that nobody has used since; gone is false if it is in use after all.
	Remove func(name string, since time.Time) (gone bool, err error)
}

// An Environment is what is known of one.
type Environment struct {
	Name  string    `json:"name"`
	Used  time.Time `json:"used"` // last, to the day
	Bytes int64     `json:"bytes"`
	Half  bool      `json:"-"` // left by a build that was cut off: a leftover
}

func (k *Keeper) workers() int {
	if k.Workers > 0 {
		return k.Workers
	}
	return 8
}

// at is the moment before a step.
func (k *Keeper) at(point string) error {
	if k.step == nil {
		return nil
	}
	return k.step(point)
}

// A Note says of a thing what is the matter with it.
type Note struct {
	What string `json:"what"` // run r, environment e
	Why  string `json:"why"`
}

// Notes sorts out what does not go: what is left alone, as it should be, and what failed.
type Notes struct {
	Alone  []Note `json:"left_alone,omitempty"`
	Failed []Note `json:"failed,omitempty"`
}

// note takes an error; those that say that someone else is at it are no failures.
func (k *Keeper) note(n *Notes, what string, err error) {
	entry := Note{what, err.Error()}
	var alone aloneError
	if k.Driven(err) || errors.Is(err, store.ErrGap) || errors.As(err, &alone) {
		n.Alone = append(n.Alone, entry)
		return
	}
	n.Failed = append(n.Failed, entry)
}

// An aloneError is a reason to leave a thing alone that is nobody's fault.
type aloneError string

func (e aloneError) Error() string { return string(e) }
