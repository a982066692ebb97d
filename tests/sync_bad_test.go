package tests

import (
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"weft/tests/s3server"
)

// A missync is something that people do with weft sync: the words of the call, what is in the
// environment, and what they are told, whole. $S is a server, $LIAR one that does not tell the truth.
type missync struct {
	what, args, env string
	code            int
	says            string
}

const permissions = "hint: docs/aws.md has the permissions that sync needs; a bucket of that name may also be another account's\n"

var syncMistakes = []missync{
	{"no credentials", "sync dags s3://acme/d", "AWS_ACCESS_KEY_ID= AWS_SECRET_ACCESS_KEY=", 3, "error: cannot read s3://acme/d/.weft/manifest.json: no AWS credentials were found (set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE; without an account, run it with --sandbox)\n"},
	{"half a pair", "sync dags s3://acme/d", "AWS_SECRET_ACCESS_KEY=", 3, "error: cannot reach AWS: half a pair of AWS credentials is set (set both AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY)\n"},
	{"no such profile", "sync dags s3://acme/d --profile nobody", "", 3, "error: cannot reach AWS: there is no AWS profile \"nobody\" (write it into ~/.aws/config, or set AWS_PROFILE to one that is there)\n"},
	{"no region", "sync dags s3://acme/d", "AWS_REGION= AWS_ENDPOINT_URL=", 3, "error: cannot reach AWS: no AWS region is set (set AWS_REGION; without an account, run it with --sandbox)\n"},
	{"wrong region", "sync dags s3://moved/d", "AWS_ENDPOINT_URL=$LIAR", 3, "error: cannot read s3://moved/d/.weft/manifest.json: the bucket is in another region (set AWS_REGION to eu-central-1)\n"},
	{"no such bucket", "sync dags s3://absent/d", "", 3, "error: cannot read s3://absent/d/.weft/manifest.json: there is no such bucket (check its name, the account and the endpoint)\n"},
	{"no such bucket to read", "sync s3://absent/d copy", "", 3, "error: cannot read s3://absent/d/.weft/manifest.json: there is no such bucket (check its name, the account and the endpoint)\n"},
	{"denied", "sync dags s3://denied/d", "AWS_ENDPOINT_URL=$LIAR", 3, "error: cannot read s3://denied/d/.weft/manifest.json: access denied (the credentials lack a permission for it)\n" + permissions},
	{"another owner", "sync dags s3://denied/d --bucket-owner 111122223333", "AWS_ENDPOINT_URL=$LIAR", 3, "error: cannot read s3://denied/d/.weft/manifest.json: access denied (the credentials lack a permission for it)\nhint: the bucket may belong to another account than 111122223333; docs/aws.md has the permissions that sync needs\n"},
	{"no account", "sync dags s3://acme/d --bucket-owner me", "", 2, "error: cannot use --bucket-owner \"me\": an account has 12 digits\nsee 'weft sync --help'\n"},
	{"the wrong key", "sync dags s3://acme/d", "AWS_SECRET_ACCESS_KEY=wrong", 3, "error: cannot read s3://acme/d/.weft/manifest.json: the signature is wrong (check AWS_SECRET_ACCESS_KEY)\n" + permissions},
	{"a wrong clock", "sync dags s3://skewed/d", "AWS_ENDPOINT_URL=$LIAR", 3, "error: cannot read s3://skewed/d/.weft/manifest.json: the clock of this machine is wrong (set it, by NTP)\n"},
	{"too old", "sync dags s3://expired/d", "AWS_ENDPOINT_URL=$LIAR", 3, "error: cannot read s3://expired/d/.weft/manifest.json: the credentials have expired (renew them; a session token does not last)\n"},
	{"no S3", "sync dags s3://html/d", "AWS_ENDPOINT_URL=$LIAR", 3, "error: cannot read s3://html/d/.weft/manifest.json: what answers there is no S3 (check AWS_ENDPOINT_URL and what lies between, such as a proxy)\n"},
	{"nobody there", "sync dags s3://acme/d", "AWS_ENDPOINT_URL=http://127.0.0.1:1", 3, "error: cannot read s3://acme/d/.weft/manifest.json: cannot reach 127.0.0.1:1: connection refused (check the network and AWS_ENDPOINT_URL)\n"},
	{"no folder", "sync nowhere s3://acme/d", "", 3, "error: cannot sync nowhere: there is no such folder\nhint: name the folder of the DAGs first, then s3://BUCKET/PREFIX\n"},
	{"a file", "sync dags/a.yaml s3://acme/d", "", 3, "error: cannot sync dags/a.yaml: it is no folder\n"},
	{"two folders", "sync dags copy", "", 2, "error: cannot sync a folder with a folder: one of dags and copy must be s3://BUCKET/PREFIX\nsee 'weft sync --help'\n"},
	{"two buckets", "sync s3://acme/d s3://acme/e", "", 2, "error: cannot sync a bucket with a bucket: one of s3://acme/d and s3://acme/e must be a folder\nsee 'weft sync --help'\n"},
	{"one place", "sync dags", "", 2, "error: name a folder and s3://BUCKET/PREFIX, in the order from, to\nsee 'weft sync --help'\n"},
	{"no bucket's name", "sync dags s3://Acme_Data/d", "", 3, "error: cannot use \"s3://Acme_Data/d\": \"Acme_Data\" is no bucket's name (3 to 63 of a-z 0-9 . -)\n"},
	{"traversal", "sync dags s3://acme/d/../e", "", 3, "error: cannot use \"s3://acme/d/../e\": its key has the part \"..\"\n"},
	{"an empty part", "sync dags s3://acme/d//e", "", 3, "error: cannot use \"s3://acme/d//e\": a part of its prefix is empty\n"},
	{"at odds", "sync dags s3://acme/d --plan --watch", "", 2, "error: cannot use --plan, --status and --watch together\nsee 'weft sync --help'\n"},
	{"an empty folder", "sync empty s3://acme/there", "", 3, "error: cannot sync without being asked to: the folder holds no file, so all 3 of s3://acme/there would go\nhint: --plan shows it; --yes does it; --delete=false removes nothing\n"},
	{"somebody else's", "sync dags s3://acme/foreign", "", 3, "error: cannot sync without being asked to: 1 object below s3://acme/foreign that weft sync has not put there would go\nhint: --plan shows it; --yes does it; --delete=false removes nothing\n"},
	{"nothing there", "sync s3://acme/nothing copy", "", 3, "error: cannot read s3://acme/nothing: there is no file\n"},
	{"a newer weft's", "sync s3://acme/newer copy", "", 3, "error: cannot use s3://acme/newer/.weft/manifest.json: it has format 2, this weft knows 1: a newer weft has published it\n"},
	{"a newer weft's, to write", "sync dags s3://acme/newer", "", 3, "error: cannot use s3://acme/newer/.weft/manifest.json: it has format 2, this weft knows 1: a newer weft has published it\n"},
	{"names that collide", "sync twins s3://acme/d", "", 3, "error: cannot publish a.yaml: it differs from A.yaml in case alone, and not every folder can hold both\n"},
	{"a name that is no key", "sync control s3://acme/d", "", 3, "error: cannot publish \"a\\nb.sql\": its name cannot be a key: it holds a control character\n"},
	{"links and sockets", "sync odd s3://acme/odd", "", 0, "link.yaml is left out: it is a symbolic link, which is not followed\nout is left out: it is a symbolic link, which is not followed\npipe is left out: it is no regular file\nsocket is left out: it is no regular file\n"},
}

