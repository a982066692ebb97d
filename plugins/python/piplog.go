package python

import (
	"bufio"
	"context"
	"os"
	"path/filepath"
	"strings"

	"weft/plugins"
)

// pipAgain carries out what pip has said no package fits for: pip passes over an index that does not
// answer, and why, it tells a log file alone. Passwords in URLs are left out there. It is not
// told to write one at first, as it then shows no word of a package that does not build.
func pipAgain(ctx context.Context, call *plugins.Call, env []string, install step, dir string) error {
	say(call, "asking pip again, for its reasons")
	defer os.Remove(pipLog(call.TmpDir)) // nobody's artifact
	return carryOut(ctx, call, changed(env, nil, "PIP_LOG="+pipLog(call.TmpDir)), install, dir)
}

// pipLog is pip's log file of a build, below the attempt's scratch folder.
func pipLog(temp string) string { return filepath.Join(temp, "pip-log") }

// maxUnfetched bounds what is taken of the log: the first failures tell as much as all.
const maxUnfetched = 8 << 10

// unfetched returns the lines of pip's log that say what could not be fetched; "" if there are none.
func unfetched(path string) string {
	f, err := os.Open(path)
	if err != nil {
		return "" // uv, or a pip that did not come so far
	}
	defer f.Close()
	var said strings.Builder
	lines := bufio.NewScanner(f) // it ends at a line of more than 64 KiB, which is none of these
	for lines.Scan() && said.Len() < maxUnfetched {
		if _, what, ok := strings.Cut(lines.Text(), "Could not fetch URL "); ok {
			said.WriteString("\nCould not fetch URL " + what)
		}
	}
	return said.String()
}
