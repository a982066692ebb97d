package sandbox

import (
	"encoding/json"
	"io"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

// A work is something that a service does for long: a run of a job, a crawl, an execution. What it does
// it does by the clock alone, as a script says: so it goes on, and is over, whether the sandbox lives or
// not. Nothing is computed.
type work struct {
	Name      string            `json:"name"`            // of what it is of
	ID        string            `json:"id,omitempty"`    // "" = it has none, as crawls
	Token     string            `json:"token,omitempty"` // that it was started under
	Arguments map[string]string `json:"arguments,omitempty"`
	Started   time.Time         `json:"started"`
	Stopped   time.Time         `json:"stopped,omitzero"` // when it was asked to stop
	Reason    string            `json:"reason,omitempty"` // why, where the service takes a word for it
	Script    string            `json:"script,omitempty"`
	steps     steps
}

// A kind is one of the kinds of what works are of.
type kind struct {
	name string // in a script file: `job NAME: …`
	*words
}

// A shop is the works of one service. There is everything that is named.
type shop struct {
	all []kind // the first is of works with an ID
	now func() time.Time
	log workLog

	mu       sync.Mutex
	works    map[string][]*work // by "kind NAME", as they began
	byID     map[string]*work
	scripts  map[string]script // by "kind NAME"
	refusals map[string]int    // calls about one of them that might have been refused
}

// openShop opens the works of a service, in a folder of its own beside the buckets.
func openShop(o Options, folder string, all ...kind) (*shop, error) {
	s := &shop{
		all: all, now: time.Now, log: noWorkLog{},
		works: map[string][]*work{}, byID: map[string]*work{}, scripts: map[string]script{}, refusals: map[string]int{},
	}
	if o.Dir == "" {
		return s, nil
	}
	return s, s.openLog(filepath.Join(o.Dir, folder))
}

func (s *shop) close() { s.log.close() }

func (s *shop) wordsOf(name string) *words {
	for _, k := range s.all {
		if k.name == name {
			return k.words
		}
	}
	return nil
}

// kindOf is what a work is of: only those of the last kind may have no ID.
func (s *shop) kindOf(r *work) string {
	if r.ID == "" {
		return s.all[len(s.all)-1].name
	}
	return s.all[0].name
}

func (s *shop) kinds() string {
	var list []string
	for _, k := range s.all {
		list = append(list, "`"+k.name+" NAME:`")
	}
	return strings.Join(list, " or ")
}

func (s *shop) keep(r *work) {
	key := s.kindOf(r) + " " + r.Name
	s.works[key] = append(s.works[key], r)
	if r.ID != "" {
		s.byID[r.ID] = r
	}
}

// of are the works of a kind and name, as they began.
func (s *shop) of(kind, name string) []*work { return s.works[kind+" "+name] }

// under is the work of a kind and name that was started under a token, nil if there is none.
func (s *shop) under(kind, name, token string) *work {
	for _, r := range s.of(kind, name) {
		if r.Token == token && token != "" {
			return r
		}
	}
	return nil
}

// start begins a work. Its script is the given one, or that of its name. The n-th work that is like
// others goes as the script's n-th run says. invalid makes the service's refusal of a script that is none.
func (s *shop) start(r *work, given string, like func(*work) bool, invalid func(string) error) error {
	kind := s.kindOf(r)
	plan, known := s.scripts[kind+" "+r.Name]
	if given != "" || !known {
		var err error
		if plan, err = readScript(s.wordsOf(kind), given); err != nil {
			return invalid("weft_sandbox: " + err.Error())
		}
	}
	nth := 0
	for _, other := range s.of(kind, r.Name) {
		if like(other) {
			nth++
		}
	}
	r.steps = plan[nth%len(plan)]
	if err := s.throttled(r); err != nil {
		return err
	}
	r.Started, r.Script = s.now().UTC(), r.steps.src
	if err := s.log.write(r); err != nil {
		return err
	}
	s.keep(r)
	if r.steps.lost {
		panic(http.ErrAbortHandler) // the connection breaks, and the work goes on
	}
	return nil
}

// throttled refuses a share of the calls about what a work is of, in a pattern that is the same each time.
func (s *shop) throttled(r *work) error {
	key := s.kindOf(r) + " " + r.Name
	n := s.refusals[key]
	s.refusals[key]++
	if (n+1)*r.steps.refused/100 > n*r.steps.refused/100 {
		return &fault{400, "ThrottlingException", "Rate exceeded"}
	}
	return nil
}

// find finds a work by its ID, unless the call is refused; nil if there is none.
func (s *shop) find(id string) (*work, error) {
	r := s.byID[id]
	if r == nil {
		return nil, nil
	}
	return r, s.throttled(r)
}

// stop has a work end soon; false if it has ended.
func (s *shop) stop(r *work) (bool, error) { return s.stopFor(r, "") }

// stopFor is stop with the reason that was given.
func (s *shop) stopFor(r *work, reason string) (bool, error) {
	if !r.Stopped.IsZero() {
		return true, nil
	}
	if r.at(s.now()).over {
		return false, nil
	}
	r.Stopped, r.Reason = s.now().UTC(), reason
	return true, s.log.write(r)
}

// newest are works, the last that began first.
func newest(list []*work) []*work {
	list = slices.Clone(list)
	slices.Reverse(list)
	return list
}

// serve answers a call by its operation, with the shop's lock held.
func (s *shop) serve(w http.ResponseWriter, r *http.Request, service, contentType string, operations map[string]operation) {
	w.Header().Set("Content-Type", contentType)
	out, err := s.carry(operationOf(service, r), r.Body, operations)
	if err != nil {
		refuseJSON(w, err)
		return
	}
	answerJSON(w, http.StatusOK, out)
}

func (s *shop) carry(name string, from io.Reader, operations map[string]operation) (any, error) {
	body, err := io.ReadAll(from)
	if err != nil {
		return nil, errIncomplete
	}
	do := operations[name]
	if do == nil {
		return nil, &fault{400, "UnknownOperationException", "The sandbox does not have " + name + "."}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return do(body)
}

// An operation reads its request, and gives its answer.
type operation func(body []byte) (any, error)

// reads makes an operation of a method that takes a request of some form.
func reads[T any](do func(*T) (any, error)) operation {
	return func(body []byte) (any, error) {
		in := new(T)
		if len(body) > 0 && json.Unmarshal(body, in) != nil {
			return nil, &fault{400, "SerializationException", "The body is not what the operation takes."}
		}
		return do(in)
	}
}

// seconds is how awsJson writes a time; nil where there is none.
func seconds(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return float64(t.UnixMilli()) / 1000
}
