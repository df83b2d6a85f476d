package rig

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
)

// BuildCollector builds the binary into a directory. It is built in its own module, whose dependencies are not all those of the
// module of the rig, in which the caller must be.
func BuildCollector(ctx context.Context, dir string) (path string, err error) {
	module, err := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}", "github.com/collectiverpc/collective").Output()
	if err != nil {
		return "", fmt.Errorf("finding the module of the collector, run this in the directory of the rig's own module: %w", err)
	}
	path = filepath.Join(dir, "collector")
	build := exec.CommandContext(ctx, "go", "build", "-o", path, "./cmd/collector")
	build.Dir = strings.TrimSpace(string(module))
	if text, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building the collector: %w\n%s", err, text)
	}
	return path, nil
}
