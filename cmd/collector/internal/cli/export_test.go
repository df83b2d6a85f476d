package cli

import "github.com/spf13/cobra"

// ExitOfStatus, ExitOfCode and CodeOfStatus are for the test of the shared vectors.
var (
	ExitOfStatus = exitOfStatus
	ExitOfCode   = exitOfCode
	CodeOfStatus = codeOfStatus
)

// Root is the command tree.
func Root(streams Streams) *cobra.Command { return (&app{io: streams}).rootCommand() }
