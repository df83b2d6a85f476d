package cli

import (
	"errors"
	"io/fs"
	"os"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/collectiverpc/collective/access"
	"github.com/collectiverpc/collective/access/authn/apikey"
	"github.com/collectiverpc/collective/cmd/collector/internal/cli/envflag"
	"github.com/collectiverpc/collective/cmd/collector/internal/cli/failure"
	"github.com/collectiverpc/collective/cmd/collector/internal/cli/render"
	"github.com/collectiverpc/collective/cmd/collector/internal/cli/views"
)

func keysCommand(out *render.Printer) *cobra.Command {
	var file string
	list := func(*cobra.Command, []string) error { return listKeys(out, file) }
	parent := &cobra.Command{
		Use:   "keys",
		Short: "Make API keys for callers, list and remove them",
		Long: "API keys of callers, in the file that `collector serve --api-keys` reads. It has their hashes only: a key is shown once,\n" +
			"when it is made. Callers send it in the header X-Api-Key. A collector that runs notices changes of the file.",
		Example: "  collector keys add ci --service --group deployers\n" +
			"  collector serve --id a --api-keys api-keys --policy policy.cedar\n" +
			"  collector keys ls\n  collector keys rm ci",
		Args: noArgs,
		RunE: list,
	}
	parent.PersistentFlags().StringVar(&file, "file", "api-keys", "the file of the keys")
	envflag.Bind(parent.PersistentFlags(), "file", "COLLECTOR_API_KEYS")
	parent.AddCommand(
		keysAddCommand(out, &file), keysRemoveCommand(out, &file),
		&cobra.Command{Use: "ls", Short: "List whose keys there are", Args: noArgs, RunE: list},
	)
	return parent
}

func keysAddCommand(out *render.Printer, file *string) *cobra.Command {
	var service bool
	var groups []string
	var to string
	command := &cobra.Command{
		Use: "add NAME", Short: "Make a key and print it, once", Args: takes(1, 1),
		Long: "Make a key of a user, or with --service of a program, and print it. A name that has a key has two then: give out the new\n" +
			"one, and remove the old one by its fingerprint. With --json the key goes to --out and not to the document.",
		Example: "  collector keys add alice\n  collector keys add ci --service --group deployers --out ci.key",
		RunE: func(_ *cobra.Command, args []string) error {
			if out.Structured() && to == "" {
				return failure.Usagef("a key is not written into JSON, which is kept and passed on: leave out --json, or name a file").
					Hint("--out FILE     # for the key, readable by you only")
			}
			record := apikey.Record{Name: args[0], Kind: access.KindUser, Groups: groups}
			if service {
				record.Kind = access.KindService
			}
			return addKey(out, *file, to, record)
		},
	}
	command.Flags().BoolVar(&service, "service", false, "it is the key of a program, not of a user")
	command.Flags().StringSliceVar(&groups, "group", nil, "groups of its holder, for policies")
	command.Flags().StringVar(&to, "out", "", "write the key to a new file instead, readable by you only")
	return command
}

func addKey(out *render.Printer, file, to string, record apikey.Record) error {
	if _, err := os.Stat(to); to != "" && !errors.Is(err, fs.ErrNotExist) {
		return failure.Usagef("--out %s: want a file that is not there yet", to)
	}
	secret, err := apikey.Add(file, record)
	if err != nil {
		return failure.Usagef("%s in %s: %v", record.Name, file, err)
	}
	out.Note("made a key of %s::%q. It is shown now and kept nowhere: who loses it gets another.", record.Kind, "key:"+record.Name)
	if to == "" {
		return out.Print(secret.Reveal() + "\n")
	}
	if err := os.WriteFile(to, []byte(secret.Reveal()+"\n"), 0o600); err != nil {
		_, undone := apikey.Remove(file, record.Name, secret.Hash().Fingerprint())
		return failure.Newf("--out: %v", errors.Join(err, undone))
	}
	record.Hash = secret.Hash()
	return out.Show(views.Keys([]apikey.Record{record}))
}

func keysRemoveCommand(out *render.Printer, file *string) *cobra.Command {
	return &cobra.Command{
		Use: "rm NAME [FINGERPRINT]", Short: "Remove the keys of a name, or one of them", Args: takes(1, 2),
		Example: "  collector keys ls\n  collector keys rm ci 9f86d081\n  collector keys rm ci",
		RunE: func(_ *cobra.Command, args []string) error {
			fingerprint := ""
			if len(args) > 1 {
				fingerprint = args[1]
			}
			removed, err := apikey.Remove(*file, args[0], fingerprint)
			if errors.Is(err, apikey.ErrUnknown) {
				return failure.Usagef("%v", err).Hint("collector keys ls --file " + *file + "     # lists them")
			}
			if err != nil {
				return failure.Newf("%v", err)
			}
			out.Note("%s removed: a collector that runs refuses it as soon as it has read the file again", countOf(removed, "key"))
			return listKeys(out, *file)
		},
	}
}

func listKeys(out *render.Printer, file string) error {
	records, err := apikey.Read(file)
	if errors.Is(err, fs.ErrNotExist) {
		return failure.Usagef("%v", err).Hint("collector keys add NAME --file " + file + "     # makes it, and the first key")
	}
	if err != nil {
		return failure.Newf("%s cannot be used", file).Because(strings.Split(err.Error(), "\n")...)
	}
	return out.Show(views.Keys(records))
}

func countOf(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return strconv.Itoa(n) + " " + what + "s"
}
