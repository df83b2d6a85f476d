package cli

import (
	"context"
	"slices"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/collectiverpc/collective/cmd/collector/internal/cli/failure"
	"github.com/collectiverpc/collective/cmd/collector/internal/cli/remote"
	"github.com/collectiverpc/collective/cmd/collector/internal/cli/render"
	"github.com/collectiverpc/collective/cmd/collector/internal/cli/views"
	meshv1 "github.com/collectiverpc/collective/gen/collector/mesh/v1"
)

func whoamiCommand(out *render.Printer, target *remote.Target) *cobra.Command {
	return &cobra.Command{
		Use:     "whoami",
		Short:   "Show who you are to a collector, and what you may do",
		Long:    "Show who a collector takes you for, where you come in, and what you may do to it, each with the policy that decided.",
		Example: "  collector whoami\n  collector whoami -s https://mesh.example --token-file token",
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return target.Ask(cmd.Context(), func(ctx context.Context, s *remote.Session) error {
				res, err := s.Operator.WhoAmI(ctx, &meshv1.WhoAmIRequest{})
				if err != nil {
					return err
				}
				return out.Show(views.WhoAmI(s.URL(), res))
			})
		},
	}
}

// auditFlags select events.
type auditFlags struct {
	since          time.Duration
	denied, follow bool
	last           int32
}

func auditCommand(out *render.Printer, target *remote.Target) *cobra.Command {
	var flags auditFlags
	command := &cobra.Command{
		Use:   "audit",
		Short: "Show what was done with rights, and what was denied",
		Long: "Show who connected, registered, logged in and the like, and what was denied to whom, with the policies that decided. Equal\n" +
			"denials that follow each other closely are one line with a count. A collector with --db FILE keeps 10000 lines for 90\n" +
			"days, one with --db memory the last 1024. It needs the right to operate.",
		Example: "  collector audit\n  collector audit --since 1h --denied\n  collector audit -f --json",
		Args:    noArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return auditLog{out, target}.run(cmd.Context(), flags) },
	}
	command.Flags().DurationVar(&flags.since, "since", 0, "only what began within this time; 0 for no bound")
	command.Flags().BoolVar(&flags.denied, "denied", false, "only what was denied")
	command.Flags().BoolVarP(&flags.follow, "follow", "f", false, "go on with what happens, until Ctrl-C")
	command.Flags().Int32Var(&flags.last, "last", 100, "at most this many, the newest")
	return command
}

// auditLog shows the audit log of a collector.
type auditLog struct {
	out    *render.Printer
	target *remote.Target
}

func (a auditLog) run(ctx context.Context, flags auditFlags) error {
	switch {
	case flags.since < 0:
		return failure.Usagef("--since %v: want 0 for no bound, or a duration such as 1h", flags.since)
	case flags.last <= 0 || flags.last > 1000:
		return failure.Usagef("--last %d: want a number of events from 1 to 1000", flags.last)
	}
	req := &meshv1.ListAuditRequest{DeniedOnly: flags.denied, PageSize: flags.last}
	if flags.since > 0 {
		req.Since = timestamppb.New(a.out.Now().Add(-flags.since))
	}
	res, err := a.list(ctx, req)
	if err != nil {
		return err
	}
	if !flags.follow {
		return a.out.Show(views.Audit(a.out, res))
	}
	return a.follow(ctx, req, res)
}

func (a auditLog) list(ctx context.Context, req *meshv1.ListAuditRequest) (res *meshv1.ListAuditResponse, err error) {
	err = a.target.Ask(ctx, func(ctx context.Context, s *remote.Session) (err error) {
		res, err = s.Operator.ListAudit(ctx, req)
		return err
	})
	return res, err
}

// auditEvery is how often a log that is followed is asked.
const auditEvery = time.Second

// follow shows events as they are found, until the user has seen enough. How often one that was shown happens again is not.
func (a auditLog) follow(ctx context.Context, req *meshv1.ListAuditRequest, res *meshv1.ListAuditResponse) error {
	ticker := time.NewTicker(auditEvery)
	defer ticker.Stop()
	for {
		for _, event := range slices.Backward(res.GetEvents()) {
			if err := views.PrintAudit(a.out, event); err != nil {
				return err
			}
			req.AfterSeq = event.GetSeq()
		}
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
		var err error
		if res, err = a.news(ctx, req); err != nil && ctx.Err() == nil {
			return err
		}
	}
}

// news are all events since the last one that was shown, newest first, on however many pages they come.
func (a auditLog) news(ctx context.Context, req *meshv1.ListAuditRequest) (*meshv1.ListAuditResponse, error) {
	defer func() { req.PageToken = "" }()
	all := new(meshv1.ListAuditResponse)
	for {
		res, err := a.list(ctx, req)
		if err != nil {
			return nil, err
		}
		all.Events = append(all.Events, res.GetEvents()...)
		if req.PageToken = res.GetNextPageToken(); req.PageToken == "" {
			return all, nil
		}
	}
}
