package access

import (
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/collectiverpc/collective/access/internal/recall"
	"github.com/collectiverpc/collective/access/internal/ruleset"
)

// force is the policies that are in force, and what they decided. A reload puts another in its place, and with it forgets.
type force struct {
	set     *ruleset.Set
	answers *recall.Map[question, *answer]
	failed  *sync.Map // ids of policies whose failure has been logged
}

func newForce(set *ruleset.Set) *force {
	return &force{set: set, answers: recall.New[question, *answer](maxDecisions), failed: new(sync.Map)}
}

// forgetful is the same policies, with nothing that they decided.
func (f *force) forgetful() *force {
	next := newForce(f.set)
	next.failed = f.failed
	return next
}

// policies are the policies of a guard: those in force, and where to read them again.
type policies struct {
	source    source
	anonymous bool
	log       *slog.Logger

	current   atomic.Pointer[force]
	reloading sync.Mutex
	broken    atomic.Pointer[error] // why the file cannot be used now; nil while it can
}

// load reads the policies for the first time: what cannot be used is refused.
func (p *policies) load() error {
	set, err := p.read()
	if err != nil {
		return err
	}
	p.current.Store(newForce(set))
	return nil
}

// reload reads them again. What cannot be used leaves those in force that are.
func (p *policies) reload() error {
	if p.source.path == "" {
		return nil
	}
	p.reloading.Lock()
	defer p.reloading.Unlock()
	set, err := p.read()
	if err != nil {
		p.broken.Store(&err)
		p.log.Error("policy file refused: the policies from before stay in force", slog.String("file", p.source.path), slog.Any("error", err))
		return err
	}
	p.current.Store(newForce(set))
	p.broken.Store(nil)
	p.log.Info("policies loaded", slog.String("file", p.source.path), slog.Int("policies", len(set.Rules())))
	return nil
}

// read makes the whole set: the floor, what the user gave or the default, and what an option adds.
func (p *policies) read() (*ruleset.Set, error) {
	own, err := builtIn()
	if err != nil {
		return nil, err
	}
	middle, err := p.readSource(own)
	if err != nil {
		return nil, err
	}
	sets := []*ruleset.Set{own.floor, middle}
	if p.anonymous {
		sets = append(sets, own.anonymous)
	}
	return ruleset.Join(sets...), nil
}

func (p *policies) readSource(own *builtInSets) (*ruleset.Set, error) {
	switch {
	case p.source.name == "":
		return own.standard, nil
	case p.source.path == "":
		return readPolicies(p.source.name, p.source.text)
	}
	text, err := readFile(p.source.path)
	if err != nil {
		return nil, err
	}
	return readPolicies(p.source.path, text)
}

// line says which policies are in force.
func (p *policies) line() string {
	line := "policy: default"
	if p.source.name != "" {
		line = "policy: " + p.source.name
	}
	line += fmt.Sprintf(", %d policies", len(p.current.Load().set.Rules()))
	if p.anonymous {
		line += ", anonymous callers allowed from everywhere"
	}
	if broken := p.broken.Load(); broken != nil {
		first, _, _ := strings.Cut((*broken).Error(), "\n")
		line += "; THE FILE CANNOT BE USED, the policies from before are in force: " + first
	}
	return line
}

// troubles says that the file cannot be used, and what to do.
func (p *policies) troubles() []string {
	broken := p.broken.Load()
	if broken == nil {
		return nil
	}
	first, _, _ := strings.Cut((*broken).Error(), "\n")
	return []string{"the policy file " + p.source.path + " cannot be used, the policies from before are in force: " + first +
		" → collector policy check " + p.source.path}
}

// sentence is the reason of a verdict.
func sentence(c *Caller, a Action, r Resource, v ruleset.Verdict) string {
	verb := "may"
	if !v.Allowed {
		verb = "may not"
	}
	text := fmt.Sprintf("%s %s %s %s", c.Principal, verb, a, r.told())
	ids := idsOf(v.Decided)
	switch {
	case len(ids) == 0:
		return text + ": no policy permits it"
	case v.Allowed:
		return text + ": permitted by " + strings.Join(ids, ", ")
	default:
		return text + ": forbidden by " + strings.Join(ids, ", ")
	}
}

func idsOf(rules []*ruleset.Rule) []string {
	ids := make([]string, len(rules))
	for i, r := range rules {
		ids[i] = r.ID
	}
	return slices.Clip(ids)
}
