package terminal

import (
	"errors"
	"os/exec"
	"runtime"
)

// Browse opens a page in a browser, or has note say why there is none.
func (s Streams) Browse(url string, note func(format string, args ...any)) {
	if err := s.openBrowser(url); err != nil {
		note("# no browser was opened: %v", err)
	}
}

// openBrowser leaves the browser to itself: it outlives the command.
func (s Streams) openBrowser(url string) error {
	words := []string{"xdg-open", url}
	switch {
	case s.Env("BROWSER") != "":
		words[0] = s.Env("BROWSER")
	case runtime.GOOS == "darwin":
		words[0] = "open"
	case runtime.GOOS == "windows":
		words = []string{"rundll32", "url.dll,FileProtocolHandler", url}
	case s.Env("DISPLAY") == "" && s.Env("WAYLAND_DISPLAY") == "":
		return errors.New("this terminal has no display") // xdg-open would start a browser in it
	}
	browser := exec.Command(words[0], words[1:]...)
	if err := browser.Start(); err != nil {
		return err
	}
	go browser.Wait() //nolint:errcheck // how it ends is its own affair
	return nil
}
