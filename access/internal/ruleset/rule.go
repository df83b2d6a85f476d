package ruleset

import (
	"slices"
	"time"

	cedar "github.com/cedar-policy/cedar-go"
	"github.com/cedar-policy/cedar-go/x/exp/ast"
)

// Rule is one policy of a file.
type Rule struct {
	ID           string // its annotation @id, or line-N
	File         string
	Line, Column int
	Text         string // as it stands in the file, from its first annotation to its semicolon
	Forbids      bool   // otherwise it permits
	Rate         *Rate  // nil without one

	// compiled is what evaluates, and order the place in the set, by which decisions are told.
	compiled *cedar.Policy
	order    int

	// What the index goes by:
	named   bool            // its scope names one principal or group, or else one resource:
	owner   cedar.EntityUID // this one
	kinds   []string        // the kinds of principals that its scope leaves; nil for all
	actions []string        // the actions that its scope leaves; nil for all
}

// Rate is what a permit grants: tokens that come at a steady pace, and how many may be saved.
type Rate struct {
	Every     time.Duration // from one token to the next
	Burst     int
	PerMethod bool // a bucket for each method; otherwise one for all that the permit covers
}

// concerns reports whether the scope leaves an action and a kind of principal.
func (r *Rule) concerns(action, kind string) bool {
	return (r.actions == nil || slices.Contains(r.actions, action)) && (r.kinds == nil || slices.Contains(r.kinds, kind))
}

// own makes an entity of the scope the one by which the rule is found, unless it has one.
func (r *Rule) own(entity cedar.EntityUID) {
	if !r.named {
		r.named, r.owner = true, entity
	}
}

// readScope takes from a policy's scope what the index goes by.
func (r *Rule) readScope(policy *ast.Policy) {
	switch scope := policy.Principal.(type) {
	case ast.ScopeTypeEq:
		r.own(scope.Entity)
	case ast.ScopeTypeIn:
		r.own(scope.Entity)
	case ast.ScopeTypeIs:
		r.kinds = []string{string(scope.Type)}
	case ast.ScopeTypeIsIn:
		r.kinds = []string{string(scope.Type)}
		r.own(scope.Entity)
	}
	r.readResource(policy.Resource)
	r.readAction(policy.Action)
}

// readResource takes a resource to find the rule by, if it is not found by a principal. What type the scope leaves is not
// worth an index: there are four.
func (r *Rule) readResource(scope ast.IsResourceScopeNode) {
	switch scope := scope.(type) {
	case ast.ScopeTypeEq:
		r.own(scope.Entity)
	case ast.ScopeTypeIn:
		r.own(scope.Entity)
	case ast.ScopeTypeIsIn:
		r.own(scope.Entity)
	}
}

// readAction takes the actions. The schema has no groups of actions, so that what is named is what is meant.
func (r *Rule) readAction(scope ast.IsActionScopeNode) {
	switch scope := scope.(type) {
	case ast.ScopeTypeEq:
		r.actions = []string{string(scope.Entity.ID)}
	case ast.ScopeTypeIn:
		r.actions = []string{string(scope.Entity.ID)}
	case ast.ScopeTypeInSet:
		r.actions = make([]string, len(scope.Entities))
		for i, entity := range scope.Entities {
			r.actions[i] = string(entity.ID)
		}
	}
}
