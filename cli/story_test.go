package cli

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestStories types what each testdata/stories/NAME.txt types and compares what it sees. A story
// begins with files ("-- dags/a.yaml --" and the text below); then each line "$ weft …" is
// followed by what weft writes, to stdout and stderr as it comes, and by "[code]" if the exit
// code is not 0. "…" is one argument, "< file" at the end gives stdin, "> file" takes stdout away.
func TestStories(t *testing.T) {
	stories, err := filepath.Glob("testdata/stories/*.txt")
	if err != nil || len(stories) == 0 {
		t.Fatalf("no stories: %v", err)
	}
	for _, name := range stories {
		t.Run(filepath.Base(name), func(t *testing.T) {
			name, err := filepath.Abs(name)
			must(t, err)
			body, err := os.ReadFile(name)
			must(t, err)
			for _, v := range []string{"WEFT_HOME", "WEFT_DAGS", "WEFT_CONFIG", "WEFT_POOLS", "CLICOLOR_FORCE"} {
				t.Setenv(v, "")
			}
			t.Setenv("WEFT_SHELLCHECK", "off")
			t.Chdir(t.TempDir())
			compareGolden(t, name, tell(t, string(body)))
		})
	}
}

// tell plays a story and returns it as it went.
func tell(t *testing.T, story string) string {
	t.Helper()
	var out, file strings.Builder
	path, answer := "", false // the file that is being written; whether old output is passed over
	for line := range strings.Lines(story + "$ weft\n") {
		text := strings.TrimSpace(line)
		command, isCommand := strings.CutPrefix(text, "$ weft")
		name, isFile := strings.CutPrefix(text, "-- ")
		if path != "" && (isCommand || isFile) {
			must(t, os.MkdirAll(filepath.Dir(path), 0o755))
			must(t, os.WriteFile(path, []byte(file.String()), 0o644))
			path = ""
		}
		switch {
		case isCommand && command == "":
			return out.String() // the end, set above
		case isCommand:
			answer = true
			out.WriteString(line + typed(t, command))
		case isFile:
			answer = false
			path = strings.TrimSuffix(name, " --")
			file.Reset()
			out.WriteString(line)
		case !answer:
			out.WriteString(line)
			file.WriteString(line)
		}
	}
	return out.String()
}

// decided is a moment of the story itself, which is another each time.
var decided = regexp.MustCompile(`decided at [0-9:.]+`)

// arguments splits a command line at its spaces; "…" is one argument.
func arguments(line string) (out []string) {
	for i, part := range strings.Split(line, `"`) {
		if i%2 == 1 {
			out = append(out, part)
			continue
		}
		out = append(out, strings.Fields(part)...)
	}
	return out
}

func typed(t *testing.T, command string) string {
	t.Helper()
	stdin := []byte{}
	if c, file, ok := strings.Cut(command, " < "); ok {
		body, err := os.ReadFile(file)
		must(t, err)
		command, stdin = c, body
	}
	command, target, taken := strings.Cut(command, " > ")
	var seen, stdout bytes.Buffer
	to := &seen
	if taken {
		to = &stdout
	}
	code := Main(arguments(command), bytes.NewReader(stdin), to, &seen)
	if taken {
		must(t, os.WriteFile(target, stdout.Bytes(), 0o644))
	}
	text := seen.String()
	if dir, err := os.Getwd(); err == nil {
		text = strings.ReplaceAll(text, dir, "$PWD")
	}
	text = decided.ReplaceAllString(text, "decided at $$NOW")
	if text != "" && !strings.HasSuffix(text, "\n") {
		text += "\n"
	}
	if code != exitOK {
		text += fmt.Sprintf("[%d]\n", code)
	}
	return text + "\n"
}
