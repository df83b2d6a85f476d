package cli

import (
	"cmp"
	"context"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// callFlags are the flags of call.
type callFlags struct {
	data, namespace, target, format                      string
	show, example, defaults, allowStatus, local, limited bool
}

func (a *app) callCommand() *cobra.Command {
	var flags callFlags
	command := &cobra.Command{
		Use:   "call SERVICE/METHOD",
		Short: "Call a method of the mesh with JSON",
		Long: "Call a method of the mesh with JSON. The collector that is asked finds who runs it; the last line, on stderr, says\n" +
			"who did and on which way. Streaming methods take several JSON values and print each answer as it arrives; they\n" +
			"are bounded by --timeout only if it is given.",
		Example: `  collector call shop.v1.OrderService/CreateOrder -d '{"sku":"tea","qty":2}'
  collector call OrderService/CreateOrder --example        # a request to start from
  collector call UserService/GetUser -d @request.json --to c
  collector call UserService/GetUser -d '{"id":"u-1"}' --format text
  collector call shop.v1.OrderService/WatchOrders          # streams until Ctrl-C`,
		Args:              takes(1, 1),
		ValidArgsFunction: a.completeMethods,
		RunE: func(cmd *cobra.Command, args []string) error {
			flags.limited = cmd.Flags().Changed("timeout")
			return a.call(cmd.Context(), args[0], flags)
		},
	}
	set := command.Flags()
	set.StringVarP(&flags.data, "data", "d", "{}", "the request as JSON, @FILE, or - for stdin")
	set.StringVar(&flags.namespace, "ns", "", "namespace (default the only one that has the service)")
	set.StringVar(&flags.target, "to", "", "collector to run on (default the router's choice)")
	set.StringVar(&flags.format, "format", answerJSON, "answers as json, or as text: the text format of protobuf")
	set.BoolVarP(&flags.show, "include", "i", false, "show headers and trailers of the answer on stderr")
	set.BoolVar(&flags.example, "example", false, "print a request to start from, call nothing")
	set.BoolVar(&flags.defaults, "emit-defaults", false, "print fields that have their default value too")
	set.BoolVar(&flags.allowStatus, "allow-status", false, "exit 0 also if the answer's status is a failure")
	set.BoolVar(&flags.local, "local", false, "run on the asked collector or not at all")
	command.MarkFlagsMutuallyExclusive("local", "to")
	a.completeFlag(command, "ns", namespacesOf)
	a.completeFlag(command, "to", collectorIDs)
	completeWords(command, "format", answerJSON, answerText)
	return command
}

func (a *app) call(parent context.Context, name string, flags callFlags) error {
	service, method, err := splitMethod(name)
	if err = cmp.Or(err, a.checkFormat(flags)); err != nil {
		return err
	}
	return a.withSession(parent, func(ctx context.Context, s *session) error {
		c, err := s.plan(ctx, service, method, flags)
		if err != nil {
			return err
		}
		if flags.example {
			return c.printExample()
		}
		if !c.streaming() {
			return c.callUnary(ctx)
		}
		if flags.limited {
			return c.callStream(ctx)
		}
		return c.callStream(parent)
	})
}

// plannedCall is a call whose names are resolved and whose schema is known.
type plannedCall struct {
	session   *session
	flags     callFlags
	namespace string
	service   string // full name
	method    string
	target    string // the collector that must run it; empty for the router's choice
	schema    *schema
	// descriptor is nil for the seed's untyped handlers.
	descriptor protoreflect.MethodDescriptor
}

func (c *plannedCall) streaming() bool {
	return c.descriptor != nil && (c.descriptor.IsStreamingClient() || c.descriptor.IsStreamingServer())
}

// printExample prints a request with every field set.
func (c *plannedCall) printExample() error {
	if c.descriptor == nil {
		return usagef("%s/%s takes any message, so there is no example of one", c.service, c.method).
			hint(`-d '"text"' sends a StringValue, -d '{"@type":…}' any message`)
	}
	data, err := c.schema.messageJSON(example(c.descriptor.Input(), exampleDepth), true)
	if err != nil {
		return err
	}
	return c.session.app.showJSON(data)
}

// handled is the line about who ran a call.
func (c *plannedCall) handled(executor string, route []string, took time.Duration, more ...string) {
	parts := append([]string{"handled by " + executor, arrows(route)}, more...)
	c.session.app.note("%s", strings.Join(append(parts, duration(took)), " · "))
}
