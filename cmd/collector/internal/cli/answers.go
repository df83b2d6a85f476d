package cli

import (
	"maps"
	"slices"
	"strings"

	"connectrpc.com/connect/v2"
	"google.golang.org/protobuf/proto"

	"github.com/collectiverpc/collective/cmd/collector/internal/cli/call"
	"github.com/collectiverpc/collective/cmd/collector/internal/cli/failure"
	"github.com/collectiverpc/collective/cmd/collector/internal/cli/render"
	"github.com/collectiverpc/collective/cmd/collector/internal/cli/schema"
	"github.com/collectiverpc/collective/cmd/collector/internal/cli/words"
	"github.com/collectiverpc/collective/internal/status"
)

// Values of call's --format.
const (
	answerJSON = "json"
	answerText = "text"
)

// answers prints what comes back of a call.
type answers struct {
	out         *render.Printer
	format      string
	defaults    bool // print fields that have their default value too
	headers     bool // print headers and trailers
	allowStatus bool // a failure of the method is no failure of the command
}

// check refuses an answer in text where the rest of the command line asks for JSON, as for an example does.
func (a *answers) check(example bool) error {
	switch {
	case a.format == answerJSON:
		return nil
	case a.format != answerText:
		return failure.Usagef("--format %s is unknown: want %s or %s", a.format, answerJSON, answerText)
	case a.out.Structured():
		return failure.Usagef("--format text and -o %s exclude each other", a.out.Format())
	case a.defaults:
		return failure.Usagef("--emit-defaults is of JSON: --format text has no field with its default value")
	case example:
		return failure.Usagef("--example prints a request for -d, which is JSON: leave --format out")
	}
	return nil
}

// show prints a message; line has it on one line, as those of a stream are.
func (a *answers) show(known *schema.Set, message proto.Message, line bool) error {
	message, err := known.Known(message)
	if err != nil {
		return err
	}
	if a.format == answerText {
		return a.showText(known, message, line)
	}
	data, err := known.JSON(message, a.defaults)
	if err != nil {
		return err
	}
	if line || a.out.Format() == render.FormatLines {
		return a.out.ShowLine(data)
	}
	return a.out.ShowJSON(data)
}

func (a *answers) showText(known *schema.Set, message proto.Message, line bool) error {
	text, err := known.Text(message)
	if err != nil {
		return err
	}
	if line {
		text = schema.OneLine(text) + "\n"
	}
	return a.out.Print(words.EscapeControls(text))
}

// showHeaders shows what came with the answer, if that is wanted.
func (a *answers) showHeaders(info *connect.CallInfo) {
	if a.headers {
		a.showHeader("<", info.ResponseHeader())
		a.showHeader("< trailer", info.ResponseTrailer())
	}
}

func (a *answers) showHeader(mark string, header *connect.Header) {
	all := maps.Collect(header.All())
	for _, name := range slices.Sorted(maps.Keys(all)) {
		a.out.Note("%s %s: %s", mark, name, strings.Join(all[name], ", "))
	}
}

// end says who ran a call that ended with err, or else as the answer says, and returns its failure. Under --json the failure
// tells who.
func (a *answers) end(answer call.Answer, err error, facts ...string) error {
	if err == nil {
		err = a.allowed(answer.Failed)
	}
	if answer.Executor != "" && (err == nil || !a.out.Structured()) {
		facts = slices.Concat([]string{"handled by " + answer.Executor, words.Route(answer.Route)}, facts)
		a.out.Note("%s", strings.Join(facts, " · "))
	}
	return err
}

// allowed is the failure of a call, unless --allow-status, which makes a note of it.
func (a *answers) allowed(failed error) error {
	f, ok := failure.As(failed)
	if !ok || !a.allowStatus {
		return failed
	}
	a.out.Note("# status %d: %s", status.HTTP(failure.CodeNamed(f.Code)), f.What)
	for _, detail := range f.Messages {
		a.out.Note("# %s", detail)
	}
	return nil
}
