package operators

import (
	"context"
	"strconv"

	"connectrpc.com/connect/v2"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/collectiverpc/collective/access"
	"github.com/collectiverpc/collective/dispatcher/internal/session"
	meshv1 "github.com/collectiverpc/collective/gen/collector/mesh/v1"
	"github.com/collectiverpc/collective/internal/audit"
)

// Guard decides who may do what, as [access.Guard] does.
type Guard interface {
	Decide(c *access.Caller, a access.Action, r access.Resource) *access.Decision
}

// Service is meshv1connect.OperatorServiceHandler. Its methods are safe for concurrent use.
type Service struct {
	Guard    Guard
	Lines    func() []string // how callers are authenticated, for people
	Explain  func(*meshv1.AccessQuestion) (*meshv1.AccessDecision, error)
	Sessions *session.Sessions
	Audit    *audit.Log
}

// WhoAmI answers who the caller is and what it may do.
func (s *Service) WhoAmI(ctx context.Context, _ *meshv1.WhoAmIRequest) (*meshv1.WhoAmIResponse, error) {
	c := callerOf(ctx)
	res := &meshv1.WhoAmIResponse{
		Kind: string(c.Kind), Id: c.ID, Groups: c.Groups, Network: c.Network, Tls: c.TLS, Via: c.Via,
	}
	for _, action := range access.Actions() {
		d := s.Guard.Decide(c, action, access.Resource{})
		res.Rights = append(res.Rights, &meshv1.Right{Action: action.String(), Allowed: d.Allowed, Policies: d.Policies, Reason: d.Reason})
	}
	if open := session.FromContext(ctx); open != nil && open.Principal == c.Principal {
		res.Session, res.SessionEndsAt = true, timestamppb.New(open.Ends)
	}
	if s.may(c, access.Describe) {
		res.Access = s.Lines()
	}
	return res, nil
}

// CreateLogin makes a link for the caller, or for one that may only look and has its name.
func (s *Service) CreateLogin(ctx context.Context, req *meshv1.CreateLoginRequest) (*meshv1.CreateLoginResponse, error) {
	c := callerOf(ctx)
	if !s.may(c, access.Operate) {
		return nil, s.denied(c)
	}
	// What a link hands on is never more than its maker has: the maker itself, or one that only looks.
	principal := c.Principal
	switch req.GetAs() {
	case "":
	case access.Observe.String():
		observer, err := access.NewPrincipal(c.Kind, access.Observe.String()+":"+c.ID, access.GroupObservers)
		if err != nil {
			return nil, connect.NewError(connect.CodeInvalidArgument, err.Error())
		}
		principal = observer
	default:
		return nil, connect.Errorf(connect.CodeInvalidArgument, "as %q is not known: want %s, or nothing for all that you may", req.GetAs(), access.Observe)
	}
	token, expires := s.Sessions.Issue(principal)
	s.Audit.Record(access.Event{
		Kind: c.Kind, ID: c.ID, Network: c.Network, TLS: c.TLS, Entrance: c.Entrance, Via: c.Via, Action: access.Operate.String(), Allowed: true,
		Reason: "a link to log in to the console was made", Detail: map[string]string{"for": principal.String()},
	})
	return &meshv1.CreateLoginResponse{Token: token.Reveal(), ExpiresAt: timestamppb.New(expires)}, nil
}

// ExplainAccess says what the policy in force decides. It is for operators: policies tell who may do what, and may name people.
func (s *Service) ExplainAccess(ctx context.Context, req *meshv1.ExplainAccessRequest) (*meshv1.ExplainAccessResponse, error) {
	if c := callerOf(ctx); !s.may(c, access.Operate) {
		return nil, s.denied(c)
	}
	decision, err := s.Explain(req.GetQuestion())
	if err != nil {
		return nil, err
	}
	return &meshv1.ExplainAccessResponse{Decision: decision}, nil
}

// ListAudit answers the audit log. A page token is the number of the last event of the page before.
func (s *Service) ListAudit(ctx context.Context, req *meshv1.ListAuditRequest) (*meshv1.ListAuditResponse, error) {
	if c := callerOf(ctx); !s.may(c, access.Operate) {
		return nil, s.denied(c)
	}
	q := audit.Query{DeniedOnly: req.GetDeniedOnly(), After: req.GetAfterSeq(), Limit: int(req.GetPageSize())}
	if req.GetSince() != nil {
		q.Since = req.GetSince().AsTime()
	}
	if token := req.GetPageToken(); token != "" {
		before, err := strconv.ParseUint(token, 10, 63)
		if err != nil || before == 0 {
			return nil, connect.Errorf(connect.CodeInvalidArgument, "page_token %q is none of this log: begin again without it", token)
		}
		q.Before = before
	}
	rows, err := s.Audit.List(ctx, q)
	if err != nil {
		return nil, connect.NewError(connect.CodeInternal, err.Error())
	}
	res := &meshv1.ListAuditResponse{Missed: s.Audit.Missed()}
	for i := range rows {
		res.Events = append(res.Events, eventOf(&rows[i]))
	}
	if len(rows) == q.Most() {
		res.NextPageToken = strconv.FormatUint(rows[len(rows)-1].Seq, 10)
	}
	return res, nil
}

// eventOf is a row as it goes to clients: without secrets, since events have none.
func eventOf(r *audit.Row) *meshv1.AuditEvent {
	return &meshv1.AuditEvent{
		Seq: r.Seq, Time: timestamppb.New(r.Time), Kind: string(r.Kind), Id: r.ID, Network: r.Network, Via: r.Via, Action: r.Action,
		Namespace: r.Namespace, Procedure: r.Procedure, Allowed: r.Allowed, Policies: r.Policies, Reason: r.Reason, Detail: r.Detail,
		Count: r.Count, LastTime: timestamppb.New(r.Last),
	}
}

// may asks for the right on the mesh as a whole: nothing that this service does is of one namespace. It does not count against
// rates, as the port has counted the request already.
func (s *Service) may(c *access.Caller, action access.Action) bool {
	return s.Guard.Decide(c, action, access.Resource{}).Allowed
}

// denied names the caller and the way to be somebody who may, not the policy.
func (s *Service) denied(c *access.Caller) error {
	return connect.Errorf(connect.CodePermissionDenied, "%s may not %s this collector: be the user who runs it, on its machine, or log in as an operator",
		c.Principal, access.Operate)
}

// callerOf is who asks; whoever cannot be known may do least.
func callerOf(ctx context.Context) *access.Caller {
	if c, ok := access.CallerFromContext(ctx); ok {
		return c
	}
	return stranger
}

// stranger is who asks where no entrance has said who it is.
var stranger = access.NewCaller(access.Nobody, access.Origin{Network: access.NetworkRemote})
