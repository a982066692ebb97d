package python

import (
	"fmt"
	"os"
	"strings"

	"weft/plugins"
)

// A listener is the stream of a program whose words tell why it has failed.
type listener struct {
	*plugins.Stream
	before int64 // where they begin in the log, if it is the log that the program writes to
}

// listen opens the stream of a program of a build.
func listen(call *plugins.Call) (*listener, error) {
	s, err := call.Stream(tailSize)
	if err != nil || call.Tap != nil {
		return &listener{Stream: s}, err
	}
	info, err := call.Log.Stat()
	if err != nil {
		return nil, plugins.Errorf(plugins.Temporary, "cannot read the log: %w", err)
	}
	return &listener{Stream: s, before: info.Size()}, nil
}

// said returns the end of what the program said, when it has ended.
func (l *listener) said() string {
	if l.Close != nil {
		b, _ := l.End()
		return strings.ToValidUTF8(string(b), "\ufffd")
	}
	return tail(l.File, l.before)
}

// tailSize is how much of what a program said is looked at for the reason of its failure.
const tailSize = 64 << 10

// tail returns the end of what was written into a log since an offset.
func tail(log *os.File, from int64) string {
	f, err := os.Open(fmt.Sprintf("/proc/self/fd/%d", log.Fd()))
	if err != nil {
		f, err = os.Open(log.Name())
	}
	if err != nil {
		return "" // the message says less; the log is there
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return ""
	}
	from = max(from, info.Size()-tailSize)
	b := make([]byte, max(info.Size()-from, 0))
	n, _ := f.ReadAt(b, from)
	return strings.ToValidUTF8(string(b[:n]), "\ufffd")
}
