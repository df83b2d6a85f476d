package ruleset

import (
	"cmp"
	"iter"
	"slices"

	cedar "github.com/cedar-policy/cedar-go"
)

// Set is rules in the order of their files. It is immutable, and safe for concurrent use.
type Set struct {
	rules []*Rule
	// named are the rules whose scope names one principal or group, or else one resource, by that entity; open are all others.
	// A set of thousands of rules costs a request only those of its own.
	named map[cedar.EntityUID][]*Rule
	open  []*Rule
}

// Join makes one set of several, in their order. No two of its rules may have one id; see [Set.Repeated].
func Join(sets ...*Set) *Set {
	var rules []*Rule
	for _, set := range sets {
		rules = append(rules, set.rules...)
	}
	return newSet(rules)
}

// newSet numbers rules and builds the index. The rules are copied: those of one file may be in several sets.
func newSet(rules []*Rule) *Set {
	s := &Set{rules: make([]*Rule, len(rules)), named: make(map[cedar.EntityUID][]*Rule)}
	for i, r := range rules {
		placed := *r
		placed.order = i
		s.rules[i] = &placed
		if placed.named {
			s.named[placed.owner] = append(s.named[placed.owner], &placed)
			continue
		}
		s.open = append(s.open, &placed)
	}
	return s
}

// Rules are all rules, in order. Do not change them.
func (s *Set) Rules() []*Rule { return s.rules }

// Find is the rule of an id.
func (s *Set) Find(id string) (*Rule, bool) {
	for _, r := range s.rules {
		if r.ID == id {
			return r, true
		}
	}
	return nil, false
}

// Repeated is an id that both sets have, and whether there is one.
func (s *Set) Repeated(other *Set) (*Rule, bool) {
	for _, r := range other.rules {
		if _, found := s.Find(r.ID); found {
			return r, true
		}
	}
	return nil, false
}

// Limited reports whether any rule has a rate.
func (s *Set) Limited() bool {
	return slices.ContainsFunc(s.rules, func(r *Rule) bool { return r.Rate != nil })
}

// May reports whether some permit could allow an action to principals of a kind, whatever its conditions say.
func (s *Set) May(action, kind string) bool {
	return slices.ContainsFunc(s.rules, func(r *Rule) bool { return !r.Forbids && r.concerns(action, kind) })
}

// candidates are a superset of the rules that apply: what is left out has a scope that cannot match, and so cannot fail either.
//
// They are the rules whose scope does not exclude the request, each by its place in the set.
func (s *Set) candidates(r *Request, entities cedar.EntityMap) []*Rule {
	var found []*Rule
	keep := func(rules []*Rule) {
		for _, rule := range rules {
			if rule.concerns(r.Action, r.Kind) {
				found = append(found, rule)
			}
		}
	}
	keep(s.open)
	for uid := range entities {
		keep(s.named[uid])
	}
	for _, group := range r.groups() {
		keep(s.named[group])
	}
	return found
}

// Failure is a rule that could not be evaluated.
type Failure struct {
	Rule    *Rule
	Message string
}

// Verdict is the answer of a set.
type Verdict struct {
	Allowed bool
	Decided []*Rule   // the forbids that apply, or else the permits, in the order of the set
	Failed  []Failure // they did not apply
}

// places is rules as cedar-go takes them: the id is the place in a slice, so that ids of several files never collide.
type places []*Rule

// All implements cedar.PolicyIterator.
func (p places) All() iter.Seq2[cedar.PolicyID, *cedar.Policy] {
	return func(yield func(cedar.PolicyID, *cedar.Policy) bool) {
		for _, r := range p {
			if !yield(cedar.PolicyID(r.ID), r.compiled) {
				return
			}
		}
	}
}

// Evaluate answers a request. Default deny; a forbid that applies overrides every permit.
func (s *Set) Evaluate(r *Request) Verdict {
	resource, entities := r.entities()
	rules := s.candidates(r, entities)
	decision, diagnostic := cedar.Authorize(places(rules), entities, cedar.Request{
		Principal: r.principal(), Action: cedar.NewEntityUID(typeAction, cedar.String(r.Action)), Resource: resource, Context: r.context(),
	})
	byID := make(map[cedar.PolicyID]*Rule, len(rules))
	for _, rule := range rules {
		byID[cedar.PolicyID(rule.ID)] = rule
	}
	verdict := Verdict{Allowed: bool(decision == cedar.Allow)}
	for _, reason := range diagnostic.Reasons {
		verdict.Decided = append(verdict.Decided, byID[reason.PolicyID])
	}
	for _, failed := range diagnostic.Errors {
		verdict.Failed = append(verdict.Failed, Failure{byID[failed.PolicyID], failed.Message})
	}
	slices.SortFunc(verdict.Decided, func(a, b *Rule) int { return cmp.Compare(a.order, b.order) })
	return verdict
}
