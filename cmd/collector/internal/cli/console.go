package cli

import (
	"context"
	"os/exec"
	"runtime"

	"github.com/spf13/cobra"

	meshv1 "github.com/collectiverpc/collective/gen/collector/mesh/v1"
)

func (a *app) consoleCommand() *cobra.Command {
	var printOnly bool
	command := &cobra.Command{
		Use:     "console",
		Short:   "Open the console in a browser, or print its address",
		Long:    "Print the address of a collector's console and, on a terminal, open it in the browser.",
		Example: "  collector console\n  collector console --print",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.withSession(cmd.Context(), func(ctx context.Context, s *session) error { return s.console(ctx, printOnly) })
		},
	}
	command.Flags().BoolVar(&printOnly, "print", false, "only print the address")
	return command
}

func (s *session) console(ctx context.Context, printOnly bool) error {
	if _, err := s.mesh.GetStatus(ctx, &meshv1.GetStatusRequest{}); err != nil {
		return err // it explains better than a missing page what is there instead
	}
	url, err := s.consoleURL(ctx)
	if err != nil {
		return err
	}
	if err := s.app.showURL(url); err != nil || printOnly || !s.app.io.OutTerminal || s.app.structured() {
		return err
	}
	if err := openBrowser(url); err != nil {
		s.app.note("# no browser could be started here: %v", err)
	}
	return nil
}

// showURL prints an address so that it can be copied: without a title.
func (a *app) showURL(url string) error {
	if a.structured() {
		return a.show(view{document: map[string]string{"url": url}})
	}
	return a.print(url + "\n")
}

// openBrowser leaves the browser to itself: it outlives the command.
func openBrowser(url string) error {
	words := []string{"xdg-open", url}
	switch runtime.GOOS {
	case "darwin":
		words[0] = "open"
	case "windows":
		words = []string{"rundll32", "url.dll,FileProtocolHandler", url}
	}
	return exec.Command(words[0], words[1:]...).Start()
}
