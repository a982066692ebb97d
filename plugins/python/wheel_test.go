package python

import (
	"archive/tar"
	"archive/zip"
	"compress/gzip"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// writeWheel writes a package as the zip that it is.
func writeWheel(t testing.TB, folder, name, version string, files map[string]string) {
	t.Helper()
	info := name + "-" + version + ".dist-info/"
	all := maps.Clone(files)
	all[info+"METADATA"] = fmt.Sprintf("Metadata-Version: 2.1\nName: %s\nVersion: %s\n", name, version)
	all[info+"WHEEL"] = "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
	all[info+"entry_points.txt"] = fmt.Sprintf("[console_scripts]\n%s-tool = %s:tool\n", name, name)
	record := ""
	names := slices.Sorted(maps.Keys(all))
	for _, file := range names {
		record += file + ",,\n"
	}
	all[info+"RECORD"] = record + info + "RECORD,,\n"
	f, err := os.Create(filepath.Join(folder, name+"-"+version+"-py3-none-any.whl"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z := zip.NewWriter(f)
	for _, file := range append(names, info+"RECORD") {
		w, err := z.Create(file)
		if err == nil {
			_, err = w.Write([]byte(all[file]))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
}

// writeSource writes a package whose wheel has to be built first, by a backend within it.
func writeSource(t testing.TB, folder, name, version, backend string) {
	t.Helper()
	f, err := os.Create(filepath.Join(folder, name+"-"+version+".tar.gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	packed := gzip.NewWriter(f)
	w := tar.NewWriter(packed)
	for file, text := range map[string]string{
		"PKG-INFO":       fmt.Sprintf("Metadata-Version: 2.1\nName: %s\nVersion: %s\n", name, version),
		"pyproject.toml": "[build-system]\nrequires = []\nbuild-backend = 'backend'\nbackend-path = ['.']\n",
		"backend.py":     backend,
	} {
		err := w.WriteHeader(&tar.Header{Name: name + "-" + version + "/" + file, Mode: 0o644, Size: int64(len(text))})
		if err == nil {
			_, err = w.Write([]byte(text))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := packed.Close(); err != nil {
		t.Fatal(err)
	}
}

// wheels are what the tests install: two versions of pearl, and many, which has many modules.
func wheels(t testing.TB) string {
	t.Helper()
	folder := t.TempDir()
	for _, version := range []string{"1.0", "2.0"} {
		writeWheel(t, folder, "pearl", version, map[string]string{
			"pearl.py": "VERSION = '" + version + "'\ndef tool():\n    import sys\n    print(VERSION, sys.prefix)\n",
		})
	}
	files := map[string]string{"many/__init__.py": ""}
	for i := range manyModules {
		files[fmt.Sprintf("many/m%d.py", i)] = fmt.Sprintf("N = %d\n", i)
	}
	writeWheel(t, folder, "many", "1.0", files)
	return folder
}

// manyModules is how many modules the package many has; manyTotal is what they add up to.
const (
	manyModules = 200
	manyTotal   = manyModules * (manyModules - 1) / 2
	manyCode    = "import importlib\ndef main():\n    return sum(importlib.import_module('many.m%d' % i).N for i in range(200))\n"
)
