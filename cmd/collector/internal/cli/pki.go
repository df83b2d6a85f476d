package cli

import (
	"errors"
	"io/fs"
	"time"

	"github.com/spf13/cobra"

	"github.com/collectiverpc/collective/cmd/collector/internal/cli/failure"
	"github.com/collectiverpc/collective/cmd/collector/internal/cli/render"
	"github.com/collectiverpc/collective/cmd/collector/internal/cli/views"
	"github.com/collectiverpc/collective/internal/pki"
)

// pkiFlags are those of the commands about certificates.
type pkiFlags struct {
	dir     string
	force   bool
	user    string
	service string
	hosts   []string
	days    int
	all     bool
}

func pkiCommand(out *render.Printer) *cobra.Command {
	flags := new(pkiFlags)
	list := func(*cobra.Command, []string) error { return listIssued(out, flags) }
	parent := &cobra.Command{
		Use:   "pki",
		Short: "Make the certificates of a mesh",
		Long: "An authority and certificates for a mesh, in a directory. ca.crt there goes to every machine, collectors/ID.crt and\n" +
			"collectors/ID.key to that of the collector ID, and authority/ca.key to none: keep it where certificates are issued.\n" +
			"Certificates have the URI spiffe://NAME/collector/ID, user/ID or service/ID, and keys are ECDSA P-256.",
		Example: "  collector pki init --trust-domain mesh.example\n" +
			"  collector pki issue a --hosts a.example,192.0.2.7\n" +
			"  collector serve --id a --listen :50051 --pki pki\n" +
			"  collector pki issue --user alice\n" +
			"  collector pki renew --all              # once a month, say; collectors notice by themselves",
		Args: noArgs,
		RunE: list,
	}
	parent.PersistentFlags().StringVar(&flags.dir, "dir", "pki", "directory of the authority")
	parent.AddCommand(
		&cobra.Command{Use: "ls", Short: "List what was issued", Args: noArgs, RunE: list},
		pkiInitCommand(out, flags), pkiIssueCommand(out, flags), pkiRenewCommand(out, flags),
	)
	return parent
}

func pkiInitCommand(out *render.Printer, flags *pkiFlags) *cobra.Command {
	var domain string
	command := &cobra.Command{
		Use: "init", Short: "Make an authority, good for ten years", Args: noArgs,
		Example: "  collector pki init\n  collector pki init --dir secure --trust-domain mesh.example",
		RunE: func(*cobra.Command, []string) error {
			a, err := pki.Init(flags.dir, domain, out.Now(), flags.force)
			if err != nil {
				return pkiFailure(err, flags)
			}
			out.Note("next:  collector pki issue ID%s     # for each collector, with --hosts if it is beyond this machine", flags.inDir())
			return out.Show(views.Authority(out, a))
		},
	}
	command.Flags().StringVar(&domain, "trust-domain", "mesh.local", "name of the mesh in its certificates")
	command.Flags().BoolVar(&flags.force, "force", false, "replace the authority that is there; what it issued is worth nothing then")
	return command
}

func pkiIssueCommand(out *render.Printer, flags *pkiFlags) *cobra.Command {
	command := &cobra.Command{
		Use: "issue [ID]", Short: "Issue the certificate of a collector, a user or a service", Args: takes(0, 1),
		Long: "Issue the certificate of the collector ID, good for both ends of TLS, or of a caller by --user or --service. That of a\n" +
			"collector names localhost, 127.0.0.1 and ::1, and what --hosts says: others reach it by these names only.",
		Example: "  collector pki init                     # once\n  collector pki issue a\n  collector pki issue b --hosts b.example,192.0.2.8 --days 30\n  collector pki issue --user alice",
		RunE: func(_ *cobra.Command, args []string) error {
			subject, err := flags.subject(args)
			if err != nil {
				return err
			}
			return changeIssued(out, flags, func(a *pki.Authority) ([]*pki.Issued, error) {
				issued, err := a.Issue(pki.Request{Subject: subject, Hosts: flags.hosts, Life: flags.life()}, flags.force)
				if err != nil {
					return nil, err
				}
				flags.noteNext(out, issued)
				return []*pki.Issued{issued}, nil
			})
		},
	}
	flags.addSubject(command)
	command.Flags().StringSliceVar(&flags.hosts, "hosts", nil, "DNS names and IP addresses by which others reach it")
	command.Flags().BoolVar(&flags.force, "force", false, "replace a certificate and a key that are there")
	return command
}

