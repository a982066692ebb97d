package runner

import (
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"weft/machine"
	"weft/secrets"
)

// LogPrefix opens each line of weft itself in an attempt's log.
const LogPrefix = "[weft] "

// An attemptLog is the log of an attempt, opened when something may be written. It is safe for concurrent
// use: a plugin may log from anywhere, even after it has returned (then nothing is written).
type attemptLog struct {
	open func() (*os.File, error)
	now  func() time.Time
	file *os.File
	used bool // something was, or may have been, written
	mask *secrets.Mask
	out  *secrets.Masker // before the file, where there is a mask

	mu   sync.Mutex
	over bool
}

// hide has all that is written from now on masked.
func (l *attemptLog) hide(mask *secrets.Mask) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.mask = mask
	if l.file != nil && mask != nil {
		l.out = mask.Writer(l.file)
	}
}

// Write passes on what a process wrote. It never fails: a process does not end because of its log.
func (l *attemptLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.over && l.begin() == nil {
		l.put(p)
	}
	return len(p), nil
}

// ready opens the log, for a plugin whose processes write to it themselves.
func (l *attemptLog) ready() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.begin()
}

// begin opens the log unless it is open. l.mu is held.
func (l *attemptLog) begin() error {
	if l.file != nil {
		return nil
	}
	f, err := l.open()
	if err != nil {
		return err
	}
	l.file, l.used = f, true
	if l.mask != nil {
		l.out = l.mask.Writer(f)
	}
	return nil
}

// printf writes a line of the plugin.
func (l *attemptLog) printf(format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.over || l.begin() != nil {
		return
	}
	l.write(strings.TrimRight(l.mask.Message(fmt.Sprintf(format, args...)), "\n") + "\n")
}

// weft writes a line of weft itself. It may come when the log is closed: the last word.
func (l *attemptLog) weft(text string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.begin() == nil {
		l.line(text)
	}
}

func (l *attemptLog) line(text string) {
	stamp := ""
	if l.now != nil {
		stamp = machine.Timestamp(l.now().Truncate(time.Second)) + " "
	}
	l.write(LogPrefix + stamp + oneLine(l.mask.Message(text)) + "\n")
}

// write gives a line to the kernel at once, so that lines of different writers stay whole; it ends one
// that a process left open. That a log cannot be written (a full disk) ends no work.
func (l *attemptLog) write(line string) {
	if l.out != nil { // what is held back comes first, and may leave a line open
		_ = l.out.Flush()
	}
	if l.cut() {
		line = "\n" + line
	}
	l.put([]byte(line))
}

func (l *attemptLog) put(b []byte) {
	if l.out != nil {
		_, _ = l.out.Write(b)
		return
	}
	_, _ = l.file.Write(b)
}

// cut tells whether the log ends in the middle of a line.
func (l *attemptLog) cut() bool {
	info, err := l.file.Stat()
	if err != nil || info.Size() == 0 {
		return false
	}
	var last [1]byte
	_, err = l.file.ReadAt(last[:], info.Size()-1)
	return err == nil && last[0] != '\n' // what cannot be read back is taken for whole
}

// close ends the log. An empty one is given to spare, if that is not nil.
func (l *attemptLog) close(spare func(*os.File)) (spared bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.over = true
	if l.out != nil {
		_ = l.out.Flush() // as above
		l.out = nil
	}
	if l.file == nil {
		return false
	}
	if spare != nil {
		info, err := l.file.Stat()
		spared = err == nil && info.Size() == 0
	}
	if spared {
		spare(l.file)
	} else {
		_ = l.file.Close() // each line has been written
	}
	l.file = nil
	return spared
}
