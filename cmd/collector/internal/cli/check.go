package cli

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/collectiverpc/collective/cmd/collector/internal/cli/failure"
	"github.com/collectiverpc/collective/cmd/collector/internal/cli/remote"
	"github.com/collectiverpc/collective/cmd/collector/internal/cli/render"
	"github.com/collectiverpc/collective/cmd/collector/internal/cli/serve"
	"github.com/collectiverpc/collective/cmd/collector/internal/cli/views"
	"github.com/collectiverpc/collective/conn"
	"github.com/collectiverpc/collective/gen/collector"
	meshv1 "github.com/collectiverpc/collective/gen/collector/mesh/v1"
)

// finding is one thing that was looked at. It is sound if there is no problem.
type finding struct {
	Name    string `json:"check"`
	Detail  string `json:"detail,omitempty"`
	Problem string `json:"problem,omitempty"`
}

// checkup is what check answers.
type checkup struct {
	OK     bool      `json:"ok"`
	Checks []finding `json:"checks"`
}

func checkCommand(out *render.Printer, target *remote.Target) *cobra.Command {
	return &cobra.Command{
		Use:   "check",
		Short: "Look for what is wrong with a collector",
		Long: "Look whether a collector can be reached by every protocol, knows its schemas, can write its store, and has all its\n" +
			"peers. Exits 1 if there is a problem, 3 if it cannot be reached at all.",
		Example: "  collector check\n  collector check --json | jq '.checks[] | select(.problem)'",
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return target.Ask(cmd.Context(), func(ctx context.Context, s *remote.Session) error {
				all, err := findings(ctx, s)
				if err != nil {
					return err
				}
				return showCheckup(out, all)
			})
		},
	}
}

// findings are all that there is to look at; an error if nobody answers at all.
func findings(ctx context.Context, s *remote.Session) ([]finding, error) {
	status, err := s.Mesh.GetStatus(ctx, &meshv1.GetStatusRequest{})
	if err != nil {
		return nil, err
	}
	all := []finding{{Name: "reachable", Detail: fmt.Sprintf("collector %s at %s", status.GetCollectorId(), s.URL())}}
	for _, protocol := range remote.Protocols {
		all = append(all, checkProtocol(ctx, s, protocol))
	}
	all = append(all, checkSchemas(ctx, s), checkStore(status.GetStore()), checkHistory(status.GetHistory()), checkConsole(ctx, s))
	for _, peer := range status.GetPeers() {
		all = append(all, checkPeer(peer))
	}
	return all, nil
}

func checkProtocol(ctx context.Context, s *remote.Session, protocol string) finding {
	found := finding{Name: "protocol " + protocol}
	if _, err := s.MeshOver(protocol).GetStatus(ctx, &meshv1.GetStatusRequest{}); err != nil {
		found.Problem = remote.RootCause(err)
		return found
	}
	found.Detail = "answers"
	return found
}

func checkSchemas(ctx context.Context, s *remote.Session) finding {
	found := finding{Name: "schemas"}
	set, err := s.Descriptors(ctx, "")
	if err != nil {
		found.Problem = remote.RootCause(err)
		return found
	}
	found.Detail = fmt.Sprintf("%d files", len(set.GetFile()))
	return found
}

func checkStore(store *meshv1.StoreStatus) finding {
	found := finding{Name: "store", Detail: views.StoreText(store)}
	if store.GetPath() == "" {
		found.Detail = serve.Forgets
	}
	if store.GetError() != "" {
		found.Detail, found.Problem = store.GetPath(), store.GetError()
	}
	return found
}

func checkHistory(history *meshv1.HistoryStatus) finding {
	found := finding{Name: "history", Detail: fmt.Sprintf("the last %d calls in memory", history.GetMemoryCalls())}
	if history.GetStoredCalls() > 0 {
		age := time.Duration(history.GetStoredSeconds()) * time.Second
		found.Detail = fmt.Sprintf("the last %d calls of %v in the store, %d missed", history.GetStoredCalls(), age, history.GetMissedCalls())
	}
	found.Problem = history.GetError()
	return found
}

// checkConsole never finds a problem: a collector without a console is sound.
func checkConsole(ctx context.Context, s *remote.Session) finding {
	url, err := s.ConsoleURL(ctx)
	if err != nil {
		return finding{Name: "console", Detail: "off"}
	}
	return finding{Name: "console", Detail: url}
}

func checkPeer(peer *meshv1.Peer) finding {
	found := finding{Name: "peer " + peer.GetCollectorId(), Detail: conn.StateName(peer.GetState()) + ", " + peer.GetAddress()}
	if peer.GetConflict() != "" {
		found.Problem = peer.GetConflict()
		return found
	}
	switch peer.GetState() {
	case collector.ConnectionState_CONNECTION_STATE_STALE, collector.ConnectionState_CONNECTION_STATE_FAILED:
		found.Problem = "its connection is " + conn.StateName(peer.GetState()) + ": see collector connections"
		return found
	case collector.ConnectionState_CONNECTION_STATE_CLOSED:
		return found
	}
	if len(peer.GetSharedNamespaces()) == 0 {
		found.Problem = "shares no namespace, so no calls can cross"
	}
	return found
}

func showCheckup(out *render.Printer, all []finding) error {
	v := render.View{Columns: []render.Column{{Title: "CHECK"}, {Title: "VERDICT", State: true}, {Title: "DETAIL"}}}
	problems := 0
	for _, f := range all {
		verdict, detail := "ok", f.Detail
		if f.Problem != "" {
			problems++
			verdict, detail = "PROBLEM", f.Problem
		}
		v.Add(f, render.Text(f.Name), render.Text(verdict), render.Text(detail))
	}
	v.Document = checkup{OK: problems == 0, Checks: all}
	if err := out.Show(v); err != nil || problems == 0 {
		return err
	}
	return failure.Newf("problems found: %d", problems)
}
