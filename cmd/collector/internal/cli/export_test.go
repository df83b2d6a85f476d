package cli

import (
	"github.com/spf13/cobra"

	"github.com/collectiverpc/collective/cmd/collector/internal/cli/terminal"
)

// Root is the command tree.
func Root() *cobra.Command { return newRoot(newSettings(terminal.Streams{})) }
