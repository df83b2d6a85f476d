package failure

import (
	"net/http"

	"connectrpc.com/connect/v2"

	"github.com/collectiverpc/collective/internal/status"
)

// Exit codes, as `collector help exit-codes` documents them. A failed call exits with ExitRPC plus its gRPC code.
const (
	ExitOK              = 0
	ExitFailure         = 1
	ExitUsage           = 2
	ExitUnreached       = 3
	ExitUnauthenticated = 4
	ExitRPC             = 64
	ExitInterrupted     = 130
	ExitReaderGone      = 141 // what a shell makes of SIGPIPE
)

// ExitOfCode is the exit code of a call that failed with a Connect code.
func ExitOfCode(code connect.Code) int {
	if code == connect.CodeUnauthenticated {
		return ExitUnauthenticated
	}
	return ExitRPC + int(code)
}

// ExitOfStatus is the exit code of a Status inside an answer. testdata/status.json has the whole table, which the
// console shares.
func ExitOfStatus(number int32) int {
	if number == http.StatusOK {
		return ExitOK
	}
	return ExitOfCode(status.Code(number))
}

// CodeNamed reads a Connect code name; what is none is unknown.
func CodeNamed(text string) connect.Code {
	var code connect.Code
	if err := code.UnmarshalText([]byte(text)); err != nil {
		return connect.CodeUnknown
	}
	return code
}
