package server

import (
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
)

// granted is the permission of every route, written down a second time: a new route, or one that asks for less, is a
// decision that someone sees.
var granted = map[string]Permission{
	"GET /v1/version":             Read,
	"GET /v1/status":              Read,
	"POST /v1/runs":               Operate,
	"GET /v1/runs/{run}/updates":  Read,
	"POST /v1/runs/{run}/orders":  Operate,
	"POST /v1/runs/{run}/resume":  Operate,
	"GET /v1/dags":                Read,
	"GET /v1/dags/{dag}":          Read,
	"POST /v1/dags/{dag}/pause":   Operate,
	"POST /v1/dags/{dag}/unpause": Operate,
	"POST /v1/dags/{dag}/runs":    Operate,
	"GET /v1/missed":              Read,
	"GET /v1/dags/{dag}/dates":    Read,
	"GET /v1/backfills":           Read,
	"POST /v1/backfills":          Operate,

	"POST /v1/backfills/{id}/pause":  Operate,
	"POST /v1/backfills/{id}/resume": Operate,
	"POST /v1/backfills/{id}/cancel": Operate,
}

func TestEachRouteAsksForItsPermission(t *testing.T) {
	seen := map[string]bool{}
	for _, rt := range routes {
		name := rt.Method + " " + rt.Path
		seen[name] = true
		if granted[name] != rt.Permission {
			t.Errorf("%s asks for %q, and %q is written down", name, rt.Permission, granted[name])
		}
		if (rt.Method == http.MethodGet) != (rt.Permission == Read) {
			t.Errorf("%s asks for %q: what only looks asks for read, all else for more", name, rt.Permission)
		}
	}
	for name := range granted {
		if !seen[name] {
			t.Errorf("%s is written down, and there is no such route", name)
		}
	}
}

func TestARouteWithoutAPermissionServesNobody(t *testing.T) {
	was := routes
	defer func() { routes = was }()
	routes = append(append([]route{}, was...), route{Method: "GET", Path: "/v1/open", handle: (*Server).version})
	if _, err := New(Config{}); err == nil || !strings.Contains(err.Error(), "GET /v1/open asks for no permission") {
		t.Errorf("New says %v", err)
	}
}

// Who has not the permission that a route asks for is refused, whatever else the request says.
func TestWhoLacksThePermissionIsRefused(t *testing.T) {
	for _, has := range [][]Permission{nil, {Read}, {Operate}} {
		w := newWorld(t)
		l, err := net.Listen("tcp", "127.0.0.1:0") // another door, with other permissions
		if err != nil {
			t.Fatal(err)
		}
		other, err := New(w.srv.conf)
		if err != nil {
			t.Fatal(err)
		}
		go func() { _ = other.Serve(l, has...) }()
		for _, rt := range routes {
			path := strings.NewReplacer("{run}", "r", "{dag}", "nightly", "{id}", "b").Replace(rt.Path)
			req, _ := http.NewRequestWithContext(t.Context(), rt.Method, "http://"+l.Addr().String()+path, nil)
			resp, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			_ = resp.Body.Close()
			may := strings.Contains(fmt.Sprint(has), string(rt.Permission))
			if refused := resp.StatusCode == http.StatusForbidden; refused == may {
				t.Errorf("%s %s with %v: %s", rt.Method, rt.Path, has, resp.Status)
			}
		}
		other.Close()
	}
}
