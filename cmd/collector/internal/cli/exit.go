package cli

import (
	"net/http"

	"connectrpc.com/connect/v2"

	"github.com/collectiverpc/collective/internal/status"
)

// Exit codes, as `collector help exit-codes` documents them. A failed call exits with exitRPC plus its gRPC code.
const (
	exitOK              = 0
	exitFailure         = 1
	exitUsage           = 2
	exitUnreached       = 3
	exitUnauthenticated = 4
	exitRPC             = 64
	exitInterrupted     = 130
	exitReaderGone      = 141 // what a shell makes of SIGPIPE
)

// exitOfCode is the exit code of a call that failed with a Connect code.
func exitOfCode(code connect.Code) int {
	if code == connect.CodeUnauthenticated {
		return exitUnauthenticated
	}
	return exitRPC + int(code)
}

// exitOfStatus is the exit code of a Status inside an answer. testdata/status.json has the whole table, which the
// console shares.
func exitOfStatus(number int32) int {
	if number == http.StatusOK {
		return exitOK
	}
	return exitOfCode(codeOfStatus(number))
}

func codeOfStatus(number int32) connect.Code { return status.Code(number) }
