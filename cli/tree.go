package cli

import (
	"io"
	"os"
	"sync"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/term"

	"weft/machine"
	"weft/runner"
)

// frame is the time between two frames: nobody reads faster, and drawing must cost nothing.
const frame = 100 * time.Millisecond

// maxFinal is how many rows stay on the screen in the end; of more, those worth most.
const maxFinal = 100

// A tree is the watcher at a terminal: the board, redrawn in place.
//
// Update only folds, under a lock that is held as long as a frame is computed, never while one is
// written; so a slow terminal slows nobody. Absent on purpose: keys (Ctrl-C is a signal, which
// the command handles) and questions to the terminal, whose answers would land on the next prompt.
type tree struct {
	mu      sync.Mutex
	board   *board
	out     *os.File
	color   bool
	logs    logTail
	closing bool
	lines   lastLines // the drawing goroutine's alone
	program *tea.Program
	ended   chan struct{}
}

// newTree begins to draw on out, which is a terminal.
func newTree(p *machine.Plan, out *os.File, color bool, logs logTail) *tree {
	t := &tree{board: newBoard(p), out: out, color: color, logs: logs, lines: lastLines{}, ended: make(chan struct{})}
	width, height := t.size()
	t.program = tea.NewProgram(
		&treeModel{tree: t, width: width, height: height},
		tea.WithOutput(out), tea.WithInput(nil), tea.WithoutSignalHandler(), tea.WithFPS(int(time.Second/frame)),
	)
	go func() {
		defer close(t.ended)
		_, _ = t.program.Run() // a terminal that goes away ends the picture, not the run
	}()
	return t
}

func (t *tree) size() (width, height int) {
	width, height, err := term.GetSize(t.out.Fd())
	if err != nil || width <= 0 || height <= 0 {
		return 80, 24
	}
	return width, height
}

// Update implements watcher.
func (t *tree) Update(u runner.Update) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.board.fold(u)
}

// Close clears the picture, gives the terminal back, and prints what stays.
func (t *tree) Close() {
	t.mu.Lock()
	t.closing = true
	t.mu.Unlock()
	t.program.Send(tick(time.Time{})) // draw the empty frame
	t.program.Quit()
	<-t.ended
	width, _ := t.size()
	_, _ = io.WriteString(t.out, t.board.last(width, t.color, t.logs))
}

// last is the frame that stays, and the report below it.
func (b *board) last(width int, color bool, logs logTail) string {
	s := scene{width: width, now: time.Now(), color: color, final: true}
	if len(b.rows) > maxFinal {
		s.height = maxFinal
	}
	return b.view(s) + b.report(color, logs)
}

// treeModel is the tree as bubbletea wants it.
type treeModel struct {
	tree          *tree
	width, height int
}

type tick time.Time

func nextFrame() tea.Cmd {
	return tea.Tick(frame, func(t time.Time) tea.Msg { return tick(t) })
}

// Init implements tea.Model.
func (m *treeModel) Init() tea.Cmd { return nextFrame() }

// Update implements tea.Model.
func (m *treeModel) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		m.width, m.height = msg.Width, msg.Height
	case tick:
		if !time.Time(msg).IsZero() {
			return m, nextFrame()
		}
	}
	return m, nil
}

// View implements tea.Model.
func (m *treeModel) View() tea.View {
	text := m.tree.frame(m.width, m.height)
	m.tree.lines.refresh(m.tree.logs)
	return tea.NewView(text)
}

func (t *tree) frame(width, height int) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closing {
		return ""
	}
	return t.board.view(scene{width: width, height: height, now: time.Now(), color: t.color, lastLine: t.lines.of})
}

// lastLines keeps the last line of each log that is shown, as of the frame before, so that no file
// is read while the board is locked.
type lastLines map[string]lastLine

type lastLine struct {
	text   string
	wanted bool // by the last frame
}

// of returns what is known of a log and notes that it is wanted.
func (l lastLines) of(log string) string {
	known := l[log]
	known.wanted = true
	l[log] = known
	return known.text
}

// refresh reads the logs that the last frame showed and forgets the others.
func (l lastLines) refresh(logs logTail) {
	for log, known := range l {
		if !known.wanted {
			delete(l, log)
			continue
		}
		l[log] = lastLine{text: logs.last(log)}
	}
}
