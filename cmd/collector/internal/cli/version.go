package cli

import (
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

	"github.com/collectiverpc/collective/cmd/collector/internal/cli/render"
)

func versionCommand(out *render.Printer) *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version of this binary",
		Args:  noArgs,
		RunE: func(*cobra.Command, []string) error {
			version, platform := buildVersion(), runtime.GOOS+"/"+runtime.GOARCH
			return out.Show(render.View{
				Document: map[string]string{"version": version, "go": runtime.Version(), "platform": platform},
				Columns:  render.Columns("VERSION", "GO", "PLATFORM"),
				Rows:     [][]render.Cell{{render.Text(version), render.Text(runtime.Version()), render.Text(platform)}},
			})
		},
	}
}

// buildVersion is the module's version, or the commit of a build from a checkout.
func buildVersion() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	if info.Main.Version != "" && info.Main.Version != "(devel)" {
		return info.Main.Version
	}
	for _, setting := range info.Settings {
		if setting.Key == "vcs.revision" {
			return "devel-" + setting.Value[:min(12, len(setting.Value))]
		}
	}
	return "devel"
}
