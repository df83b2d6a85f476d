package cli_test

import (
	"strings"
	"testing"
)

func TestServeTellsPeopleWhatIsUp(t *testing.T) {
	t.Parallel()
	args := []string{"serve", "--id", "a", "--listen", "127.0.0.1:0", "--db", "memory", "--example", "orders", "--until-eof", "--log-level", "error"}
	got := shell{terminal: true}.run(t.Context(), args...)
	got.expect(t, 0, "collector a is up", "http://127.0.0.1:", "orders", "forgotten when it stops (--db FILE keeps them)", "message 4 MiB", "Ctrl-C drains")
	if got.out != "" {
		t.Errorf("stdout is for data: %q", got.out)
	}
	shell{terminal: true}.run(t.Context(), append(args, "-q")...).expect(t, 0)
}

func TestServeTellsProgramsWhereItIs(t *testing.T) {
	t.Parallel()
	got := shell{}.run(t.Context(), "serve", "--id", "a", "--listen", "127.0.0.1:0", "--db", "memory", "--until-eof")
	got.expect(t, 0, `"msg":"stopped"`) // logs are JSON too
	if strings.Count(got.out, "\n") != 1 || !strings.Contains(got.out, `"url":"http://127.0.0.1:`) {
		t.Errorf("want one line: %q", got.out)
	}
}

func TestServeRefusesBadLogs(t *testing.T) {
	t.Parallel()
	shell{}.run(t.Context(), "serve", "--db", "memory", "--log-format", "xml").expect(t, 2, "want text or json")
	shell{}.run(t.Context(), "serve", "--db", "memory", "--log-level", "loud").expect(t, 2, "want debug, info, warn or error")
}
