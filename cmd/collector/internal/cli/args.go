package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/collectiverpc/collective/cmd/collector/internal/cli/failure"
)

// noArgs refuses arguments. Of a command with others below it the argument is a misspelt one of those.
func noArgs(command *cobra.Command, args []string) error {
	switch {
	case len(args) == 0:
		return nil
	case command.HasSubCommands():
		return fmt.Errorf("unknown command %q for %q%s", args[0], command.CommandPath(), suggestCommands(command, args[0]))
	}
	return tooMany(command, args[0])
}

// suggestCommands has the lines about what was meant, as cobra has them for commands of the root.
func suggestCommands(command *cobra.Command, name string) string {
	command.SuggestionsMinimumDistance = 2
	suggested := command.SuggestionsFor(name)
	if len(suggested) == 0 {
		return ""
	}
	return "\nDid you mean this?\n" + strings.Join(suggested, "\n")
}

// takes asks for so many arguments. Its errors show what they are.
func takes(least, most int) cobra.PositionalArgs {
	return func(command *cobra.Command, args []string) error {
		if len(args) < least {
			return fmt.Errorf("an argument is missing: %s", command.UseLine())
		}
		if len(args) > most {
			return tooMany(command, args[most])
		}
		return nil
	}
}

func tooMany(command *cobra.Command, arg string) error {
	return fmt.Errorf("%q is an argument too many: %s", arg, command.UseLine())
}

// strictHelp makes help fail for what is no command and no topic.
func strictHelp(root *cobra.Command) {
	root.InitDefaultHelpCmd()
	help, _, err := root.Find([]string{"help"})
	if err != nil {
		panic(err) // it was made a line above
	}
	show := help.Run
	help.Run = nil
	help.RunE = func(command *cobra.Command, args []string) error {
		if _, _, err := root.Find(args); err != nil {
			return failure.Usagef("no command and no topic %q", strings.Join(args, " ")).Hint("collector help     # lists both")
		}
		show(command, args)
		return nil
	}
}
