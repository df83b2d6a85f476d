package health

import (
	"encoding/json"
	"net/http"
)

// Paths of the probes. No method has one of them: those have two segments.
const (
	alivePath = "/healthz"
	readyPath = "/readyz"
)

// Probes answer plain GETs, for those that look after processes: whether this one answers at all, and whether to send it calls,
// which is what Health.Check says of the collector. They tell anybody, and tell nothing else.
type Probes struct {
	Draining <-chan struct{} // closed when the collector is about to stop
	Store    func() error    // why what is written is not kept; nil if it is
}

// verdict is the answer, in JSON: status is ok or stopping, detail is for people.
type verdict struct {
	Status string   `json:"status"`
	Detail []string `json:"detail,omitempty"`
}

// Answer answers a probe, and reports whether the request is one. It is asked before anybody has proved who they are, so that what
// it tells is the same for all. Nothing in between may keep the answer: the next one may be another.
func (p *Probes) Answer(w http.ResponseWriter, r *http.Request) bool {
	if r.URL.Path != alivePath && r.URL.Path != readyPath {
		return false
	}
	w.Header().Set("Cache-Control", "no-store")
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "405: ask by GET", http.StatusMethodNotAllowed)
		return true
	}
	code, said := p.judge(r.URL.Path)
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(said) // who does not hear it asks again
	return true
}

// judge says how the collector is. That it answers is all there is to say of a process that lives: a supervisor that restarts one
// for more than that would restart the whole mesh in a bad hour. A store that has trouble takes no calls away from it: it runs on in memory.
func (p *Probes) judge(path string) (code int, said verdict) {
	code, said.Status = http.StatusOK, "ok"
	if path == alivePath {
		return code, said
	}
	if p.Store() != nil {
		said.Detail = append(said.Detail, "what is written to the store is not kept: see collector status, or the log")
	}
	select {
	case <-p.Draining:
		said.Detail = append(said.Detail, "this collector is stopping: send calls to another one")
		return http.StatusServiceUnavailable, verdict{"stopping", said.Detail}
	default:
		return code, said
	}
}
