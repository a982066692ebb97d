package tests

import (
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"weft/tests/s3server"
)

const bucket = "acme-us-east-1-data"

// A place is where a pattern finds S3: inside weft, or on a server; and which engine drives it.
type place struct {
	name    string
	client  *s3.Client // nil = the sandbox of the world's state folder
	cluster *cluster   // nil = weft itself drives it
}

var inSandbox = place{name: "in the sandbox"}

func onServer(client *s3.Client) place { return place{name: "on a server", client: client} }

// onTemporal starts three workers. All AWS but S3 they have from where Glue is.
func onTemporal(t *testing.T, client *s3.Client) place {
	c := newCluster(t)
	c.env = append(c.env, "AWS_ENDPOINT_URL="+os.Getenv("AWS_ENDPOINT_URL_GLUE"))
	c.three()
	return place{name: "on Temporal", client: client, cluster: c}
}

// withS3 starts the server and tells weft of it by the environment alone.
func withS3(t *testing.T) *s3.Client {
	t.Helper()
	server, glue := s3server.Start(t, bucket), sandboxServer(t)
	for name, value := range map[string]string{
		"AWS_ENDPOINT_URL_S3": server.URL, "AWS_ENDPOINT_URL_GLUE": glue, "AWS_ENDPOINT_URL": "", "AWS_PROFILE": "", "AWS_CONFIG_FILE": os.DevNull, "AWS_SHARED_CREDENTIALS_FILE": os.DevNull,
		"AWS_ACCESS_KEY_ID": s3server.Access, "AWS_SECRET_ACCESS_KEY": s3server.Secret, "AWS_SESSION_TOKEN": "", "AWS_REGION": s3server.Region,
	} {
		t.Setenv(name, value)
	}
	return s3.New(s3.Options{
		BaseEndpoint: &server.URL, UsePathStyle: true, Region: s3server.Region,
		Credentials: credentials.NewStaticCredentialsProvider(s3server.Access, s3server.Secret, ""),
	})
}

// A pattern is one that has run: its world, where its objects are, and how it ended.
type pattern struct {
	*world
	place
	file string
	name string   // below projects/, this test's own
	args []string // of the run
	sum  summary
}

// newPattern is a world for an example; params are name=value, blanks between.
func newPattern(t *testing.T, in place, dag, params string) *pattern {
	t.Helper()
	file, err := filepath.Abs("../dags/" + dag + ".yaml")
	if err != nil {
		t.Fatal(err)
	}
	p := &pattern{world: newWorld(t), place: in, file: file}
	p.name = filepath.Base(filepath.Dir(p.dir)) // of the test's folder: no two tests share it
	if in.cluster != nil {
		in.cluster.joins(p.world)
		p.name += "-cluster"
	}
	for _, kv := range strings.Fields(params) {
		p.args = append(p.args, "-p", strings.ReplaceAll(kv, "$DIR", p.dir))
	}
	text := mustRead(t, file)
	if strings.Contains(text, "params.bucket") {
		p.args = append(p.args, "-p", "bucket="+bucket)
		if strings.Contains(text, "params.name") {
			p.args = append(p.args, "-p", "name="+p.name)
		}
	}
	if in.client == nil {
		p.args = append(p.args, "--sandbox")
	}
	return p
}

// handoff is the folder of values, caches a glob of the folders of environments.
func (p *pattern) handoff() string {
	if p.cluster != nil {
		return filepath.Join(p.cluster.dir, "handoff")
	}
	return filepath.Join(p.dir, "state", "handoff")
}

func (p *pattern) caches() string {
	if p.cluster != nil {
		return filepath.Join(p.cluster.dir, "*", "cache")
	}
	return filepath.Join(p.dir, "state", "cache")
}

// needsAWS tells whether a pattern goes another way on a server.
func (p *pattern) needsAWS() bool {
	text := mustRead(p.t, p.file)
	if p.cluster != nil {
		return !strings.Contains(text, "uses: dynamodb.") // its table is the sandbox's
	}
	return strings.Contains(text, "uses: s3.") || strings.Contains(text, "uses: glue.")
}

func (p *pattern) again(more ...string) (summary, result) {
	p.t.Helper()
	return p.runJSON(append(append([]string{p.file}, p.args...), more...)...)
}

// A head is what is known of an object.
type head struct {
	Exists bool   `json:"exists"`
	Size   int64  `json:"size"`
	Kind   string `json:"content_type"`
}

// look is a DAG that tells of an object of the sandbox.
const look = `
id: look
params: {uri: {type: string}, content: {type: boolean}}
tasks:
  head: {uses: s3.head, with: {uri: "${{ params.uri }}"}}
  get: {when: params.content, uses: s3.get, with: {uri: "${{ params.uri }}"}}
`

// head asks for projects/NAME/key; an object that is not there is no failure.
func (p *pattern) head(key string) head {
	p.t.Helper()
	h, _ := p.find("projects/"+p.name+"/"+key, false)
	return h
}

// object reads projects/NAME/key.
func (p *pattern) object(key string) (content, kind string) {
	p.t.Helper()
	h, content := p.find("projects/"+p.name+"/"+key, true)
	return content, h.Kind
}

func (p *pattern) find(key string, read bool) (h head, content string) {
	p.t.Helper()
	if p.client != nil {
		return p.ask(key, read)
	}
	uri := "uri=s3://" + bucket + "/" + key
	sum, res := p.runJSON(p.write("look.yaml", look), "--sandbox", "-p", uri, "-p", "content:="+map[bool]string{true: "true", false: "false"}[read])
	if sum.State != "success" {
		p.t.Fatalf("%s: %s\n%s%s", key, sum.Tasks["get"].Reason, res.out, res.stderr)
	}
	err := json.Unmarshal(sum.Tasks["head"].Output, &h)
	if err == nil && read {
		err = json.Unmarshal(sum.Tasks["get"].Output, &content)
	}
	if err != nil {
		p.t.Fatal(err)
	}
	return h, content
}

// ask is find on the server.
func (p *pattern) ask(key string, read bool) (h head, content string) {
	p.t.Helper()
	in := bucket
	got, err := p.client.HeadObject(p.t.Context(), &s3.HeadObjectInput{Bucket: &in, Key: &key})
	if err != nil && !read {
		return head{}, "" // not there: a server that is gone fails what else the test does
	}
	if err != nil {
		p.t.Fatalf("%s: %v", key, err)
	}
	h = head{Exists: true, Size: *got.ContentLength}
	if got.ContentType != nil {
		h.Kind = *got.ContentType
	}
	if !read {
		return h, ""
	}
	out, err := p.client.GetObject(p.t.Context(), &s3.GetObjectInput{Bucket: &in, Key: &key})
	if err != nil {
		p.t.Fatalf("%s: %v", key, err)
	}
	defer out.Body.Close()
	raw, err := io.ReadAll(out.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	return h, string(raw)
}

// put writes projects/NAME/key, as somebody outside.
func (p *pattern) put(key, content string) {
	p.t.Helper()
	at, in := "projects/"+p.name+"/"+key, bucket
	if _, err := p.client.PutObject(p.t.Context(), &s3.PutObjectInput{Bucket: &in, Key: &at, Body: strings.NewReader(content)}); err != nil {
		p.t.Fatal(err)
	}
}
