package cli

import (
	"runtime"

	"github.com/spf13/cobra"
)

func (a *app) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version of this binary",
		Args:  noArgs,
		RunE: func(*cobra.Command, []string) error {
			platform := runtime.GOOS + "/" + runtime.GOARCH
			return a.show(view{
				document: map[string]string{"version": a.version, "go": runtime.Version(), "platform": platform},
				columns:  []column{{title: "VERSION"}, {title: "GO"}, {title: "PLATFORM"}},
				rows:     [][]cell{{text(a.version), text(runtime.Version()), text(platform)}},
			})
		},
	}
}
