package tests

import (
	"archive/zip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"weft/tests/s3server"
)

const bucket = "acme-us-east-1-data"

// patterns asks each of the nine patterns for each of its ends, against a real S3 server. $DIR is
// the test's folder. then looks at what the run has left, and may go on with it.
var patterns = []struct {
	dag, params string
	code        int
	states      string
	then        func(*pattern)
}{
	{"p1_one_task", "", 0, "task1=success", func(p *pattern) { p.hasNumber("dag1/task1.output.json", 72); p.gaveObject() }},
	{"p1_one_task", "seed=7", 0, "task1=success", func(p *pattern) { p.hasNumber("dag1/task1.output.json", 98) }},

	{"p2_two_in_a_row", "", 0, "task1=success task1_object=success task2=success task2_object=success", bothWrote("dag2")},
	{"p2_two_in_a_row", "seed=5 chance=0", 0, "task1=success task1_object=success task2=success task2_object=success", bothWrote("dag2")},
	{"p2_two_in_a_row", "seed=5", 1, "task1=failed task1_object=upstream_failed task2=upstream_failed task2_object=upstream_failed", luckier},

	{"p3_side_by_side", "", 0, "task1=success task1_object=success task2=success task2_object=success", bothWrote("dag3")},
	{"p3_side_by_side", "seed=5", 1, "task1=failed task1_object=upstream_failed task2=success task2_object=success", clearedAlone},

	{"p4_packages", "python=3", 0, "task1=success", isolated},

	{"p5_output_is_edge", "name=acme", 0, "sender=success receiver=success", edgeIsSeen},

	{"p6_small_data", "", 0, "task1=success task2=success task3=success", sameText(1, 0)},
	{"p6_small_data", "repeat=2000", 0, "task1=success task2=success task3=success", sameText(2000, 1)},

	{"p7_large_data", "folder=$DIR", 0, "data=success task1=success task2=success task3=success compare=success tidy=success", apart},

	{"p8_poll_job", "step=0.01", 0, "task0_doing=success task0=success task0_done=success task1=success task2=success", told8("succeeded")},
	{"p8_poll_job", "step=0.01 seed=2", 1, "task0=success task0_done=success task1=success task2=failed", told8("failed")},

	{"p9_fan_out_fan_in", "pause=0", 0, "task2=success task4=success task5=success task6=success", gathered(true, true)},
	{"p9_fan_out_fan_in", "pause=0 seed=3", 0, "task2=failed task4=success task5=success task6=success", gathered(false, true)},
	{"p9_fan_out_fan_in", "pause=0 seed=1", 0, "task2=success task4=failed task5=success task6=success", gathered(true, false)},
	{"p9_fan_out_fan_in", "pause=0 seed=18", 0, "task2=failed task4=failed task5=success task6=success", gathered(false, false)},
}

// A pattern is one that has run: its world, the bucket, and how it ended.
type pattern struct {
	*world
	s3   *s3.Client
	file string
	name string   // below projects/, this test's own
	args []string // of the run
	sum  summary
}

// withS3 starts the server and tells weft of it by the environment alone.
func withS3(t *testing.T) *s3.Client {
	t.Helper()
	server := s3server.Start(t, bucket)
	for name, value := range map[string]string{
		"AWS_ENDPOINT_URL_S3": server.URL, "AWS_ENDPOINT_URL": "", "AWS_PROFILE": "", "AWS_CONFIG_FILE": os.DevNull, "AWS_SHARED_CREDENTIALS_FILE": os.DevNull,
		"AWS_ACCESS_KEY_ID": s3server.Access, "AWS_SECRET_ACCESS_KEY": s3server.Secret, "AWS_SESSION_TOKEN": "", "AWS_REGION": s3server.Region,
	} {
		t.Setenv(name, value)
	}
	return s3.New(s3.Options{
		BaseEndpoint: &server.URL, UsePathStyle: true, Region: s3server.Region,
		Credentials: credentials.NewStaticCredentialsProvider(s3server.Access, s3server.Secret, ""),
	})
}

