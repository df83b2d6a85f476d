// Package completion suggests what may come next on a command line, by asking the collector.
package completion

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/collectiverpc/collective/cmd/collector/internal/cli/remote"
	meshv1 "github.com/collectiverpc/collective/gen/collector/mesh/v1"
)

// maxTime bounds what completing may cost the person at the keyboard. An explicit --timeout does instead.
const maxTime = 300 * time.Millisecond

// Source asks a collector for words; each may have a tab and a description after it.
type Source func(context.Context, *remote.Session) ([]string, error)

// Completer asks a target.
type Completer struct {
	Target *remote.Target
	// Prepare reads the flags, and what else says who the target is.
	Prepare func(*cobra.Command) error
}

// Flag completes a flag of a command by asking the collector.
func (c *Completer) Flag(command *cobra.Command, flag string, ask Source) {
	register(command, flag, c.Args(ask))
}

// Words completes a flag from fixed words.
func Words(command *cobra.Command, flag string, words ...string) {
	register(command, flag, cobra.FixedCompletions(words, cobra.ShellCompDirectiveNoFileComp))
}

func register(command *cobra.Command, flag string, complete cobra.CompletionFunc) {
	if err := command.RegisterFlagCompletionFunc(flag, complete); err != nil {
		panic(fmt.Sprintf("flag --%s: %v", flag, err)) // defined beside the call
	}
}

// Args completes arguments by asking the collector.
func (c *Completer) Args(ask Source) cobra.CompletionFunc {
	return func(cmd *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
		return c.suggestions(cmd, ask), cobra.ShellCompDirectiveNoFileComp
	}
}

// OneArg completes the first argument by asking the collector.
func (c *Completer) OneArg(ask Source) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		if len(args) > 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return c.suggestions(cmd, ask), cobra.ShellCompDirectiveNoFileComp
	}
}

// suggestions asks within a bounded time. It never says an error: a shell would take it for a word.
func (c *Completer) suggestions(cmd *cobra.Command, ask Source) []string {
	if c.Prepare(cmd) != nil {
		return nil
	}
	s, err := c.Target.Open()
	if err != nil {
		return nil
	}
	defer s.Close()
	limit := maxTime
	if cmd.Flags().Changed("timeout") && c.Target.Timeout > 0 {
		limit = c.Target.Timeout
	}
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	words, err := ask(ctx, s)
	if err != nil {
		return nil
	}
	return words
}

// Methods are SERVICE/METHOD of all that can be called.
func Methods(ctx context.Context, s *remote.Session) ([]string, error) {
	res, err := s.Mesh.ListServices(ctx, &meshv1.ListServicesRequest{})
	var words []string
	for _, service := range res.GetServices() {
		for _, method := range service.GetMethods() {
			words = append(words, service.GetName()+"/"+method.GetName()+"\tin "+service.GetNamespace())
		}
	}
	return words, err
}

// Collectors are the ids of the collector and its peers.
func Collectors(ctx context.Context, s *remote.Session) ([]string, error) {
	res, err := s.Mesh.GetStatus(ctx, &meshv1.GetStatusRequest{})
	words := []string{res.GetCollectorId()}
	for _, peer := range res.GetPeers() {
		words = append(words, peer.GetCollectorId())
	}
	return words, err
}

// Namespaces are those of the collector.
func Namespaces(ctx context.Context, s *remote.Session) ([]string, error) {
	res, err := s.Mesh.GetStatus(ctx, &meshv1.GetStatusRequest{})
	return res.GetNamespaces(), err
}
