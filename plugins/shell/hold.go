package shell

import (
	"context"
	"errors"
	"slices"
	"strings"

	"weft/proc"
)

// gate is what a held shell does first; proc.GateFD is its 3. It stands in the first line of the script, so that
// the lines keep their numbers, and leaves nothing behind: no variable, no open file. Where there is no line it is
// killed: a gate that did not open must never look like a script that has succeeded.
const gate = "read -r WEFT_GATE <&3 || kill -KILL $$; unset WEFT_GATE; exec 3<&-; "

// restart sets bash's own clock to zero: the time at the gate is none of the script's.
const restart = "SECONDS=0; "

// hold starts the shell, up to where it would read the script; nil if that is not the same as starting it later.
func (j *job) hold() *proc.Held {
	if j.script == 0 || slices.ContainsFunc(j.call.Env, startsCode) {
		return nil
	}
	p := j.process()
	p.Argv = slices.Clone(j.argv)
	prelude := gate
	if p.Argv[0] == "bash" {
		prelude += restart
	}
	p.Argv[j.script] = prelude + p.Argv[j.script]
	held, err := proc.Hold(p)
	if err != nil {
		return nil // whoever starts it later meets the same, and says so
	}
	return held
}

// runHeld lets a held shell go on; where somebody has killed it at its gate, another is started.
func (j *job) runHeld(held *proc.Held) func(context.Context) (proc.Exit, error) {
	return func(ctx context.Context) (proc.Exit, error) {
		e, err := held.Run(ctx)
		if errors.Is(err, proc.ErrGone) {
			return j.run(ctx)
		}
		return e, err
	}
}

// startsCode tells of a variable that may have a shell run what is the user's before it reads its script, or read
// the gate in another way.
func startsCode(kv string) bool {
	name, _, _ := strings.Cut(kv, "=")
	switch name {
	case "BASH_ENV", "ENV", "SHELLOPTS", "BASHOPTS", "LD_PRELOAD", "LD_AUDIT", "TMOUT", "WEFT_GATE":
		return true // TMOUT ends a read
	}
	return strings.HasPrefix(name, "BASH_FUNC_") // an exported function
}
