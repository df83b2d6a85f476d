package access

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/collectiverpc/collective/access/internal/ruleset"
)

// DefaultPolicy is the policies that are in force without a policy file, as Cedar text.
func DefaultPolicy() string { return ruleset.Default }

// FloorPolicy is the policies that are in force with any policy file, as Cedar text.
func FloorPolicy() string { return ruleset.Floor }

// PolicySchema is the schema of policies, in the human form of Cedar schemas, for editors and other tools.
func PolicySchema() string { return ruleset.Schema }

// ErrPolicy is in the chain of every refusal of policies.
var ErrPolicy = errors.New("policy refused")

// Problem is one thing that is wrong with a text of policies.
type Problem struct {
	// File is the name that was given with the text.
	File string `json:"file"`
	// Line and Column count from 1; 0 stands for the text as a whole.
	Line int `json:"line,omitempty"`
	// Column counts bytes.
	Column int `json:"column,omitempty"`
	// Policy is the id of the policy; empty where there is none yet.
	Policy string `json:"policy,omitempty"`
	// Message is what is wrong.
	Message string `json:"message"`
	// Hint is what is known instead, or what to do; may be empty.
	Hint string `json:"hint,omitempty"`
}

// PolicyError is a text of policies that cannot be used, with all that is wrong with it.
type PolicyError struct {
	// Problems is never empty.
	Problems []Problem
	text     string
}

// Error is a line for each problem: file:line:column: message.
func (e *PolicyError) Error() string { return ErrPolicy.Error() + ": " + e.text }

// Unwrap is [ErrPolicy].
func (e *PolicyError) Unwrap() error { return ErrPolicy }

// Policy is one policy that is in force.
type Policy struct {
	// ID is its annotation @id, or line-N.
	ID string `json:"id"`
	// File and Line are where it begins.
	File string `json:"file"`
	// Line counts from 1.
	Line int `json:"line"`
	// Text is the policy as it is written.
	Text string `json:"text"`
	// Forbids tells a forbid from a permit.
	Forbids bool `json:"forbids,omitempty"`
}

// PolicyReport is what there is to say of policies that can be used.
type PolicyReport struct {
	// Policies are all of the text, in order.
	Policies []Policy `json:"policies"`
	// Notes are sentences on what they leave closed that a mesh usually needs; often that is what is meant.
	Notes []string `json:"notes,omitempty"`
}

// CheckPolicies reads policies as [WithPolicies] does and checks them against [PolicySchema]; name is what messages call
// them. A text that cannot be used is a [*PolicyError].
func CheckPolicies(name string, cedar []byte) (*PolicyReport, error) {
	set, err := readPolicies(name, cedar)
	if err != nil {
		return nil, err
	}
	return &PolicyReport{Policies: policiesOf(set), Notes: notesOf(set)}, nil
}

// CheckPolicyFile is [CheckPolicies] for a file, as [WithPolicyFile] reads it.
func CheckPolicyFile(path string) (*PolicyReport, error) {
	text, err := readFile(path)
	if err != nil {
		return nil, err
	}
	return CheckPolicies(path, text)
}

// needed is what a mesh usually needs, and what is missing without it.
var needed = []struct {
	action Action
	kinds  []Kind
	note   string
}{
	{Serve, []Kind{KindCollector}, "no policy permits a Collector to serve: the services of peers cannot be called here"},
	{Describe, []Kind{KindCollector}, "no policy permits a Collector to describe: peers cannot learn the schemas of this collector, nor call what they have none of"},
	{Call, []Kind{KindUser, KindService, KindAnonymous}, "no policy permits a User, a Service or anonymous callers to call"},
}

func notesOf(set *ruleset.Set) []string {
	var notes []string
	for _, need := range needed {
		if !slices.ContainsFunc(need.kinds, func(k Kind) bool { return set.May(need.action.String(), string(k)) }) {
			notes = append(notes, need.note)
		}
	}
	return notes
}

func policiesOf(set *ruleset.Set) []Policy {
	policies := make([]Policy, len(set.Rules()))
	for i, r := range set.Rules() {
		policies[i] = policyOf(r)
	}
	return policies
}

func policyOf(r *ruleset.Rule) Policy {
	return Policy{ID: r.ID, File: r.File, Line: r.Line, Text: r.Text, Forbids: r.Forbids}
}

// readPolicies reads a text of policies as users write them: none may have an id of the floor.
func readPolicies(name string, cedar []byte) (*ruleset.Set, error) {
	set, err := ruleset.Read(name, cedar)
	if problems, ok := errors.AsType[ruleset.Problems](err); ok {
		return nil, policyError(problems)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrPolicy, err)
	}
	own, err := builtIn()
	if err != nil {
		return nil, err
	}
	if r, repeated := own.repeated(set); repeated {
		return nil, policyError(ruleset.Problems{{
			File: name, Line: r.Line, Column: r.Column, Policy: r.ID, Message: "the id is that of a policy which is always in force",
			Hint: "take another @id; `collector policy show` prints those",
		}})
	}
	return set, nil
}

func policyError(problems ruleset.Problems) error {
	told := make([]Problem, len(problems))
	for i, p := range problems {
		told[i] = Problem(p)
	}
	return &PolicyError{Problems: told, text: problems.Error()}
}

// readFile reads a policy file, no more of it than can be used: a file that grows without end must not fill the memory.
func readFile(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("%w: %w: give a file that the collector may read", ErrPolicy, err)
	}
	defer func() { _ = file.Close() }()
	text, err := io.ReadAll(io.LimitReader(file, ruleset.MaxBytes+1))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrPolicy, err)
	}
	if len(bytes.TrimSpace(text)) == 0 { // most often one that is being written
		return nil, fmt.Errorf("%w: %s is empty: to permit nothing, leave a comment in it", ErrPolicy, path)
	}
	return text, nil
}
