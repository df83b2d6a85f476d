package cli

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	meshv1 "github.com/collectiverpc/collective/gen/collector/mesh/v1"
)

// completionTime bounds what completing may cost the person at the keyboard. An explicit --timeout does instead.
const completionTime = 300 * time.Millisecond

func (a *app) completionCommand() *cobra.Command {
	return &cobra.Command{
		Use:       "completion bash|zsh|fish|powershell",
		Short:     "Print the completion script of a shell",
		Example:   "  source <(collector completion bash)\n  collector completion fish > ~/.config/fish/completions/collector.fish",
		Args:      cobra.MatchAll(takes(1, 1), cobra.OnlyValidArgs),
		ValidArgs: []string{"bash", "zsh", "fish", "powershell"},
		RunE: func(cmd *cobra.Command, args []string) error {
			script, err := completionScript(cmd.Root(), args[0])
			if err != nil {
				return err
			}
			if a.structured() {
				return a.show(view{document: map[string]string{"shell": args[0], "script": script}})
			}
			return a.print(script)
		},
	}
}

func completionScript(root *cobra.Command, shell string) (string, error) {
	var b bytes.Buffer
	var err error
	switch shell {
	case "bash":
		err = root.GenBashCompletionV2(&b, true)
	case "zsh":
		err = root.GenZshCompletion(&b)
	case "fish":
		err = root.GenFishCompletion(&b, true)
	default:
		err = root.GenPowerShellCompletionWithDesc(&b)
	}
	return b.String(), err
}

// completeWords completes a flag from fixed words.
func completeWords(command *cobra.Command, flag string, words ...string) {
	err := command.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(words, cobra.ShellCompDirectiveNoFileComp))
	if err != nil {
		panic(fmt.Sprintf("flag --%s: %v", flag, err)) // defined beside the call
	}
}

// suggest asks a collector for what may come next; each word may have a tab and a description after it.
type suggest func(context.Context, *session) ([]string, error)

// completeFlag completes a flag by asking the collector.
func (a *app) completeFlag(command *cobra.Command, flag string, ask suggest) {
	err := command.RegisterFlagCompletionFunc(flag,
		func(cmd *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
			return a.suggestions(cmd, ask), cobra.ShellCompDirectiveNoFileComp
		})
	if err != nil {
		panic(fmt.Sprintf("flag --%s: %v", flag, err)) // defined beside the call
	}
}

// suggestions asks within a bounded time. It never says an error: a shell would take it for a word.
func (a *app) suggestions(cmd *cobra.Command, ask suggest) []string {
	if a.prepare(cmd) != nil {
		return nil
	}
	s, err := a.newSession()
	if err != nil {
		return nil
	}
	defer s.http.CloseIdleConnections()
	limit := completionTime
	if cmd.Flags().Changed("timeout") && a.flags.timeout > 0 {
		limit = a.flags.timeout
	}
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	words, err := ask(ctx, s)
	if err != nil {
		return nil
	}
	return words
}

func (a *app) completeMethods(cmd *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
	return a.suggestions(cmd, methodNames), cobra.ShellCompDirectiveNoFileComp
}

func (a *app) completeConnections(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return a.suggestions(cmd, collectorIDs), cobra.ShellCompDirectiveNoFileComp
}

func methodNames(ctx context.Context, s *session) ([]string, error) {
	res, err := s.mesh.ListServices(ctx, &meshv1.ListServicesRequest{})
	var words []string
	for _, service := range res.GetServices() {
		for _, method := range service.GetMethods() {
			words = append(words, service.GetName()+"/"+method.GetName()+"\tin "+service.GetNamespace())
		}
	}
	return words, err
}

func collectorIDs(ctx context.Context, s *session) ([]string, error) {
	res, err := s.mesh.GetStatus(ctx, &meshv1.GetStatusRequest{})
	words := []string{res.GetCollectorId()}
	for _, peer := range res.GetPeers() {
		words = append(words, peer.GetCollectorId())
	}
	return words, err
}

func namespacesOf(ctx context.Context, s *session) ([]string, error) {
	res, err := s.mesh.GetStatus(ctx, &meshv1.GetStatusRequest{})
	return res.GetNamespaces(), err
}
