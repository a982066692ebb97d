package server

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"sync"
	"time"

	"weft/machine"
	"weft/runner"
)

// A Client asks the server of a state folder. It is safe for concurrent use.
type Client struct {
	Version Version // of the server

	home string
	http *http.Client
	mu   sync.Mutex
	conn net.Conn // made already, for the first request
}

// ErrSilent says that a server listens and does not answer: it is stopped, or starved.
var ErrSilent = errors.New("the server does not answer")

// patience is how long a client waits to hear who a server is.
const patience = 2 * time.Second

// Connect finds the server of a state folder. ErrNone comes at once; else an error says why it cannot be asked.
func Connect(home string) (*Client, error) {
	conn, err := Dial(home, patience)
	if err != nil {
		return nil, err
	}
	c := &Client{home: home, conn: conn}
	c.http = &http.Client{
		Transport:     &http.Transport{DialContext: c.dial, MaxIdleConnsPerHost: 4, DisableCompression: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := c.ask(ctx, http.MethodGet, "/v1/version", nil, &c.Version); err != nil {
		c.Close()
		if ctx.Err() != nil {
			return nil, ErrSilent
		}
		if errors.Is(err, ErrLost) { // it was ending
			return nil, ErrNone
		}
		return nil, err
	}
	if c.Version.Format != Format {
		c.Close()
		return nil, fmt.Errorf("the server (process %d) is weft %s, and speaks another form of the API: %d, not %d", c.Version.PID, c.Version.Version, c.Version.Format, Format)
	}
	return c, nil
}

// Close lets go of what it holds open.
func (c *Client) Close() {
	c.http.CloseIdleConnections()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.conn != nil {
		_ = c.conn.Close()
	}
}

func (c *Client) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	c.mu.Lock()
	conn := c.conn
	c.conn = nil
	c.mu.Unlock()
	if conn != nil {
		return conn, nil
	}
	left := 5 * patience // it is known to answer
	if end, ok := ctx.Deadline(); ok {
		left = min(left, time.Until(end))
	}
	return Dial(c.home, left)
}

// ErrLost says that the server ended before its answer did.
var ErrLost = errors.New("the server has gone")

// send asks, and returns what answers; a problem is an error.
func (c *Client) send(ctx context.Context, method, path string, body []byte, lines bool) (*http.Response, error) {
	var in io.Reader
	if body != nil {
		in = bytes.NewReader(body)
	}
	req, err := http.NewRequestWithContext(ctx, method, "http://weft"+path, in)
	if err != nil {
		return nil, err
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if lines {
		req.Header.Set("Accept", jsonLines)
	}
	resp, err := c.http.Do(req)
	switch {
	case err != nil && ctx.Err() != nil:
		return nil, ctx.Err()
	case err != nil:
		return nil, fmt.Errorf("%w: %w", ErrLost, err)
	case resp.StatusCode < http.StatusMultipleChoices:
		return resp, nil
	}
	defer resp.Body.Close()
	var p problem
	if err := json.NewDecoder(io.LimitReader(resp.Body, maxBody)).Decode(&p); err != nil || p.Error == "" {
		p = problem{Code: codeInternal, Error: "the server answers " + resp.Status}
	}
	return nil, &Problem{Status: resp.StatusCode, Code: p.Code, Text: p.Error, Hint: p.Hint}
}

// ask sends a value, if there is one, and reads the answer into another.
func (c *Client) ask(ctx context.Context, method, path string, in, out any) error {
	var body []byte
	if in != nil {
		var err error
		if body, err = json.Marshal(in); err != nil {
			return err
		}
	}
	return c.bytes(ctx, method, path, body, out)
}

func (c *Client) bytes(ctx context.Context, method, path string, body []byte, out any) error {
	resp, err := c.send(ctx, method, path, body, false)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if err := json.NewDecoder(resp.Body).Decode(out); err != nil {
		return fmt.Errorf("%w: %w", ErrLost, err)
	}
	_, _ = io.Copy(io.Discard, resp.Body) // the connection can be used again
	return nil
}

func (c *Client) lines(ctx context.Context, method, path string, body []byte) (*Stream, error) {
	resp, err := c.send(ctx, method, path, body, true)
	if err != nil {
		return nil, err
	}
	return &Stream{body: resp.Body, in: bufio.NewReaderSize(resp.Body, 64<<10)}, nil
}

// A Stream is what a server tells of a run, line by line.
type Stream struct {
	body io.ReadCloser
	in   *bufio.Reader
}

// Next returns the next line. ErrLost if the server ended before the run did; io.EOF follows the last line.
func (s *Stream) Next() (Line, error) {
	var l Line
	text, err := s.in.ReadBytes('\n')
	switch {
	case errors.Is(err, io.EOF) && len(text) == 0:
		return l, io.EOF
	case err != nil:
		return l, fmt.Errorf("%w: %w", ErrLost, err)
	}
	if err := json.Unmarshal(text, &l); err != nil {
		return l, fmt.Errorf("cannot read what the server tells: %w", err)
	}
	l.Update.Seq, l.Update.Summary = l.Seq, l.Summary
	return l, nil
}

// Close ends it; the run goes on.
func (s *Stream) Close() { _ = s.body.Close() }

func runPath(run, what string) string { return "/v1/runs/" + url.PathEscape(run) + "/" + what }

func dagPath(dag, what string) string { return "/v1/dags/" + url.PathEscape(dag) + what }

// Start starts a run and tells of it to its end.
func (c *Client) Start(ctx context.Context, req runner.Request) (*Stream, error) {
	body, err := req.Encode()
	if err != nil {
		return nil, err
	}
	return c.lines(ctx, http.MethodPost, "/v1/runs", body)
}

// StartOnly starts a run, and returns once it is durable.
func (c *Client) StartOnly(ctx context.Context, req runner.Request) (a Accepted, err error) {
	body, err := req.Encode()
	if err != nil {
		return a, err
	}
	err = c.bytes(ctx, http.MethodPost, "/v1/runs", body, &a)
	return a, err
}

// Updates tells of a run from now on.
func (c *Client) Updates(ctx context.Context, run string) (*Stream, error) {
	return c.lines(ctx, http.MethodGet, runPath(run, "updates"), nil)
}

// Resume goes on with a run that nobody drives, and tells of it.
func (c *Client) Resume(ctx context.Context, run string) (*Stream, error) {
	return c.lines(ctx, http.MethodPost, runPath(run, "resume"), nil)
}

// Order has a fact recorded in a run, and tells of what follows.
func (c *Client) Order(ctx context.Context, run string, fact machine.Fact) (*Stream, error) {
	body, err := json.Marshal(machine.Event{Fact: fact})
	if err != nil {
		return nil, err
	}
	return c.lines(ctx, http.MethodPost, runPath(run, "orders"), body)
}

// OrderOnly has a fact recorded in a run, and returns once it is durable.
func (c *Client) OrderOnly(ctx context.Context, run string, fact machine.Fact) (a Accepted, err error) {
	err = c.ask(ctx, http.MethodPost, runPath(run, "orders"), machine.Event{Fact: fact}, &a)
	return a, err
}

// Status asks what the server does.
func (c *Client) Status(ctx context.Context) (out Status, err error) {
	err = c.ask(ctx, http.MethodGet, "/v1/status", nil, &out)
	return out, err
}

// DAGs lists those that are in force.
func (c *Client) DAGs(ctx context.Context) (out DAGs, err error) {
	err = c.ask(ctx, http.MethodGet, "/v1/dags", nil, &out)
	return out, err
}

// DAG tells all of one.
func (c *Client) DAG(ctx context.Context, id string) (out DAGPage, err error) {
	err = c.ask(ctx, http.MethodGet, dagPath(id, ""), nil, &out)
	return out, err
}

// Pause has a DAG begin no runs by its schedule, or begin them again.
func (c *Client) Pause(ctx context.Context, id, by string, pause bool) (out Paused, err error) {
	what := "/pause"
	if !pause {
		what = "/unpause"
	}
	err = c.ask(ctx, http.MethodPost, dagPath(id, what), Pausing{By: by}, &out)
	return out, err
}

// Trigger begins a run of a DAG that is in force.
func (c *Client) Trigger(ctx context.Context, id string, t Trigger) (out Accepted, err error) {
	err = c.ask(ctx, http.MethodPost, dagPath(id, "/runs"), t, &out)
	return out, err
}

// Backfills lists backfills, the newest first; of all DAGs if dag is "".
func (c *Client) Backfills(ctx context.Context, dag string) (out Backfills, err error) {
	err = c.ask(ctx, http.MethodGet, "/v1/backfills?"+url.Values{"dag": {dag}}.Encode(), nil, &out)
	return out, err
}

// Dates tells what a backfill would do about each of its dates.
func (c *Client) Dates(ctx context.Context, o BackfillOrder) (out Dates, err error) {
	q := url.Values{"from": {o.From.Format(time.RFC3339Nano)}, "to": {o.To.Format(time.RFC3339Nano)}, "reprocess": {o.Reprocess}}
	if o.Backwards {
		q.Set("backwards", "true")
	}
	err = c.ask(ctx, http.MethodGet, dagPath(o.DAG, "/dates?")+q.Encode(), nil, &out)
	return out, err
}

// Backfill orders one.
func (c *Client) Backfill(ctx context.Context, o BackfillOrder) (out Backfilled, err error) {
	err = c.ask(ctx, http.MethodPost, "/v1/backfills", o, &out)
	return out, err
}

// OrderBackfill pauses, resumes or cancels one: what is that word.
func (c *Client) OrderBackfill(ctx context.Context, id, what, by string) (out Backfilled, err error) {
	err = c.ask(ctx, http.MethodPost, "/v1/backfills/"+url.PathEscape(id)+"/"+what, Pausing{By: by}, &out)
	return out, err
}
