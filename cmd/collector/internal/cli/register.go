package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/collectiverpc/collective/cmd/collector/internal/cli/completion"
	"github.com/collectiverpc/collective/cmd/collector/internal/cli/failure"
	"github.com/collectiverpc/collective/cmd/collector/internal/cli/image"
	"github.com/collectiverpc/collective/cmd/collector/internal/cli/remote"
	"github.com/collectiverpc/collective/cmd/collector/internal/cli/render"
	"github.com/collectiverpc/collective/cmd/collector/internal/cli/terminal"
	"github.com/collectiverpc/collective/gen/collector"
	meshv1 "github.com/collectiverpc/collective/gen/collector/mesh/v1"
)

// fileHelp is what FILE may be.
const fileHelp = "FILE is a .proto file, which is compiled with all it imports, or an image as buf build -o and\n" +
	"protoc --descriptor_set_out write it, or - for an image from stdin. Of an image those files count that no other one\n" +
	"imports."

// registration is `services register` and `services check`, which is the same without the deed.
type registration struct {
	streams   terminal.Streams
	out       *render.Printer
	target    *remote.Target
	path      string
	namespace string
	roots     []string // of .proto files, see image.Compile
	force     bool
}

func checkSchemaCommand(
	streams terminal.Streams, out *render.Printer, target *remote.Target, complete *completion.Completer,
) *cobra.Command {
	r := &registration{streams: streams, out: out, target: target}
	command := &cobra.Command{
		Use:   "check FILE --ns NAMESPACE",
		Short: "Compare a schema with the registered one: every change, and whether it breaks anybody",
		Long:  "Compare a schema with the registered one: every change, and whether it breaks anybody.\n\n" + fileHelp,
		Example: "  collector services check proto/shop/v1/orders.proto --ns orders\n" +
			"  buf build -o image.binpb && collector services check image.binpb --ns orders",
	}
	r.add(command, complete, r.check)
	return command
}

func registerCommand(
	streams terminal.Streams, out *render.Printer, target *remote.Target, complete *completion.Completer,
) *cobra.Command {
	r := &registration{streams: streams, out: out, target: target}
	command := &cobra.Command{
		Use:   "register FILE --ns NAMESPACE",
		Short: "Register a schema; one that breaks what is there needs --force",
		Long:  "Register the services of a schema and all they need; one that breaks what is there needs --force.\n\n" + fileHelp,
		Example: "  collector services register proto/shop/v1/orders.proto --ns orders\n" +
			"  buf build -o image.binpb && collector services register image.binpb --ns orders",
	}
	r.add(command, complete, r.register)
	command.Flags().BoolVar(&r.force, "force", false, "register it even if it breaks what is there")
	return command
}

// add gives a command its flags, and what it does with the image that its argument names.
func (r *registration) add(
	command *cobra.Command, complete *completion.Completer, run func(context.Context, *remote.Session, *image.Image) error,
) {
	command.Args = takes(1, 1)
	command.RunE = func(cmd *cobra.Command, args []string) error {
		r.path = args[0]
		m, err := image.Read(cmd.Context(), r.streams, r.path, r.roots)
		if err != nil {
			return err
		}
		return r.target.Ask(cmd.Context(), func(ctx context.Context, s *remote.Session) error { return run(ctx, s, m) })
	}
	command.Flags().StringVar(&r.namespace, "ns", "", "the namespace (required)")
	_ = command.MarkFlagRequired("ns") // the flag is there
	complete.Flag(command, "ns", completion.Namespaces)
	command.Flags().StringArrayVarP(&r.roots, "proto-path", "I", nil,
		"where imports of a .proto file begin; repeatable (default: where its package begins)")
}

func (r *registration) check(ctx context.Context, s *remote.Session, m *image.Image) error {
	report, err := r.upload(s, true).Send(ctx, m)
	if err != nil {
		return err
	}
	if err := r.out.Show(reportView(report)); err != nil {
		return err
	}
	return r.verdict(report)
}

// register asks about the whole image first, so that an image which is refused in one file changes nothing.
func (r *registration) register(ctx context.Context, s *remote.Session, m *image.Image) error {
	report, err := r.upload(s, true).Send(ctx, m)
	if err != nil {
		return err
	}
	if err := r.verdict(report); err != nil && !r.force {
		return err
	}
	if report, err = r.upload(s, false).Send(ctx, m); err != nil {
		return err
	}
	if err := r.out.Show(reportView(report)); err != nil {
		return err
	}
	if res, err := s.Mesh.GetStatus(ctx, &meshv1.GetStatusRequest{}); err == nil && res.GetStore().GetPath() == "" {
		r.out.Note("# the collector keeps it in memory, and has forgotten it after a restart")
	}
	return nil
}

func (r *registration) upload(s *remote.Session, dry bool) image.Upload {
	return image.Upload{
		Registry: s.Registry, Namespace: r.namespace, Force: r.force, Dry: dry,
		Uncommented: func(file string) {
			r.out.Note("# %s is registered without its comments: with them it is too large for one request", file)
		},
	}
}

// verdict is the failure of a schema that breaks something, with every element.
func (r *registration) verdict(report *collector.SchemaReport) error {
	f := failure.Newf("%s breaks what is registered in namespace %q", r.path, r.namespace)
	for _, change := range report.GetChanges() {
		if change.GetBreaking() {
			f.Because(change.GetElement() + ": " + change.GetMessage() + " (" + change.GetRule() + ")")
		}
	}
	if len(f.Why) == 0 {
		return nil
	}
	f.Report = report
	return f.Hint("give what changed a new name and a new number, and keep the old",
		"collector services register "+r.path+r.flags()+" --force   # if nobody uses the old one")
}

// flags are those that say what to compare with what, for the hint.
func (r *registration) flags() string {
	text := " --ns " + r.namespace
	for _, root := range r.roots {
		text += " -I " + root
	}
	return text
}

func reportView(report *collector.SchemaReport) render.View {
	v := render.View{
		Document: report,
		Columns:  render.Columns("ELEMENT", "VERDICT", "RULE", "CHANGE"),
	}
	for _, change := range report.GetChanges() {
		verdict := "compatible"
		if change.GetBreaking() {
			verdict = "BREAKING"
		}
		v.Add(change, render.Text(change.GetElement()), render.Text(verdict), render.Maybe(change.GetRule()), render.Text(change.GetMessage()))
	}
	if len(v.Rows) == 0 {
		v.Notes = []string{"nothing that is registered would change"}
	}
	return v
}
