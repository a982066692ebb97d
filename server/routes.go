package server

import "net/http"

// A Permission is what a route asks of whoever calls it.
type Permission string

// The permissions. Operate does not include Read.
const (
	Read    Permission = "read"    // to see DAGs and runs
	Operate Permission = "operate" // to start runs, and to order what becomes of them and of DAGs
)

// permissions are all there are.
var permissions = []Permission{Read, Operate}

// A route is one thing that can be asked for. An error becomes the answer, unless the answer has begun.
type route struct {
	Method     string
	Path       string // as http.ServeMux reads it; a run's key is one escaped part
	Permission Permission
	handle     func(s *Server, w http.ResponseWriter, r *http.Request) error
}

// routes is every route there is. A new resource is a file and its lines here.
var routes = []route{
	{"GET", "/v1/version", Read, (*Server).version},
	{"GET", "/v1/status", Read, (*Server).status},

	{"POST", "/v1/runs", Operate, (*Server).startRun},
	{"GET", "/v1/runs/{run}/updates", Read, (*Server).updates},
	{"POST", "/v1/runs/{run}/orders", Operate, (*Server).order},
	{"POST", "/v1/runs/{run}/resume", Operate, (*Server).resume},

	{"GET", "/v1/dags", Read, (*Server).listDAGs},
	{"GET", "/v1/dags/{dag}", Read, (*Server).showDAG},
	{"POST", "/v1/dags/{dag}/pause", Operate, (*Server).pauseDAG},
	{"POST", "/v1/dags/{dag}/unpause", Operate, (*Server).unpauseDAG},
	{"POST", "/v1/dags/{dag}/runs", Operate, (*Server).triggerDAG},
	{"GET", "/v1/dags/{dag}/dates", Read, (*Server).planBackfill},
	{"GET", "/v1/backfills", Read, (*Server).listBackfills},
	{"POST", "/v1/backfills", Operate, (*Server).orderBackfill},
	{"POST", "/v1/backfills/{id}/pause", Operate, (*Server).pauseBackfill},
	{"POST", "/v1/backfills/{id}/resume", Operate, (*Server).resumeBackfill},
	{"POST", "/v1/backfills/{id}/cancel", Operate, (*Server).cancelBackfill},

	{"GET", "/v1/missed", Read, (*Server).listMissed},
}
