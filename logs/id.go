package logs

import (
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
)

// An ID names the log of one attempt.
type ID struct {
	DAG, Run, Task string
	Index          int // of an instance; -1 for others
	Attempt        int
}

// ext ends the name of each log.
const ext = ".log"

// rel returns the log's path below the root: dag/run/task[.index].attempt.log, each name
// percent-encoded, so that no id can name anything but one file. A task has no folder of its own:
// making one takes as long as making the log.
func (id ID) rel() (string, error) {
	if id.DAG == "" || id.Run == "" || id.Task == "" || id.Attempt < 1 {
		return "", fmt.Errorf("cannot name the log of attempt %d of task %q of run %q of DAG %q", id.Attempt, id.Task, id.Run, id.DAG)
	}
	task := encode(id.Task)
	if id.Index >= 0 {
		task += "." + strconv.Itoa(id.Index)
	}
	return filepath.Join(encode(id.DAG), encode(id.Run), task+"."+strconv.Itoa(id.Attempt)+ext), nil
}

// parse is the inverse of rel; it takes nothing that rel does not make.
func parse(rel string) (ID, bool) {
	parts := strings.Split(filepath.ToSlash(rel), "/")
	if len(parts) != 3 {
		return ID{}, false
	}
	id := ID{Index: -1}
	name, ok := strings.CutSuffix(parts[2], ext)
	dot := strings.LastIndexByte(name, '.')
	if !ok || dot < 0 {
		return ID{}, false
	}
	task := name[:dot]
	id.Attempt, _ = strconv.Atoi(name[dot+1:]) // 0 has no place
	if i := strings.LastIndexByte(task, '.'); i >= 0 {
		if n, err := strconv.Atoi(task[i+1:]); err == nil {
			id.Index, task = n, task[:i]
		}
	}
	for i, dst := range []*string{&id.DAG, &id.Run, &id.Task} {
		name, ok := decode([]string{parts[0], parts[1], task}[i])
		if !ok {
			return ID{}, false
		}
		*dst = name
	}
	if back, err := id.rel(); err != nil || filepath.ToSlash(back) != filepath.ToSlash(rel) {
		return ID{}, false
	}
	return id, true
}

const hexDigits = "0123456789ABCDEF"

// encode makes one name of a file or folder out of any text. Letters, digits, "_" and "-" stand as
// they are; so does a dot, but not where it would hide the file, mean a parent, or look like the dot
// before an index or attempt.
func encode(s string) string {
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '_', c == '-':
			b.WriteByte(c)
		case c == '.' && i > 0 && i+1 < len(s) && !digit(s[i+1]) && s[i+1] != '-' && s[i+1] != '+':
			b.WriteByte(c)
		default:
			b.Write([]byte{'%', hexDigits[c>>4], hexDigits[c&15]})
		}
	}
	return b.String()
}

func digit(c byte) bool { return '0' <= c && c <= '9' }

func decode(s string) (string, bool) {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '%' {
			b.WriteByte(s[i])
			continue
		}
		if i+2 >= len(s) {
			return "", false
		}
		n, err := strconv.ParseUint(s[i+1:i+3], 16, 8)
		if err != nil {
			return "", false
		}
		b.WriteByte(byte(n))
		i += 2
	}
	return b.String(), true
}
