package cli

import (
	"context"
	"errors"
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
		Args:    noArgs,
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
	s.app.browse(url)
	return nil
}

// showURL prints an address so that it can be copied: without a title.
func (a *app) showURL(url string) error {
	if a.structured() {
		return a.show(view{document: map[string]string{"url": url}})
	}
	return a.print(url + "\n")
}

// browse opens a page in a browser, or says why there is none.
func (a *app) browse(url string) {
	if err := a.openBrowser(url); err != nil {
		a.note("# no browser was opened: %v", err)
	}
}

// openBrowser leaves the browser to itself: it outlives the command.
func (a *app) openBrowser(url string) error {
	words := []string{"xdg-open", url}
	switch {
	case a.io.Env("BROWSER") != "":
		words[0] = a.io.Env("BROWSER")
	case runtime.GOOS == "darwin":
		words[0] = "open"
	case runtime.GOOS == "windows":
		words = []string{"rundll32", "url.dll,FileProtocolHandler", url}
	case a.io.Env("DISPLAY") == "" && a.io.Env("WAYLAND_DISPLAY") == "":
		return errors.New("this terminal has no display") // xdg-open would start a browser in it
	}
	browser := exec.Command(words[0], words[1:]...)
	if err := browser.Start(); err != nil {
		return err
	}
	go browser.Wait() //nolint:errcheck // how it ends is its own affair
	return nil
}
