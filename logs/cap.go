package logs

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"strconv"
	"strings"
)

// grain is what holes are aligned to: a multiple of the block size of every file system, since a
// hole that cut through a block would leave zeros there.
const grain = 64 << 10

func up(n int64) int64   { return (n + grain - 1) / grain * grain }
func down(n int64) int64 { return n / grain * grain }

// CapAll looks at each log that may be growing and takes the middle out of those beyond the cap,
// keeping half the cap at either end. To be called once a while. A log that cannot be cut is left
// as it is until the next time: that its disk is full is told by others.
func (s *Store) CapAll() {
	s.mu.Lock()
	open := maps.Clone(s.open)
	s.mu.Unlock()
	for id, g := range open {
		if info, err := os.Stat(s.Path(id)); err == nil && info.Size() > s.cap {
			_ = s.capOne(id, g)
		}
	}
}

func (s *Store) capOne(id ID, g *grown) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.sealed {
		return nil
	}
	f, err := s.file(id, os.O_RDWR|os.O_APPEND)
	if err != nil {
		return err
	}
	defer f.Close()
	return s.cut(f, g, punch)
}

// cut takes the middle out of a log that is too long. Where there are no holes the end goes too:
// the file is cut off after its first half, and goes on behind a marker.
func (s *Store) cut(f *os.File, g *grown, punch func(f *os.File, from, to int64) error) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	from := s.head(f)
	to := down(info.Size() - s.cap/2)
	if to <= from || to <= g.cut {
		return nil
	}
	err = punch(f, from, to)
	if errors.Is(err, errors.ErrUnsupported) {
		return s.truncate(f, info.Size())
	}
	if err == nil {
		g.cut = to
	}
	return err
}

// head returns where the part that is left out begins: after half the cap and after the markers
// that stand there from an earlier Seal, each of which counts what it stands for.
func (s *Store) head(f io.ReaderAt) int64 {
	at := up(s.cap / 2)
	for {
		n, length := markerAt(f, at)
		if n == 0 {
			return at
		}
		at = up(at + length)
	}
}

// truncate is for file systems without holes. One marker stands for all that was left out so far.
// What is written at this very moment may be lost uncounted: the number is a lower bound.
func (s *Store) truncate(f *os.File, size int64) error {
	from := up(s.cap / 2)
	before, length := markerAt(f, from)
	if err := f.Truncate(from); err != nil {
		return err
	}
	_, err := f.WriteString("\n" + s.marker(before+size-from-length))
	return err
}

// What stands before and behind the number in every marker.
const markerHead, markerTail = "[weft: ", " bytes left out here; "

// marker returns the line that stands for n bytes.
func (s *Store) marker(n int64) string {
	return fmt.Sprintf("%s%s%sthe log is capped at %s]\n", markerHead, commas(n), markerTail, sizeOf(s.cap))
}

// markerAt returns the number of bytes that a marker at an offset stands for, or one a line end
// further on, and the length of both; 0 if there is none.
func markerAt(r io.ReaderAt, at int64) (n, length int64) {
	var buf [160]byte
	got, _ := r.ReadAt(buf[:], at)
	b := buf[:got]
	if bytes.HasPrefix(b, []byte{'\n'}) {
		b, length = b[1:], 1
	}
	rest, ok := bytes.CutPrefix(b, []byte(markerHead))
	if !ok {
		return 0, 0
	}
	digits, tail, ok := bytes.Cut(rest, []byte(markerTail))
	end := bytes.IndexByte(tail, '\n')
	n, err := strconv.ParseInt(strings.ReplaceAll(string(digits), ",", ""), 10, 64)
	if !ok || end < 0 || err != nil || n <= 0 {
		return 0, 0
	}
	return n, length + int64(len(b)-len(tail)+end+1)
}

// commas writes a number as people read it: 934,217,728.
func commas(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

func sizeOf(n int64) string {
	for _, u := range []struct {
		size int64
		name string
	}{{1 << 30, "GiB"}, {1 << 20, "MiB"}, {1 << 10, "KiB"}} {
		if n%u.size == 0 {
			return commas(n/u.size) + " " + u.name
		}
	}
	return commas(n) + " bytes"
}