func pkiRenewCommand(out *render.Printer, flags *pkiFlags) *cobra.Command {
	command := &cobra.Command{
		Use: "renew [ID]", Short: "Issue a certificate again, with the same names and a new key", Args: takes(0, 1),
		Long: "Issue certificates again, with the same names, a new key and, without --days, for as long as before. A collector that runs\n" +
			"from these files notices.",
		Example: "  collector pki init                     # once\n  collector pki issue a\n  collector pki renew a\n  collector pki renew --all --days 30",
		RunE: func(_ *cobra.Command, args []string) error {
			if flags.all && (len(args) > 0 || flags.user != "" || flags.service != "") {
				return failure.Usagef("--all renews everything: leave out the rest")
			}
			subject, err := flags.subject(args)
			if err != nil && !flags.all {
				return err
			}
			return changeIssued(out, flags, func(a *pki.Authority) ([]*pki.Issued, error) {
				if flags.all {
					return renewAll(a, flags)
				}
				renewed, err := a.Renew(subject, flags.life())
				return []*pki.Issued{renewed}, err
			})
		},
	}
	flags.addSubject(command)
	command.Flags().BoolVar(&flags.all, "all", false, "renew everything that was issued")
	return command
}

func renewAll(a *pki.Authority, flags *pkiFlags) ([]*pki.Issued, error) {
	all, err := a.List()
	for i := 0; err == nil && i < len(all); i++ {
		all[i], err = a.Renew(all[i].Subject, flags.life())
	}
	return all, err
}

// addSubject defines the flags of whom a certificate is for, and of how long.
func (f *pkiFlags) addSubject(command *cobra.Command) {
	command.Flags().StringVar(&f.user, "user", "", "of a user with this id, who calls")
	command.Flags().StringVar(&f.service, "service", "", "of a service with this id, which calls")
	command.Flags().IntVar(&f.days, "days", 0, "how many days it is good for (default 90, or as before)")
}

// subject is the one whom the command line names.
func (f *pkiFlags) subject(args []string) (pki.Subject, error) {
	var named []pki.Subject
	for _, id := range args {
		named = append(named, pki.Subject{Kind: pki.Collector, ID: id})
	}
	if f.user != "" {
		named = append(named, pki.Subject{Kind: pki.User, ID: f.user})
	}
	if f.service != "" {
		named = append(named, pki.Subject{Kind: pki.Service, ID: f.service})
	}
	if len(named) != 1 {
		return pki.Subject{}, failure.Usagef("want one of: the ID of a collector, --user ID, --service ID")
	}
	if f.days < 0 || f.days > 3650 {
		return pki.Subject{}, failure.Usagef("--days %d: want 1 to 3650", f.days)
	}
	return named[0], nil
}

func (f *pkiFlags) life() time.Duration { return time.Duration(f.days) * 24 * time.Hour }

// inDir is the flag that the next command needs too.
func (f *pkiFlags) inDir() string {
	if f.dir == "pki" {
		return ""
	}
	return " --dir " + f.dir
}

// noteNext says what the certificate is for.
func (f *pkiFlags) noteNext(out *render.Printer, i *pki.Issued) {
	if i.Kind == pki.Collector {
		out.Note("next:  collector serve --id %s --listen :50051 --pki %s", i.ID, f.dir)
		return
	}
	out.Note("next:  collector services --cert %s --key %s --cacert %s/ca.crt -s https://…", i.Cert, i.Key, f.dir)
}

// changeIssued opens the authority to issue something, and shows what it issued.
func changeIssued(out *render.Printer, flags *pkiFlags, change func(*pki.Authority) ([]*pki.Issued, error)) error {
	a, err := pki.OpenToIssue(flags.dir, out.Now())
	if err != nil {
		return pkiFailure(err, flags)
	}
	issued, err := change(a)
	if err != nil {
		return pkiFailure(err, flags)
	}
	return out.Show(views.Issued(out, a, issued))
}

func listIssued(out *render.Printer, flags *pkiFlags) error {
	a, err := pki.Open(flags.dir)
	if err != nil {
		return pkiFailure(err, flags)
	}
	issued, err := a.List()
	if err != nil {
		return pkiFailure(err, flags)
	}
	v := views.Issued(out, a, issued)
	if len(v.Rows) == 0 {
		v.Notes = []string{"nothing was issued yet: collector pki issue ID" + flags.inDir()}
	}
	return out.Show(v)
}

// pkiFailure says what to do about an error.
func pkiFailure(err error, flags *pkiFlags) error {
	switch {
	case errors.Is(err, fs.ErrExist):
		return failure.Usagef("%v: nothing is overwritten", err).Hint("collector pki renew ID|--all     # the same names, a new key", "--force                          # or replace it all the same")
	case errors.Is(err, fs.ErrNotExist):
		return failure.Usagef("%v: there is no such thing in the directory %s", err, flags.dir).Hint(
			"collector pki init"+flags.inDir()+"     # makes an authority", "collector pki ls"+flags.inDir()+"       # lists what it issued")
	case errors.Is(err, pki.ErrInvalid):
		return failure.Usagef("%v", err)
	}
	return failure.Newf("%v", err)
}
