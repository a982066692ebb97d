package spec

import "testing"

// TestWhatAShellReadsAgainIsSaid: where bash evaluates a value after it has replaced the variable, as
// code or as a name with an index (`a[$(cmd)]` runs cmd), the author is warned; elsewhere not.
func TestWhatAShellReadsAgainIsSaid(t *testing.T) {
	for script, warned := range map[string]bool{
		`eval echo @`:                          true,
		`sh -c "echo @"`:                       true,
		`command eval "echo @"`:                true,
		`builtin eval "echo @"`:                true,
		`exec /bin/bash -ec "echo @"`:          true,
		`env -i PATH=/bin bash -c "echo @"`:    true,
		`timeout -s KILL 5 sh -c "echo @"`:     true,
		`printf -v "@" %s x`:                   true,
		`declare "@"`:                          true,
		`f() { local "@"; }`:                   true,
		`typeset "a@=1"`:                       true,
		`read -r "@"`:                          true,
		`getopts ab "@"`:                       true,
		`printf %s @`:                          false,
		`printf -v x %s @`:                     false,
		`declare "x=@"`:                        false,
		`f() { local x=@; }`:                   false,
		`export "@"`:                           false,
		`timeout 5 printf %s @`:                false,
		`env X=@ printenv X`:                   false,
		`sh -c 'echo "$1"' sh @`:               false,
		`env sh -c 'echo "$1"' sh @`:           false,
		`nice grep -c @ file`:                  false,
		`xargs -n1 sh -c 'echo "$0"' <<< @`:    false,
		`command -v @`:                         false,
		`find . -name @ -exec printf %s {} \;`: false,
	} {
		_, found := parsed(script)
		if has(found, xEval) != warned {
			t.Errorf("%s: warned %v, want %v\n%s", script, !warned, warned, show(found))
		}
		if hasSeverity(found, Error) {
			t.Errorf("%s:\n%s", script, show(found))
		}
	}
	// Behind `command` the operands of -eq are what they are without it.
	if _, found := parsed(`command test 1 -eq @`); !has(found, xArithmetic) {
		t.Errorf("command test:\n%s", show(found))
	}
}
