package dispatcher_test

import (
	"os"
	"testing"

	"go.uber.org/goleak"
)

// The test binary runs itself again as the program that is killed.
func TestMain(m *testing.M) {
	if path := os.Getenv(tenLinesEnv); path != "" {
		tenLines(path, os.Getenv(tenLinesJoinEnv))
		return
	}
	// net/http waits half a second before it hangs up on a client that it has answered early.
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("net/http.(*conn).closeWriteAndWait"))
}
