package policy

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/collectiverpc/collective/access"
	"github.com/collectiverpc/collective/cmd/collector/internal/cli/call"
	"github.com/collectiverpc/collective/cmd/collector/internal/cli/failure"
	"github.com/collectiverpc/collective/cmd/collector/internal/cli/render"
	meshv1 "github.com/collectiverpc/collective/gen/collector/mesh/v1"
)

// Question is who asks for what, and from where, in the words of flags.
type Question struct {
	File      string // empty for the default policy
	As        string // User::"alice"
	Groups    []string
	Action    string
	Namespace string
	Procedure string // SERVICE/METHOD, or nothing
	Origin    access.Origin
	Anonymous bool // access.WithAnonymous
}

// answer is the document of a decision.
type answer struct {
	access.Decision
	Principal string          `json:"principal"`
	Action    string          `json:"action"`
	Namespace string          `json:"namespace,omitempty"`
	Procedure string          `json:"procedure,omitempty"`
	Deciding  []access.Policy `json:"deciding,omitempty"`
}

// Why decides as a collector with this policy file would, and shows the policies that decided. Denied is a failure with the
// exit code of permission_denied, as a call would have it.
func Why(out *render.Printer, q Question) error {
	asked, err := q.read()
	if err != nil {
		return err
	}
	guard, err := q.guard()
	if err != nil {
		return err
	}
	decision := guard.Decide(asked.caller, asked.action, asked.resource)
	var deciding []access.Policy
	for _, id := range decision.Policies {
		if p, ok := guard.Policy(id); ok {
			deciding = append(deciding, p)
		}
	}
	return asked.answer(*decision, deciding).show(out)
}

// Running is [Why] by the policy in force of a collector that runs, which ask asks.
func Running(out *render.Printer, q Question, ask func(*meshv1.AccessQuestion) (*meshv1.AccessDecision, error)) error {
	asked, err := q.read()
	if err != nil {
		return err
	}
	decision, err := ask(asked.message())
	if err != nil {
		return err
	}
	var deciding []access.Policy
	for _, p := range decision.GetPolicies() {
		deciding = append(deciding, access.Policy{ID: p.GetId(), File: p.GetFile(), Line: int(p.GetLine()), Text: p.GetText(), Forbids: p.GetForbids()})
	}
	return asked.answer(access.Decision{
		Allowed: decision.GetAllowed(), Reason: decision.GetReason(), Policies: idsOf(deciding), Errors: decision.GetErrors(),
	}, deciding).show(out)
}

func idsOf(policies []access.Policy) (ids []string) {
	for _, p := range policies {
		ids = append(ids, p.ID)
	}
	return ids
}

// asked is a question whose words have been read.
type asked struct {
	caller   *access.Caller
	action   access.Action
	resource access.Resource
}

func (q Question) read() (a asked, err error) {
	if a.caller, err = q.caller(); err != nil {
		return a, err
	}
	if a.action, err = actionNamed(q.Action); err != nil {
		return a, err
	}
	a.resource, err = q.resource()
	return a, err
}

func (a asked) answer(decision access.Decision, deciding []access.Policy) answer {
	return answer{
		Decision: decision, Principal: a.caller.Principal.String(), Action: a.action.String(),
		Namespace: a.resource.Namespace, Procedure: a.resource.Procedure, Deciding: deciding,
	}
}

// message is the question for a collector that runs.
func (a asked) message() *meshv1.AccessQuestion {
	return &meshv1.AccessQuestion{
		Kind: string(a.caller.Kind), Id: a.caller.ID, Groups: a.caller.Groups, Action: a.action.String(),
		Namespace: a.resource.Namespace, Procedure: a.resource.Procedure,
		Network: a.caller.Network, Tls: a.caller.TLS, Entrance: a.caller.Entrance, Via: a.caller.Via,
	}
}

// Asker is the question whom the flags describe, for what else asks about somebody.
func (q Question) Asker() (*meshv1.AccessQuestion, error) {
	caller, err := q.caller()
	if err != nil {
		return nil, err
	}
	return asked{caller: caller, action: access.Call}.message(), nil
}

func (q Question) guard() (*access.Guard, error) {
	options := []access.Option{access.WithPolicyFile(q.File)}
	if q.Anonymous {
		options = append(options, access.WithAnonymous())
	}
	guard, err := access.New(options...)
	if refused, ok := errors.AsType[*access.PolicyError](err); ok {
		return nil, failed(q.File, refused)
	}
	if err != nil {
		return nil, unreadable(err)
	}
	return guard, nil
}

func (a answer) show(out *render.Printer) error {
	if out.Structured() {
		if err := out.Show(render.View{Document: a}); err != nil {
			return err
		}
	} else if err := out.Print(a.text()); err != nil {
		return err
	}
	if a.Allowed {
		return nil
	}
	return failure.Denied(a.Reason)
}

// text is the decision and, of each policy that decided, where it stands and how it reads.
func (a answer) text() string {
	var text strings.Builder
	if a.Allowed {
		fmt.Fprintf(&text, "allowed: %s\n", a.Reason)
	}
	for _, p := range a.Deciding {
		fmt.Fprintf(&text, "\n%s:%d:\n", p.File, p.Line)
		for line := range strings.Lines(p.Text) {
			text.WriteString("  " + strings.TrimRight(line, "\n") + "\n")
		}
	}
	for _, failure := range a.Errors {
		fmt.Fprintf(&text, "\nnot applied, it cannot be evaluated: %s\n", failure)
	}
	return text.String()
}

// caller is whom --as, --group and the flags of the origin describe.
func (q Question) caller() (*access.Caller, error) {
	p, err := principal(q.As, q.Groups)
	if err != nil {
		return nil, failure.Usagef("--as %s: %s", q.As, err).Hint(`--as 'User::"alice"' --group developers`, "--as anonymous")
	}
	switch q.Origin.Network {
	case access.NetworkLoopback, access.NetworkSocket, access.NetworkProcess, access.NetworkRemote:
	default:
		return nil, failure.Usagef("--network %q: want loopback, socket, process or remote", q.Origin.Network)
	}
	return access.NewCaller(p, q.Origin), nil
}

// principal reads one as Cedar writes it, with or without the quotes that a shell may have taken.
func principal(text string, groups []string) (*access.Principal, error) {
	if text == "" || strings.EqualFold(text, access.Nobody.ID) {
		return access.NewPrincipal(access.KindAnonymous, access.Nobody.ID, groups...)
	}
	kind, id, found := strings.Cut(text, "::")
	if !found {
		return nil, errors.New(`want KIND::"ID", KIND being User, Service or Collector`)
	}
	if unquoted, err := strconv.Unquote(id); err == nil {
		id = unquoted
	}
	return access.NewPrincipal(access.Kind(kind), id, groups...)
}

func actionNamed(word string) (access.Action, error) {
	var known []string
	for _, a := range access.Actions() {
		if a.String() == word {
			return a, nil
		}
		known = append(known, a.String())
	}
	return 0, failure.Usagef("--action %q: want one of %s", word, strings.Join(known, ", "))
}

func (q Question) resource() (access.Resource, error) {
	r := access.Resource{Namespace: q.Namespace}
	if q.Procedure == "" {
		return r, nil
	}
	method, err := call.ParseMethod(q.Procedure)
	if err != nil {
		return r, err
	}
	r.Procedure = "/" + method.Service + "/" + method.Name
	return r, nil
}
