package doctest_test

import (
	"net"
	"os"
	"strings"
	"testing"

	"github.com/collectiverpc/collective/internal/meshtest"
)

// The page about security is followed step by step, in one directory. Its two machines are this one.
func TestSecurityPage(t *testing.T) {
	if testing.Short() {
		t.Skip("runs collectors")
	}
	t.Parallel()
	text, err := os.ReadFile("../../docs/security.md")
	if err != nil {
		t.Fatal(err)
	}
	first := newStand(t, build(t))
	for _, section := range strings.Split(string(text), "\n## ")[1:] {
		title, _, _ := strings.Cut(section, "\n")
		t.Run(title, func(t *testing.T) { //nolint:paralleltest // a step needs the files of those before it
			s := first.elsewhere(t)
			for _, step := range steps(section) {
				s.run(t, step)
			}
		})
	}
}

// elsewhere is a stand in the same directory with ports of its own, and with the address of this machine for both of the page.
func (s *stand) elsewhere(t *testing.T) *stand {
	t.Helper()
	_, a, _ := net.SplitHostPort(meshtest.FreeAddress(t))
	_, b, _ := net.SplitHostPort(meshtest.FreeAddress(t))
	machine := ownAddress(t)
	return &stand{
		dir: s.dir, ready: joined,
		ports: strings.NewReplacer("192.0.2.1", machine, "192.0.2.2", machine, ":50051", ":"+a, ":50052", ":"+b),
		env:   append(os.Environ(), "COLLECTOR_URL=http://127.0.0.1:"+a, "COLLECTOR_LISTEN=127.0.0.1:"+a, "COLLECTOR_CONTEXT=", "XDG_CONFIG_HOME="+t.TempDir()),
	}
}

// ownAddress is one of this machine that is not loopback, where it has one.
func ownAddress(t *testing.T) string {
	t.Helper()
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range addresses {
		if network, ok := a.(*net.IPNet); ok && network.IP.To4() != nil && network.IP.IsGlobalUnicast() {
			return network.IP.String()
		}
	}
	t.Log("NOT RUN: this machine has no address beyond loopback, which takes its place")
	return "127.0.0.1"
}

// joined waits until a collector is ready, and has joined those that it is told to.
func joined(t *testing.T, step step, printed, logged string) {
	t.Helper()
	s := &stand{dir: ".", ports: strings.NewReplacer()}
	s.await(t, "cat "+printed+" "+logged, `"url"`)
	if strings.Contains(step.command, "--join") {
		s.await(t, "cat "+logged, `"joined"`)
	}
}