// newPattern is a world for an example; params are name=value, blanks between.
func newPattern(t *testing.T, client *s3.Client, dag, params string) *pattern {
	t.Helper()
	file, err := filepath.Abs("../dags/" + dag + ".yaml")
	if err != nil {
		t.Fatal(err)
	}
	p := &pattern{world: newWorld(t), s3: client, file: file}
	p.name = filepath.Base(filepath.Dir(p.dir)) // of the test's folder: no two tests share it
	for _, kv := range strings.Fields(params) {
		p.args = append(p.args, "-p", strings.ReplaceAll(kv, "$DIR", p.dir))
	}
	if strings.Contains(mustRead(t, file), "params.bucket") {
		p.args = append(p.args, "-p", "bucket="+bucket, "-p", "name="+p.name)
	}
	return p
}

func (p *pattern) again(more ...string) (summary, result) {
	p.t.Helper()
	return p.runJSON(append(append([]string{p.file}, p.args...), more...)...)
}

func TestThePatternsInEveryOutcome(t *testing.T) {
	client, links, theirs := withS3(t), t.TempDir(), t.TempDir()
	for _, version := range []string{"1.9.9", "2.0.5", "3.0.0"} { // the range admits one of them
		writeS3Pathlib(t, links, version)
	}
	if err := os.MkdirAll(filepath.Join(theirs, "theirs-1.0.dist-info"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(theirs, "theirs-1.0.dist-info/METADATA"), []byte("Metadata-Version: 2.1\nName: theirs\nVersion: 1.0\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]string{
		"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": links, "PIP_CONFIG_FILE": os.DevNull, "UV_NO_INDEX": "1", "UV_FIND_LINKS": links,
		"PYTHONPATH": theirs, // a package of weft's own surroundings
	} {
		t.Setenv(name, value)
	}
	for _, o := range patterns {
		t.Run(strings.TrimSpace(o.dag+" "+o.params), func(t *testing.T) {
			t.Parallel()
			p := newPattern(t, client, o.dag, o.params)
			var res result
			p.sum, res = p.again()
			var ids []string
			for _, s := range strings.Fields(o.states) {
				ids = append(ids, s[:strings.LastIndex(s, "=")])
			}
			if got := p.sum.states(ids...); got != o.states || res.code != o.code {
				t.Fatalf("exit %d, want %d\n got %s\nwant %s\n%s", res.code, o.code, got, o.states, res.stderr)
			}
			o.then(p)
		})
	}
}

// object reads projects/NAME/key.
func (p *pattern) object(key string) (content, kind string) {
	p.t.Helper()
	at, in := "projects/"+p.name+"/"+key, bucket
	out, err := p.s3.GetObject(p.t.Context(), &s3.GetObjectInput{Bucket: &in, Key: &at})
	if err != nil {
		p.t.Fatalf("%s: %v", at, err)
	}
	defer out.Body.Close()
	raw, err := io.ReadAll(out.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	if out.ContentType != nil {
		kind = *out.ContentType
	}
	return string(raw), kind
}

// put writes projects/NAME/key, as somebody outside.
func (p *pattern) put(key, content string) {
	p.t.Helper()
	at, in := "projects/"+p.name+"/"+key, bucket
	if _, err := p.s3.PutObject(p.t.Context(), &s3.PutObjectInput{Bucket: &in, Key: &at, Body: strings.NewReader(content)}); err != nil {
		p.t.Fatal(err)
	}
}

// hasNumber checks an object of patterns 1 to 3; a number of 0 is any.
func (p *pattern) hasNumber(key string, number int) {
	p.t.Helper()
	content, kind := p.object(key)
	var got struct {
		Value    int       `json:"value"`
		Datetime time.Time `json:"datetime"`
	}
	if err := json.Unmarshal([]byte(content), &got); err != nil || kind != "application/json" {
		p.t.Errorf("%s is %s, %s: %v", key, kind, content, err)
	}
	if got.Value < 1 || got.Value > 100 || number != 0 && got.Value != number || time.Since(got.Datetime).Abs() > time.Hour {
		p.t.Errorf("%s holds %s, want the number %d", key, content, number)
	}
}

func (p *pattern) gaveObject() {
	want := `"uri":"s3://` + bucket + "/projects/" + p.name + `/dag1/task1.output.json"`
	if got := string(p.sum.Tasks["task1"].Output); !strings.Contains(got, want) {
		p.t.Errorf("task1 gave %s, want %s in it", got, want)
	}
}

// returned checks what task1 and task2 of patterns 2 and 3 return.
func (p *pattern) returned(sum summary, dag string) {
	p.t.Helper()
	for _, task := range []string{"task1", "task2"} {
		if got, want := string(sum.Tasks[task].Output), `"returned":"Returned by `+task+`"`; !strings.Contains(got, want) {
			p.t.Errorf("%s gave %s, want %s in it", task, got, want)
		}
		p.hasNumber(dag+"/"+task+".output.json", 0)
	}
}

func bothWrote(dag string) func(*pattern) {
	return func(p *pattern) { p.returned(p.sum, dag) }
}

// luckier: the second attempt of task1 throws other dice.
func luckier(p *pattern) {
	res := p.run("retry", p.sum.Run, "--json")
	sum := p.last(res.out)
	if res.code != 0 || sum.State != "success" {
		p.t.Fatalf("the retry: exit %d, %s\n%s", res.code, sum.State, res.stderr)
	}
	p.returned(sum, "dag2")
}

// clearedAlone: task1 runs again, task2 does not.
func clearedAlone(p *pattern) {
	if p.sum.State != "failed" {
		p.t.Errorf("one failure, and the run is %s", p.sum.State)
	}
	res := p.run("clear", p.sum.Run, "--task", "task1", "--json")
	sum := p.last(res.out)
	if res.code != 0 || sum.State != "success" {
		p.t.Fatalf("clear: exit %d, %s\n%s", res.code, sum.State, res.stderr)
	}
	if before, after := string(p.sum.Tasks["task2"].Output), string(sum.Tasks["task2"].Output); before != after { // it has the time
		p.t.Errorf("task2 gave %s, after the clear %s", before, after)
	}
	p.returned(sum, "dag3")
}

// isolated: the environment has what was asked for alone, and a second run builds nothing.
func isolated(p *pattern) {
	builds := func() (list []string) {
		dirs, _ := filepath.Glob(filepath.Join(p.dir, "state/cache/venvs/*/pyvenv.cfg"))
		for _, d := range dirs {
			info, err := os.Stat(d)
			if err != nil {
				p.t.Fatal(err)
			}
			list = append(list, d+" "+info.ModTime().String()+fmt.Sprint(info.Sys().(*syscall.Stat_t).Ino))
		}
		return list
	}
	first := builds()
	if len(first) != 1 {
		p.t.Fatalf("environments: %q", first)
	}
	sum, res := p.again()
	if second := builds(); res.code != 0 || len(second) != 1 || second[0] != first[0] {
		p.t.Errorf("exit %d; built %q, then %q\n%s", res.code, first, second, res.stderr)
	}
	if log := p.run("logs", sum.Run, "task1").out; strings.Contains(log, "install") {
		p.t.Errorf("the second run installs:\n%s", log)
	}
	var got struct {
		Version  string   `json:"version"`
		URI      string   `json:"uri"`
		Packages []string `json:"packages"`
	}
	if err := json.Unmarshal(sum.Tasks["task1"].Output, &got); err != nil {
		p.t.Fatal(err)
	}
	if got.Version != "2.0.5" || got.URI != "s3://"+bucket+"/projects/"+p.name+"/dag4/task1.output.json" {
		p.t.Errorf("task1 gave %+v", got)
	}
	for _, name := range got.Packages {
		if name != "s3pathlib" && name != "pip" && name != "setuptools" {
			p.t.Errorf("%s is visible in the environment", name)
		}
	}
}

// writeS3Pathlib writes a package of that name as a wheel.
func writeS3Pathlib(t *testing.T, folder, version string) {
	t.Helper()
	f, err := os.Create(filepath.Join(folder, "s3pathlib-"+version+"-py3-none-any.whl"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	info := "s3pathlib-" + version + ".dist-info/"
	z := zip.NewWriter(f)
	for _, file := range [][2]string{
		{"s3pathlib.py", "class S3Path:\n    def __init__(self, *parts):\n        self.uri = 's3://' + '/'.join(parts)\n"},
		{info + "METADATA", "Metadata-Version: 2.1\nName: s3pathlib\nVersion: " + version + "\n"},
		{info + "WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"},
		{info + "RECORD", "s3pathlib.py,,\n" + info + "METADATA,,\n" + info + "WHEEL,,\n" + info + "RECORD,,\n"},
	} {
		w, err := z.Create(file[0])
		if err == nil {
			_, err = w.Write([]byte(file[1]))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
}

func edgeIsSeen(p *pattern) {
	if got, want := string(p.sum.Tasks["receiver"].Output), `"received - sent for acme"`; got != want {
		p.t.Errorf("receiver gave %s, want %s", got, want)
	}
	if out := p.run("graph", p.file, "--format", "dot").out; !strings.Contains(out, `"sender" -> "receiver"`) {
		p.t.Errorf("the graph has no edge:\n%s", out)
	}
}

// sameText: what task3 got is task1's UUID so many times; spilled is how many outputs went to the handoff.
func sameText(times, spilled int) func(*pattern) {
	return func(p *pattern) {
		var got struct {
			UUID   string `json:"uuid"`
			Size   int    `json:"size"`
			SHA256 string `json:"sha256"`
		}
		if err := json.Unmarshal(p.sum.Tasks["task3"].Output, &got); err != nil {
			p.t.Fatal(err)
		}
		text := strings.Repeat(got.UUID, times)
		sum := sha256.Sum256([]byte(text))
		if len(got.UUID) != 36 || got.Size != len(text) || got.SHA256 != hex.EncodeToString(sum[:]) {
			p.t.Errorf("task3 got %+v", got)
		}
		if sent := string(p.sum.Tasks["task1"].Output); spilled == 0 && sent != `"`+text+`"` {
			p.t.Errorf("task1 sent %s, task3 got %s", sent, text)
		}
		files, _ := filepath.Glob(filepath.Join(p.dir, "state/handoff/p6_small_data/*/task1/-/*/output.json"))
		if len(files) != spilled {
			p.t.Errorf("in the handoff: %q", files)
		}
	}
}

// apart: two runs at once have an object each, under their ids.
func apart(p *pattern) {
	const second = "manual__2023-01-01T01:23:45.123456+00:00"
	size := "1048576"
	if soak() {
		size = "1073741824"
	}
	var commands []*pending
	for _, id := range []string{second, "other"} {
		args := append([]string{"run", p.file, "--run-id", id, "--json"}, p.args...)
		commands = append(commands, p.start(append(args, "-p", "size="+size)...))
	}
	for _, c := range commands {
		if err := c.Wait(); err != nil {
			p.t.Errorf("%s: %v\n%s", c.Args, err, mustRead(p.t, c.out))
		}
		if usage, ok := c.ProcessState.SysUsage().(*syscall.Rusage); ok && usage.Maxrss > 200<<10 {
			p.t.Errorf("weft took %d KiB to send %s bytes", usage.Maxrss, size)
		}
	}
	for _, id := range []string{p.sum.Run, second, "other"} {
		if soak() && id != p.sum.Run {
			continue // reading a gigabyte is not for this test's memory
		}
		content, kind := p.object("p7_large_data/" + id + "/task1.output.txt")
		head := "data of " + id + "\n"
		if !strings.HasPrefix(content, head) || len(content) != len(head)+1<<20 || kind != "text/plain" {
			p.t.Errorf("%s: %d bytes of %s, begins with %.60q", id, len(content), kind, content)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(p.dir, "weft-p7-*")); len(left) > 0 {
		p.t.Errorf("left over: %q", left)
	}
}

func told8(end string) func(*pattern) {
	return func(p *pattern) {
		if got := string(p.sum.Tasks["task1"].Output); got != `"`+end+`"` {
			p.t.Errorf("task1 gave %s, want %s", got, end)
		}
		if content, _ := p.object("dag8/task0.status.txt"); content != end {
			p.t.Errorf("the bucket holds %q", content)
		}
	}
}

// gathered: task5 has the output of what succeeded, and null of what failed.
func gathered(task2, task4 bool) func(*pattern) {
	output := func(task string, ok bool) string {
		if ok {
			return `"Returned by ` + task + `"`
		}
		return "null"
	}
	want := `{"task2":` + output("task2", task2) + `,"task4":` + output("task4", task4) + `}`
	return func(p *pattern) {
		if got := string(p.sum.Tasks["task5"].Output); got != want {
			p.t.Errorf("task5 gave %s, want %s", got, want)
		}
		if p.sum.State != "success" {
			p.t.Errorf("the run is %s", p.sum.State)
		}
	}
}

// A pending call of weft, its stdout in a file.
type pending struct {
	*exec.Cmd
	out string
}

func (w *world) start(args ...string) *pending {
	w.t.Helper()
	f, err := os.CreateTemp(w.dir, "out-")
	if err != nil {
		w.t.Fatal(err)
	}
	defer f.Close()
	c := &pending{w.command(args...), f.Name()}
	c.Stdout = f
	if err := c.Start(); err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = c.Process.Kill() }) // it has ended, unless the test failed
	return c
}

// elsewhere is pattern 8 with the job left to the test, and shorter waits.
func elsewhere(t *testing.T, client *s3.Client, timeout string) *pattern {
	t.Helper()
	p := newPattern(t, client, "p8_poll_job", "simulate=false")
	text := mustRead(t, p.file)
	short := strings.NewReplacer("poke_interval: 2s", "poke_interval: 100ms", "timeout: 30s", "timeout: "+timeout).Replace(text)
	if strings.Count(short, "100ms, timeout: "+timeout) != 1 {
		t.Fatalf("the example has other waits than this test thinks:\n%s", text)
	}
	p.file = p.write("p8_poll_job.yaml", short)
	return p
}

// TestAJobThatNeverEnds is the third end of pattern 8.
func TestAJobThatNeverEnds(t *testing.T) {
	p := elsewhere(t, withS3(t), "700ms")
	p.put("dag8/task0.status.txt", "doing")
	sum, res := p.again()
	if got := sum.states("task0", "task1", "task2"); res.code != 1 || got != "task0=skipped task1=failed task2=upstream_failed" {
		t.Errorf("exit %d, %s\n%s", res.code, got, res.stderr)
	}
	if reason := sum.Tasks["task1"].Reason; !strings.Contains(reason, "timeout") {
		t.Errorf("task1 failed by %q", reason)
	}
}

// TestAWaitOutlivesWeft: killed in the middle of pattern 8, it goes on where it was.
func TestAWaitOutlivesWeft(t *testing.T) {
	p := elsewhere(t, withS3(t), "10m")
	c := p.start(append([]string{"run", p.file, "--run-id", "r", "--json"}, p.args...)...)
	eventually(t, "task1 waits", func() bool {
		return strings.Contains(mustRead(t, c.out), `"task_id":"task1","attempt":1,"state":"up_for_reschedule"`)
	})
	_ = c.Process.Kill()
	_ = c.Wait()
	p.put("dag8/task0.status.txt", "succeeded")
	res := p.run("runs", "resume", "r", "--json")
	sum := p.last(res.out)
	if got := sum.states("task0_doing", "task1", "task2"); res.code != 0 || got != "task0_doing=skipped task1=success task2=success" {
		t.Errorf("exit %d, %s\n%s", res.code, got, res.stderr)
	}
}

// TestSixtyWaitsTakeTheSlotsOfOne: pattern 8 sixty times in one run that may do one thing at once.
func TestSixtyWaitsTakeTheSlotsOfOne(t *testing.T) {
	p := elsewhere(t, withS3(t), "10m")
	text := mustRead(t, p.file)
	many := strings.NewReplacer(
		"\ntasks:", "\nmax_active_tasks: 1\ntasks:", "    sensor:", "    for_each: ${{ 1..60 }}\n    sensor:",
		"tasks.task1.output", "tasks.task1.output[59]").Replace(text)
	if !strings.Contains(many, "max_active_tasks: 1\n") {
		t.Fatalf("the example is not what this test thinks:\n%s", text)
	}
	p.write("p8_poll_job.yaml", many)
	p.put("dag8/task0.status.txt", "doing")
	c := p.start(append([]string{"run", p.file, "--json"}, p.args...)...)
	eventually(t, "all sixty wait", func() bool {
		return strings.Count(mustRead(t, c.out), `"state":"up_for_reschedule"`) >= 60
	})
	p.put("dag8/task0.status.txt", "succeeded")
	if err := c.Wait(); err != nil {
		t.Error(err)
	}
	sum := p.last(mustRead(t, c.out))
	if got := sum.states("task1", "task2"); got != "task1=success task2=success" || len(sum.Tasks["task1"].Instances) != 60 {
		t.Errorf("%s, %d instances", got, len(sum.Tasks["task1"].Instances))
	}
}
