package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/collectiverpc/collective/cmd/collector/internal/cli/completion"
	"github.com/collectiverpc/collective/cmd/collector/internal/cli/failure"
	"github.com/collectiverpc/collective/cmd/collector/internal/cli/remote"
	"github.com/collectiverpc/collective/cmd/collector/internal/cli/render"
	"github.com/collectiverpc/collective/cmd/collector/internal/cli/views"
	"github.com/collectiverpc/collective/conn"
	meshv1 "github.com/collectiverpc/collective/gen/collector/mesh/v1"
)

func trustCommand(out *render.Printer, target *remote.Target, complete *completion.Completer) *cobra.Command {
	list := func(cmd *cobra.Command, _ []string) error { return listTrust(cmd.Context(), out, target) }
	parent := &cobra.Command{
		Use:   "trust",
		Short: "Show and change by which keys collectors are known",
		Long: "A collector remembers the key of each one that it agrees with, as SSH remembers hosts, and refuses another key under the\n" +
			"same id until it is told to forget the first. With certificates (serve --pki) those count instead. A mesh secret lets only\n" +
			"its holders link: each collector gets it by serve --mesh-secret-file, and takes up a new one without a restart.",
		Example: "  collector trust ls\n  collector trust forget b\n  collector trust new-secret --mesh-secret-file mesh.secret\n" +
			"  collector trust rotate-secret --mesh-secret-file mesh.secret     # then copy it to the other machines, in any order",
		Args: noArgs,
		RunE: list,
	}
	parent.AddCommand(
		&cobra.Command{Use: "ls", Short: "List the keys of this collector and of those it knows", Args: noArgs, RunE: list},
		forgetCommand(out, target, complete),
		secretCommand(out, "new-secret", "Make a mesh secret, in a new file", conn.NewMeshSecretFile),
		secretCommand(out, "rotate-secret", "Put a new mesh secret before the one that is in force", conn.RotateMeshSecretFile),
	)
	return parent
}

func listTrust(ctx context.Context, out *render.Printer, target *remote.Target) error {
	return target.Ask(ctx, func(ctx context.Context, s *remote.Session) error {
		res, err := s.Mesh.ListTrust(ctx, &meshv1.ListTrustRequest{})
		if err != nil {
			return err
		}
		return out.Show(views.Trust(out, res))
	})
}

func forgetCommand(out *render.Printer, target *remote.Target, complete *completion.Completer) *cobra.Command {
	return &cobra.Command{
		Use:   "forget ID",
		Short: "Forget the key of a collector that was set up anew",
		Long: "Forget the key of a collector: the next one that comes under its id is taken, and its key remembered. Do so when you know\n" +
			"that the collector was set up anew; otherwise somebody else may be using its id.",
		Example:           "  collector trust forget b",
		Args:              takes(1, 1),
		ValidArgsFunction: complete.OneArg(completion.Collectors),
		RunE: func(cmd *cobra.Command, args []string) error {
			return target.Ask(cmd.Context(), func(ctx context.Context, s *remote.Session) error {
				res, err := s.Mesh.ForgetTrust(ctx, &meshv1.ForgetTrustRequest{CollectorId: args[0]})
				if err != nil {
					return err
				}
				return out.Show(views.KnownKeys(out, res, []*meshv1.KnownKey{res.GetKey()}))
			})
		},
	}
}

// secretCommand changes a file of mesh secrets, of which it shows nothing.
func secretCommand(out *render.Printer, use, short string, change func(path string) error) *cobra.Command {
	var path string
	command := &cobra.Command{
		Use: use, Short: short, Args: noArgs,
		Long: short + ". The file has a secret in each line, in base64, the newest first, of which all are taken; so a\n" +
			"new one may reach the collectors one after the other. They read the file again by themselves.",
		Example: "  collector trust " + use + " --mesh-secret-file mesh.secret",
		RunE: func(*cobra.Command, []string) error {
			if path == "" {
				return failure.Usagef("--mesh-secret-file is missing: name the file")
			}
			if err := change(path); err != nil {
				return failure.Usagef("%v", err)
			}
			return out.Show(views.SecretFile(path))
		},
	}
	command.Flags().StringVar(&path, "mesh-secret-file", "", "the file")
	return command
}
