package proc

import (
	"os"
	"os/exec"
	"testing"
)

// The two benchmarks are to be compared: what Run adds to the barest way to run a process.
// Measured by turns on 2 cores: Run takes about as long as os/exec.
func BenchmarkRun(b *testing.B) {
	env := os.Environ()
	for b.Loop() {
		if _, err := Run(b.Context(), Spec{Argv: []string{"/bin/sh", "-c", ": 1"}, Env: env}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkRunWithLive(b *testing.B) {
	env := os.Environ()
	live, err := CreateLive(b.TempDir()+"/live", Live{Run: "r", Task: "t", Index: -1})
	if err != nil {
		b.Fatal(err)
	}
	defer live.Close()
	for b.Loop() {
		if _, err := Run(b.Context(), Spec{Argv: []string{"/bin/sh", "-c", ": 1"}, Env: env, Live: live}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkBareExec(b *testing.B) {
	for b.Loop() {
		if err := exec.Command("/bin/sh", "-c", ": 1").Run(); err != nil {
			b.Fatal(err)
		}
	}
}
