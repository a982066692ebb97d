package tests

import (
	"path/filepath"
	"testing"

	"weft/tests/temporalserver"
)

// A cluster is a Temporal server, a namespace of it, and the workers that a test starts there. They share a handoff,
// and nothing else.
type cluster struct {
	t         *testing.T
	server    *temporalserver.Server
	namespace string
	dir       string
	env       []string // of each weft that takes part
}

func newCluster(t *testing.T, options ...temporalserver.Option) *cluster {
	t.Helper()
	c := &cluster{t: t, server: temporalserver.Start(t, options...), dir: t.TempDir()}
	c.namespace = c.server.Namespace()
	c.env = append(c.server.Env(c.namespace), "WEFT_ENGINE=temporal", "WEFT_HANDOFF=file://"+filepath.Join(c.dir, "handoff"))
	return c
}

// joins has the commands of a world go to the cluster.
func (c *cluster) joins(w *world) { w.env = append(w.env, c.env...) }

// worker starts a `weft worker`, with a state folder of its name: the next of that name finds what this one leaves.
func (c *cluster) worker(name string, env []string, args ...string) *serving {
	c.t.Helper()
	return c.workerOn(nil, name, env, args...)
}

// workerOn is worker on a host, nil = this one.
func (c *cluster) workerOn(host *temporalserver.Host, name string, env []string, args ...string) *serving {
	c.t.Helper()
	w := &world{t: c.t, dir: c.dir, ledger: filepath.Join(c.dir, "ledger")}
	c.joins(w)
	w.env = append(w.env, "WEFT_HOME="+filepath.Join(c.dir, name))
	if host != nil {
		w.env = append(w.env, "TEMPORAL_ADDRESS="+host.Reach(c.server.Address))
	}
	s := &serving{world: w, verb: "worker", host: host, env: env, args: args}
	c.t.Cleanup(s.kill)
	s.start()
	return s
}

// three starts three workers on two queues.
func (c *cluster) three() []*serving {
	c.t.Helper()
	return []*serving{
		c.worker("one", nil, "--queue", "default"),
		c.worker("two", nil, "--queue", "default", "--queue", "gpu"),
		c.worker("three", nil, "--queue", "default", "--queue", "gpu"),
	}
}
