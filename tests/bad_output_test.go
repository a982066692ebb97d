package tests

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"weft/tests/s3server"
)

// badOutputs is what goes wrong with what a process leaves.
var badOutputs = []misuse{
	{"nan", `{run: 'echo "{\"a\": NaN}" > "$WEFT_OUTPUT"'}`, "remote", "cannot take the output: JSON has no NaN (write null or a text)"},
	{"bare_nan", `{run: 'echo NaN > "$WEFT_OUTPUT"'}`, "remote", `cannot read the output ($WEFT_OUTPUT): line 1 is neither JSON nor name=value: "NaN"`},
	{"infinity", `{run: 'echo "[-Infinity]" > "$WEFT_OUTPUT"'}`, "remote", "cannot take the output: JSON has no Infinity (write null or a text)"},
	{"cut", `{run: 'echo "{\"a\": 1" > "$WEFT_OUTPUT"'}`, "remote", "cannot take the output: it is no JSON: it ends too soon"},
	{"python", `{run: "echo \"{'a': 1}\" > \"$WEFT_OUTPUT\""}`, "remote", `cannot take the output: it is no JSON: invalid character '\'' looking for beginning of object key string (byte 2)`},
	{"comma", `{run: 'echo "{\"a\": 1,}" > "$WEFT_OUTPUT"'}`, "remote", "cannot take the output: it is no JSON: invalid character '}' looking for beginning of object key string (byte 9)"},
	{"two", `{run: 'printf "{}\n{}\n" > "$WEFT_OUTPUT"'}`, "remote", "cannot take the output: it is no JSON: something follows the value (byte 4)"},
	{"twice", `{run: 'echo "{\"a\": 1, \"a\": 2}" > "$WEFT_OUTPUT"'}`, "success", `{"a":1,"a":2}`},
	{"last_counts", `{uses: noop, with: {output: "${{ tasks.twice.output.a }}"}}`, "success", "2"},
	{"latin", `{run: 'printf "{\"a\": \"\374\"}" > "$WEFT_OUTPUT"'}`, "remote", "cannot take the output: it is not UTF-8: byte 8"},
	{"latin_line", `{run: 'printf "a=1\nb=\374\n" > "$WEFT_OUTPUT"'}`, "remote", `cannot read the output ($WEFT_OUTPUT): line 2 is not UTF-8: "b=\xfc"`},
	{"binary", `{run: 'printf "PNG\001\377" > "$WEFT_OUTPUT"'}`, "remote", `cannot read the output ($WEFT_OUTPUT): line 1 is not UTF-8: "PNG\x01\xff"`},
	{"deep", `{run: 'python3 -c "print(\"[\" * 1001 + \"]\" * 1001)" > "$WEFT_OUTPUT"'}`, "remote", "cannot take the output: it is nested too deeply: at most 1000 levels"},
	{"deeper", `{run: 'python3 -c "print(\"[\" * 20000 + \"]\" * 20000)" > "$WEFT_OUTPUT"'}`, "remote", "cannot take the output: it is nested too deeply: at most 1000 levels"},
	{"deepest", `{run: 'python3 -c "print(\"[\" * 2000000)" > "$WEFT_OUTPUT"'}`, "remote", "cannot take the output: it is nested too deeply: at most 1000 levels"},
	{"huge", `{run: 'echo 1e999 > "$WEFT_OUTPUT"'}`, "remote", "cannot take the output: the number 1e999 in it is out of range"},
	{"words", `{run: 'echo hello world > "$WEFT_OUTPUT"'}`, "remote", `cannot read the output ($WEFT_OUTPUT): line 1 is neither JSON nor name=value: "hello world"`},
	{"name", `{run: 'echo "my name=1" > "$WEFT_OUTPUT"'}`, "remote", `cannot read the output ($WEFT_OUTPUT): line 1 is neither JSON nor name=value: "my name=1"`},
	{"no_name", `{run: 'printf "a=1\n\n=2\n" > "$WEFT_OUTPUT"'}`, "remote", `cannot read the output ($WEFT_OUTPUT): line 3 is neither JSON nor name=value: "=2"`},
	{"no_end", `{run: 'printf "a<<END\nx\n" > "$WEFT_OUTPUT"'}`, "remote", `cannot read the output ($WEFT_OUTPUT): line 1 begins a text that no line "END" ends: "a<<END"`},
	{"folder", `{run: 'mkdir "$WEFT_OUTPUT"'}`, "remote", "cannot read the output ($WEFT_OUTPUT): it is a folder, not a file"},
	{"pipe", `{run: 'mkfifo "$WEFT_OUTPUT"'}`, "remote", "cannot read the output ($WEFT_OUTPUT): it is a pipe, not a file"},
	{"device", `{run: 'ln -s /dev/zero "$WEFT_OUTPUT"'}`, "remote", "cannot read the output ($WEFT_OUTPUT): it is a device, not a file"},
	{"loop", `{run: 'ln -s "$WEFT_OUTPUT" "$WEFT_OUTPUT"'}`, "remote", "cannot read the output ($WEFT_OUTPUT): too many levels of symbolic links"},
	{"removed", `{run: 'echo 1 > "$WEFT_OUTPUT"; rm "$WEFT_OUTPUT"; echo last'}`, "success", `"last"`},
	{"scratch", `{run: 'rm -rf "$WEFT_TMPDIR"; echo last'}`, "success", `"last"`},
	{"missing", `{run: 'echo a=1 > "$WEFT_OUTPUT"', outputs: {a: integer, b: string, c: any}}`, "remote", "cannot take the output: b is declared in outputs, but missing; c is declared in outputs, but missing"},
	{"wrong", `{run: 'printf "a=many\nb=2\n" > "$WEFT_OUTPUT"', outputs: {a: integer, b: boolean}}`, "remote", "cannot take the output: a must be a whole number, not text; b must be true or false, not text"},
	{"text", `{run: 'echo "{\"a\": \"1\"}" > "$WEFT_OUTPUT"', outputs: {a: integer}}`, "remote", "cannot take the output: a must be a whole number, not text"},
	{"bounds", `{run: 'echo "{\"a\": {\"b\": [1, 11]}}" > "$WEFT_OUTPUT"', outputs: {a: {type: object, properties: {b: {type: array, items: {type: integer, maximum: 10}}}}}}`, "remote", "cannot take the output: a.b.1 must be at most 10"},
	{"nothing", `{run: 'true', outputs: {a: integer}}`, "remote", "cannot take the output: outputs declares a, but the task gave no output"},
	{"list", `{run: 'echo "[1]" > "$WEFT_OUTPUT"', outputs: {a: integer}}`, "remote", "cannot take the output: outputs declares a, but the task gave a list"},
	{"long_lines", `{run: 'head -c 5000000 /dev/zero > "$WEFT_OUTPUT"'}`, "remote", "cannot read the output ($WEFT_OUTPUT): it is no JSON, and too long for name=value lines (5000000 bytes)"},
	{"large", `{run: '(printf "\""; head -c 100000000 /dev/zero | tr "\0" x; printf "\"") > "$WEFT_OUTPUT"'}`, "success", "null"},
	{"large_ref", `{uses: noop, needs: large, with: {output: "${{ tasks.large.ref.size }}"}}`, "success", "100000002"},
	{"large_read", `{run: 'echo "${{ len(tasks.large.output) }}"'}`, "bad_input", "cannot read tasks.large.output: it has 100000002 bytes, at most 67108864 are read (use tasks.large.ref)"},
	{"large_declared", `{run: '(printf "{\"a\":\""; head -c 100000000 /dev/zero | tr "\0" x; printf "\"}") > "$WEFT_OUTPUT"', outputs: {a: string}}`, "remote", "cannot take the output: it has 100000008 bytes, and outputs can be checked in 67108864 at most"},
	{"large_broken", `{run: '(printf "[\""; head -c 100000000 /dev/zero | tr "\0" x) > "$WEFT_OUTPUT"'}`, "remote", "cannot take the output: it is no JSON: it ends too soon"},
	{"wide", `{run: 'head -c 200000 /dev/zero | tr "\0" x'}`, "success", "null"},
	{"wide_used", `{run: 'echo "${{ tasks.wide.output }}"'}`, "bad_input", "misuses.yaml:43:27: cannot pass an expression in run to a process: its value has 200000 bytes, at most 122880 fit (hand it over as a file: inputs with tasks.NAME.ref)"},
	{"large_member", `{uses: noop, with: {output: "${{ tasks.large.output.x }}"}}`, "bad_input", "cannot read tasks.large.output: it has 100000002 bytes, at most 67108864 are read (use tasks.large.ref)"},
}