func TestSyncMistakes(t *testing.T) {
	server := s3server.Start(t, "acme")
	withS3At(t, server)
	t.Setenv("AWS_MAX_ATTEMPTS", "1")
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	lying := httptest.NewServer(http.HandlerFunc(liar))
	t.Cleanup(lying.Close)
	w := newWorld(t)
	for _, name := range []string{"dags/a.yaml", "three/1.sql", "three/2.sql", "three/3.sql", "twins/A.yaml", "twins/a.yaml", "control/a\nb.sql", "odd/a.sql", "elsewhere/x"} {
		w.write(name, "tasks: {a: {run: echo}}\n")
	}
	w.write("empty/.hidden", "")
	if err := os.Symlink("a.sql", filepath.Join(w.dir, "odd/link.yaml")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("../elsewhere", filepath.Join(w.dir, "odd/out")); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(filepath.Join(w.dir, "odd/pipe"), 0o600); err != nil {
		t.Fatal(err)
	}
	listen, err := net.Listen("unix", filepath.Join(w.dir, "odd/socket"))
	if err != nil {
		t.Skip("the path is too long for a socket")
	}
	defer listen.Close()
	bucket := filepath.Join(server.Dir, "acme")
	for name, text := range map[string]string{"foreign/data.parquet": "x", "newer/.weft/manifest.json": `{"format":2}`, "beside": "x"} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(bucket, name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(bucket, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	w.must(0, "generation 1", "sync", "three", "s3://acme/there")
	before := w.tree(bucket)
	for _, m := range syncMistakes {
		cmd := w.command(strings.Fields(m.args)...)
		cmd.Env = append(cmd.Env, strings.Fields(strings.ReplaceAll(m.env, "$LIAR", lying.URL))...)
		var errs strings.Builder
		cmd.Stderr = &errs
		_ = cmd.Run() // how it ended is in its state
		if code := cmd.ProcessState.ExitCode(); code != m.code || errs.String() != m.says {
			t.Errorf("%s: exit %d\n%s\nwant %d\n%s", m.what, code, errs.String(), m.code, m.says)
		}
	}
	after := strings.Replace(w.tree(bucket), "odd/a.sql=tasks: {a: {run: echo}}\\n\n", "", 1)
	if after != before {
		t.Errorf("the bucket was\n%s\nand is\n%s", before, after)
	}
	if left, err := os.ReadDir(filepath.Join(w.dir, "copy")); err != nil || len(left) > 0 {
		t.Errorf("%v was fetched, %v", left, err)
	}
}

// TestUnreadableFiles: who publishes what is left would remove the others. Root reads everything unless
// that capability is taken away.
func TestUnreadableFiles(t *testing.T) {
	server := s3server.Start(t, "acme")
	withS3At(t, server)
	w := newWorld(t)
	w.write("dags/a.yaml", "tasks: {a: {run: echo}}\n")
	if err := os.Chmod(w.write("dags/secret.sql", "x"), 0); err != nil {
		t.Fatal(err)
	}
	sync := func() (int, string) {
		t.Helper()
		cmd := w.command("sync", "dags", "s3://acme/d")
		if os.Getuid() == 0 {
			setpriv, err := exec.LookPath("setpriv")
			if err != nil {
				t.Skip("there is no setpriv, and root may read everything")
			}
			cmd.Path, cmd.Args = setpriv, append([]string{setpriv, "--bounding-set=-dac_override,-dac_read_search"}, cmd.Args...)
		}
		out, _ := cmd.CombinedOutput() // how it ended is in its state
		return cmd.ProcessState.ExitCode(), string(out)
	}
	const want = "error: cannot read secret.sql: permission denied (make it readable, or name it in .weftignore)\n"
	if code, said := sync(); code != 3 || said != want {
		t.Errorf("exit %d\n%s\nwant %s", code, said, want)
	}
	w.write("dags/.weftignore", "secret.sql\n")
	if code, said := sync(); code != 0 || !strings.Contains(said, "2 added") {
		t.Errorf("exit %d\n%s", code, said)
	}
}
