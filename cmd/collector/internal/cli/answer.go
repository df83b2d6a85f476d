package cli

import (
	"encoding/json"
	"regexp"
	"strings"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/proto"
)

// answerFormats are the values of call's --format.
const (
	answerJSON = "json"
	answerText = "text"
)

// checkFormat refuses an answer in text where the rest of the command line asks for JSON.
func (a *app) checkFormat(flags callFlags) error {
	switch {
	case flags.format == answerJSON:
		return nil
	case flags.format != answerText:
		return usagef("--format %s is unknown: want %s or %s", flags.format, answerJSON, answerText)
	case a.structured():
		return usagef("--format text and -o %s exclude each other", a.format())
	case flags.defaults:
		return usagef("--emit-defaults is of JSON: --format text has no field with its default value")
	case flags.example:
		return usagef("--example prints a request for -d, which is JSON: leave --format out")
	}
	return nil
}

// showAnswer prints an answer; line has it on one line, as answers of a stream are.
func (c *plannedCall) showAnswer(message proto.Message, line bool) error {
	app := c.session.app
	message, err := c.schema.known(message)
	if err != nil {
		return err
	}
	if c.flags.format == answerText {
		text, err := c.schema.messageText(message)
		if err != nil {
			return err
		}
		if line {
			text = oneLine(text) + "\n"
		}
		return app.print(escapeControls(text))
	}
	data, err := c.schema.messageJSON(message, c.flags.defaults)
	if err != nil {
		return err
	}
	if line || app.format() == formatLines {
		return app.showLine(data)
	}
	return app.showJSON(data)
}

// messageJSON is a message as proto JSON.
func (s *schema) messageJSON(message proto.Message, defaults bool) (json.RawMessage, error) {
	data, err := protojson.MarshalOptions{Resolver: s, EmitDefaultValues: defaults}.Marshal(message)
	if err != nil {
		return nil, failuref("the answer has no JSON form: %s", protoError(err))
	}
	return data, nil
}

// spaces are those between the name of a field and its value, of which the library writes one or two.
var spaces = regexp.MustCompile(`(?m)^( *[^ ":{]+:) +`)

// messageText is a message in the text format of protobuf, a field a line.
func (s *schema) messageText(message proto.Message) (string, error) {
	data, err := prototext.MarshalOptions{Multiline: true, Resolver: s}.Marshal(message)
	if err != nil {
		return "", failuref("the answer has no text form: %s", protoError(err))
	}
	return spaces.ReplaceAllString(string(data), "$1 "), nil
}

// oneLine is text format on one line. Line breaks within values are escaped, so these are all between fields.
func oneLine(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	for i := range lines {
		lines[i] = strings.TrimLeft(lines[i], " ")
	}
	return strings.Join(lines, " ")
}