func TestBadOutputs(t *testing.T) {
	directly(t)
	w := newWorld(t)
	w.make("id: outputs\nmax_active_tasks: 4", badOutputs)
}

// spills is an output that does not fit beside the run.
const spills = `{run: 'head -c 60000 /dev/zero | tr "\0" x'}`

// TestHandoffsThatTakeNothing: what cannot be kept fails its task, with the place that did not take it.
func TestHandoffsThatTakeNothing(t *testing.T) {
	withS3(t)
	server := s3server.Start(t, "acme")
	t.Setenv("AWS_ENDPOINT_URL_S3", server.URL)
	t.Setenv("AWS_MAX_ATTEMPTS", "1")
	for _, c := range []struct{ handoff, kind, says string }{
		{"s3://absent/x", "temporary", "cannot put spill/<…>/spills/-/1/output.json into s3://absent/x/: there is no such bucket (check its name, the account and the endpoint)"},
		{"s3://a/x", "bad_input", `cannot use "s3://a/x" as handoff: "a" is no bucket's name (3 to 63 of a-z 0-9 . -)`},
		{"dynamodb://t", "bad_input", `cannot use "dynamodb://t" as handoff: this weft does not know the scheme "dynamodb" (it knows: dynamodb, file, s3)`},
		{"file://$DIR/file", "temporary", "cannot put spill/<…>/spills/-/1/output.json into $DIR/file: not a directory"},
		{"file:///proc/x", "temporary", "cannot put spill/<…>/spills/-/1/output.json into /proc/x: no such file or directory"},
	} {
		w := newWorld(t)
		w.write("file", "")
		w.make("id: spill\nhandoff: "+strings.ReplaceAll(c.handoff, "$DIR", w.dir), []misuse{{"spills", spills, c.kind, c.says}})
	}
	t.Run("denied", func(t *testing.T) {
		t.Setenv("AWS_SECRET_ACCESS_KEY", "wrong")
		newWorld(t).make("id: spill\nhandoff: s3://acme/x", []misuse{{"spills", spills, "temporary", "cannot put spill/<…>/spills/-/1/output.json into s3://acme/x/: the signature is wrong (check AWS_SECRET_ACCESS_KEY)"}})
		if left, _ := os.ReadDir(filepath.Join(server.Dir, "acme")); len(left) > 0 {
			t.Errorf("in the bucket: %v", left)
		}
	})
}
