package tests

import (
	"archive/zip"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// isolated: the environment has what was asked for alone, and a second run builds nothing, unless it is on a worker
// that has none.
func isolated(p *pattern) {
	builds := func() (list []string) {
		dirs, _ := filepath.Glob(filepath.Join(p.caches(), "venvs/*/pyvenv.cfg"))
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
	second := builds()
	elsewhere := p.cluster != nil && len(second) == 2
	if res.code != 0 || len(second) != 1 && !elsewhere || !slices.Contains(second, first[0]) {
		p.t.Errorf("exit %d; built %q, then %q\n%s", res.code, first, second, res.stderr)
	}
	if log := p.run("logs", sum.Run, "task1").out; strings.Contains(log, "install") != elsewhere {
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
