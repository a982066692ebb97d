package editor

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"net/textproto"
	"net/url"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// patience is how long the language server may take for one answer.
const patience = 30 * time.Second

// A Server is a YAML language server as an editor runs it: a process that is spoken to on stdin and
// stdout. It reads the schema that a file's first line names.
type Server struct {
	t     testing.TB
	in    io.Writer
	mu    sync.Mutex
	next  int
	wait  map[int]chan json.RawMessage
	found map[string]chan []Diagnostic // by URI: what was published
}

// A Position counts from 0, characters in UTF-16 units, as the protocol does.
type Position struct {
	Line      int `json:"line"`
	Character int `json:"character"`
}

// A Diagnostic is what an editor would underline.
type Diagnostic struct {
	Range struct {
		Start Position `json:"start"`
		End   Position `json:"end"`
	} `json:"range"`
	Severity int    `json:"severity"`
	Message  string `json:"message"`
}

// An Item is one proposal of a completion.
type Item struct {
	Label         string `json:"label"`
	InsertText    string `json:"insertText"`
	Documentation any    `json:"documentation"`
}

// Start starts a language server that ends with the test.
func Start(t testing.TB) *Server {
	t.Helper()
	cmd := exec.Command("node", filepath.Join(Tools(t), "node_modules/yaml-language-server/bin/yaml-language-server"), "--stdio")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	s := &Server{t: t, in: in, wait: map[int]chan json.RawMessage{}, found: map[string]chan []Diagnostic{}}
	read := make(chan struct{})
	go func() { defer close(read); s.read(bufio.NewReader(out)) }()
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		<-read
		_ = cmd.Wait()
	})
	s.call("initialize", map[string]any{
		"processId": nil, "rootUri": nil,
		"capabilities": map[string]any{
			"textDocument": map[string]any{
				"hover":      map[string]any{"contentFormat": []string{"markdown"}},
				"completion": map[string]any{"completionItem": map[string]any{"documentationFormat": []string{"markdown"}}},
			},
			"workspace": map[string]any{"configuration": false, "didChangeConfiguration": map[string]any{}},
		},
	})
	s.notify("initialized", map[string]any{})
	s.notify("workspace/didChangeConfiguration", map[string]any{"settings": map[string]any{
		"yaml": map[string]any{"validate": true, "hover": true, "completion": true, "schemaStore": map[string]any{"enable": false}},
	}})
	return s
}

// A File is one that an editor has open.
type File struct{ Path, Text string }

// Open shows the server files, and returns what it finds wrong with each, from top to bottom. It looks
// at a file a fifth of a second after it was shown, so many are shown at once.
func (s *Server) Open(files ...File) [][]Diagnostic {
	s.t.Helper()
	published := make([]chan []Diagnostic, len(files))
	for i, f := range files {
		published[i] = make(chan []Diagnostic, 16)
		s.mu.Lock()
		s.found[uriOf(f.Path)] = published[i]
		s.mu.Unlock()
		s.notify("textDocument/didOpen", map[string]any{
			"textDocument": map[string]any{"uri": uriOf(f.Path), "languageId": "yaml", "version": 1, "text": f.Text},
		})
	}
	out := make([][]Diagnostic, len(files))
	for i, ch := range published {
		select {
		case out[i] = <-ch:
		case <-time.After(patience):
			s.t.Fatalf("the language server says nothing about %s", files[i].Path)
		}
		slices.SortStableFunc(out[i], func(a, b Diagnostic) int {
			return cmp.Or(a.Range.Start.Line-b.Range.Start.Line, a.Range.Start.Character-b.Range.Start.Character)
		})
	}
	return out
}

// Hover returns what an editor shows over a place of a file that is open: Markdown, or nothing.
func (s *Server) Hover(path string, at Position) string {
	s.t.Helper()
	var hover *struct {
		Contents struct {
			Value string `json:"value"`
		} `json:"contents"`
	}
	s.decode(s.call("textDocument/hover", place(path, at)), &hover)
	if hover == nil {
		return ""
	}
	return hover.Contents.Value
}

// Complete returns what an editor proposes at a place of a file that is open.
func (s *Server) Complete(path string, at Position) []Item {
	s.t.Helper()
	var list struct {
		Items []Item `json:"items"`
	}
	s.decode(s.call("textDocument/completion", place(path, at)), &list)
	return list.Items
}

func place(path string, at Position) map[string]any {
	return map[string]any{"textDocument": map[string]any{"uri": uriOf(path)}, "position": at}
}

func uriOf(path string) string { return (&url.URL{Scheme: "file", Path: path}).String() }

func (s *Server) decode(raw json.RawMessage, into any) {
	s.t.Helper()
	if err := json.Unmarshal(raw, into); err != nil {
		s.t.Fatalf("%v\n%s", err, raw)
	}
}

// call asks and waits for the answer.
func (s *Server) call(method string, params any) json.RawMessage {
	s.t.Helper()
	answer := make(chan json.RawMessage, 1)
	s.mu.Lock()
	s.next++
	id := s.next
	s.wait[id] = answer
	s.mu.Unlock()
	s.send(map[string]any{"jsonrpc": "2.0", "id": id, "method": method, "params": params})
	select {
	case raw := <-answer:
		return raw
	case <-time.After(patience):
		s.t.Fatalf("the language server does not answer %s", method)
		return nil
	}
}

func (s *Server) notify(method string, params any) {
	s.send(map[string]any{"jsonrpc": "2.0", "method": method, "params": params})
}

func (s *Server) send(message map[string]any) {
	body, err := json.Marshal(message)
	if err != nil {
		panic(err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	fmt.Fprintf(s.in, "Content-Length: %d\r\n\r\n%s", len(body), body)
}

// read takes what the server sends, until it ends: answers, what it publishes, and requests of its
// own, to which it gets null.
func (s *Server) read(r *bufio.Reader) {
	for {
		head, err := textproto.NewReader(r).ReadMIMEHeader()
		if err != nil {
			return
		}
		size, err := strconv.Atoi(head.Get("Content-Length"))
		if err != nil {
			return
		}
		body := make([]byte, size)
		if _, err := io.ReadFull(r, body); err != nil {
			return
		}
		var m struct {
			ID     json.RawMessage `json:"id"`
			Method string          `json:"method"`
			Params json.RawMessage `json:"params"`
			Result json.RawMessage `json:"result"`
		}
		if json.Unmarshal(body, &m) != nil {
			return
		}
		switch {
		case m.Method == "textDocument/publishDiagnostics":
			var p struct {
				URI         string       `json:"uri"`
				Diagnostics []Diagnostic `json:"diagnostics"`
			}
			_ = json.Unmarshal(m.Params, &p)
			uri, _ := url.PathUnescape(p.URI)
			s.mu.Lock()
			ch := s.found[strings.TrimSpace(uri)]
			s.mu.Unlock()
			if ch != nil {
				ch <- p.Diagnostics
			}
		case m.Method != "" && len(m.ID) > 0:
			s.send(map[string]any{"jsonrpc": "2.0", "id": m.ID, "result": nil})
		case m.Method == "" && len(m.ID) > 0:
			id, _ := strconv.Atoi(string(bytes.Trim(m.ID, `"`)))
			s.mu.Lock()
			ch := s.wait[id]
			delete(s.wait, id)
			s.mu.Unlock()
			if ch != nil {
				ch <- m.Result
			}
		}
	}
}
