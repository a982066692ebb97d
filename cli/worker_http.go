package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"weft/runner/temporal"
)

// workerPage serves what a worker says of itself over HTTP: /healthz, whether it is alive; /readyz, whether it takes work;
// /metrics, for Prometheus. It has no data of any run.
type workerPage struct {
	work    *temporal.Worker
	metrics *temporal.Metrics
}

// listenForWorker opens an address. Without a host it is this machine's own alone.
func listenForWorker(addr string) (net.Listener, error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, usagef("--listen is [HOST]:PORT, such as :9090 (of this machine alone) or 0.0.0.0:9090, not %q", addr)
	}
	if host == "" {
		host = "127.0.0.1"
	}
	l, err := net.Listen("tcp", net.JoinHostPort(host, port))
	if err != nil {
		return nil, fmt.Errorf("cannot listen on %s: %w", addr, errors.Unwrap(err))
	}
	return l, nil
}

// serve answers until the listener is closed.
func (p *workerPage) serve(l net.Listener, log *slog.Logger) (end func()) {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { p.say(w, http.StatusOK, "") })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), 2*time.Second)
		defer cancel()
		switch err := p.work.Reach(ctx); {
		case p.work.Status().Draining:
			p.say(w, http.StatusServiceUnavailable, "it is being stopped")
		case err != nil:
			p.say(w, http.StatusServiceUnavailable, "Temporal does not answer")
		default:
			p.say(w, http.StatusOK, "")
		}
	})
	mux.HandleFunc("GET /metrics", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
		_, _ = p.metrics.WriteTo(w) // who asked has gone
	})
	srv := &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second, MaxHeaderBytes: 16 << 10, IdleTimeout: time.Minute, ReadTimeout: 10 * time.Second, WriteTimeout: 10 * time.Second}
	go func() {
		if err := srv.Serve(l); err != nil && !errors.Is(err, http.ErrServerClosed) {
			log.Error("health and metrics are not served any more", "error", err)
		}
	}()
	return func() { _ = srv.Close() }
}

func (p *workerPage) say(w http.ResponseWriter, code int, why string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(struct {
		OK  bool   `json:"ok"`
		Why string `json:"why,omitempty"`
		temporal.Status
	}{code == http.StatusOK, why, p.work.Status()}) // who asked has gone
}
