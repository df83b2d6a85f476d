package cli

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"connectrpc.com/connect/v2"
	"connectrpc.com/connect/v2/connecthttp"
	"github.com/spf13/cobra"

	"github.com/collectiverpc/collective/conn"
	"github.com/collectiverpc/collective/gen/collector"
	meshv1 "github.com/collectiverpc/collective/gen/collector/mesh/v1"
	"github.com/collectiverpc/collective/gen/collector/mesh/v1/meshv1connect"
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

func (a *app) checkCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "check",
		Short: "Look for what is wrong with a collector",
		Long: "Look whether a collector can be reached by every protocol, knows its schemas, can write its store, and has all its\n" +
			"peers. Exits 1 if there is a problem, 3 if it cannot be reached at all.",
		Example: "  collector check\n  collector check --json | jq '.checks[] | select(.problem)'",
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.withSession(cmd.Context(), func(ctx context.Context, s *session) error { return s.check(ctx) })
		},
	}
}

func (s *session) check(ctx context.Context) error {
	status, err := s.mesh.GetStatus(ctx, &meshv1.GetStatusRequest{})
	if err != nil {
		return err
	}
	all := []finding{{Name: "reachable", Detail: fmt.Sprintf("collector %s at %s", status.GetCollectorId(), s.base)}}
	for _, protocol := range protocols {
		all = append(all, s.checkProtocol(ctx, protocol))
	}
	all = append(all, s.checkSchemas(ctx), checkStore(status.GetStore()), checkHistory(status.GetHistory()), s.checkConsole(ctx))
	for _, peer := range status.GetPeers() {
		all = append(all, checkPeer(peer))
	}
	return s.app.showCheckup(all)
}

func (s *session) checkProtocol(ctx context.Context, protocol string) finding {
	found := finding{Name: "protocol " + protocol}
	transport := connecthttp.NewTransport(s.http, s.base.String(), protocolOptions(protocol)...)
	client := meshv1connect.NewMeshServiceClient(connect.NewClient(transport, s.app.addHeaders))
	if _, err := client.GetStatus(ctx, &meshv1.GetStatusRequest{}); err != nil {
		found.Problem = rootCause(err)
		return found
	}
	found.Detail = "answers"
	return found
}

func (s *session) checkSchemas(ctx context.Context) finding {
	found := finding{Name: "schemas"}
	set, err := s.descriptorSet(ctx, "")
	if err != nil {
		found.Problem = rootCause(err)
		return found
	}
	found.Detail = fmt.Sprintf("%d files", len(set.GetFile()))
	return found
}

func checkStore(store *meshv1.StoreStatus) finding {
	found := finding{Name: "store", Detail: storeText(store)}
	if store.GetPath() == "" {
		found.Detail = forgets
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
func (s *session) checkConsole(ctx context.Context) finding {
	url, err := s.consoleURL(ctx)
	if err != nil {
		return finding{Name: "console", Detail: "off"}
	}
	return finding{Name: "console", Detail: url}
}

func checkPeer(peer *meshv1.Peer) finding {
	found := finding{Name: "peer " + peer.GetCollectorId(), Detail: conn.StateName(peer.GetState()) + ", " + peer.GetAddress()}
	switch peer.GetState() {
	case collector.ConnectionState_CONNECTION_STATE_STALE, collector.ConnectionState_CONNECTION_STATE_FAILED:
		found.Problem = "its connection is " + conn.StateName(peer.GetState()) + ": see collector connections"
		return found
	case collector.ConnectionState_CONNECTION_STATE_CLOSED:
		return found
	}
	if peer.GetConflict() != "" {
		found.Problem = peer.GetConflict()
		return found
	}
	if len(peer.GetSharedNamespaces()) == 0 {
		found.Problem = "shares no namespace, so no calls can cross"
	}
	return found
}

func (a *app) showCheckup(all []finding) error {
	v := view{columns: []column{{title: "CHECK"}, {title: "VERDICT", state: true}, {title: "DETAIL"}}}
	problems := 0
	for _, f := range all {
		verdict, detail := "ok", f.Detail
		if f.Problem != "" {
			problems++
			verdict, detail = "PROBLEM", f.Problem
		}
		v.items = append(v.items, f)
		v.rows = append(v.rows, []cell{text(f.Name), text(verdict), text(detail)})
	}
	v.document = checkup{OK: problems == 0, Checks: all}
	if err := a.show(v); err != nil || problems == 0 {
		return err
	}
	return failuref("problems found: %d", problems)
}

// consoleURL is where the collector shows itself to browsers.
func (s *session) consoleURL(ctx context.Context) (string, error) {
	url := s.base.String() + "/console/"
	req, err := http.NewRequestWithContext(ctx, http.MethodHead, url, nil)
	if err != nil {
		return "", failuref("%v", err)
	}
	res, err := (&http.Client{Transport: s.witness.next, CheckRedirect: noRedirect}).Do(req)
	if err != nil {
		return "", connect.NewError(connect.CodeUnavailable, rootCause(err))
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return "", failuref("the collector at %s shows no console", s.base).hint("collector serve --console full     # or readonly")
	}
	return url, nil
}
