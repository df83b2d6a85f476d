package doctest_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"
)

// step is a command of a document and the output that the document shows, or a file that it shows.
type step struct {
	file, content string // if it is a file
	command       string
	background    bool
	checked       bool // whether output is what the command must print
	output        []string
	exit          string // the status that it ends with, as echo $? shows it; empty for 0
}

var block = regexp.MustCompile("(?ms)(?:^`([^`\n]+)`:\n)?^```(\\w+)\n(.*?)^```$")

// exitOf shows the status of the command before it.
const exitOf = "echo $?"

// steps answers the commands and files of a document in their order.
func steps(document string) []step {
	var all []step
	for _, match := range block.FindAllStringSubmatch(document, -1) {
		file, kind, text := match[1], match[2], match[3]
		if file != "" {
			all = append(all, step{file: file, content: text})
			continue
		}
		checked := kind == "console"
		if !checked && kind != "sh" {
			continue
		}
		status := false
		for line := range strings.Lines(text) {
			line = strings.TrimRight(line, "\n")
			command, isCommand := strings.CutPrefix(line, "$ ")
			last := len(all) - 1
			switch {
			case command == exitOf:
				status = true
			case isCommand || !checked:
				all, status = append(all, newStep(command, checked)), false
			case last >= 0 && status:
				all[last].exit = line
			case last >= 0:
				all[last].output = append(all[last].output, line)
			}
		}
	}
	return all
}

func newStep(line string, checked bool) step {
	command, background := strings.CutSuffix(line, " &")
	return step{command: command, background: background, checked: checked && !background}
}

var (
	duration  = regexp.MustCompile(`\d+(\.\d+)? ?(µs|ms|s)\b`)
	instant   = regexp.MustCompile(`\d{4}-\d{2}-\d{2}T[0-9:.]+Z`)
	number    = regexp.MustCompile(`\d+(\.\d+)?`)
	spaces    = regexp.MustCompile(` +`)
	afterJSON = regexp.MustCompile(`([,:]) `) // protojson puts spaces there or not, as it likes
)

// normal takes from a line what differs from run to run.
func normal(line string) string {
	line = instant.ReplaceAllString(line, "TIME")
	line = duration.ReplaceAllString(line, "DURATION")
	line = number.ReplaceAllString(line, "N")
	line = spaces.ReplaceAllString(line, " ")
	return strings.TrimRight(afterJSON.ReplaceAllString(line, "$1"), " ")
}

// matches compares line by line; a line that is … stands for any number of lines.
func matches(want, got []string) bool {
	if len(want) == 0 {
		return len(got) == 0
	}
	if want[0] == "…" {
		return slices.ContainsFunc(suffixes(got), func(rest []string) bool { return matches(want[1:], rest) })
	}
	return len(got) > 0 && matchesLine(normal(want[0]), normal(got[0])) && matches(want[1:], got[1:])
}

// matchesLine compares a line, in which … stands for any text.
func matchesLine(want, got string) bool {
	parts := strings.Split(regexp.QuoteMeta(want), "…")
	return regexp.MustCompile("^" + strings.Join(parts, ".*") + "$").MatchString(got)
}

func suffixes(lines []string) [][]string {
	all := make([][]string, 0, len(lines)+1)
	for i := range len(lines) + 1 {
		all = append(all, lines[i:])
	}
	return all
}

func TestMatches(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name      string
		want, got []string
		ok        bool
	}{
		{"the same", []string{"a", "b"}, []string{"a", "b"}, true},
		{"numbers and units differ", []string{"b · 1.4 ms"}, []string{"b · 12 s"}, true},
		{"columns are wider", []string{"a   b"}, []string{"a b "}, true},
		{"JSON is spaced otherwise", []string{`{"a":1,"b":2}`}, []string{`{"a":1, "b": 2}`}, true},
		{"a line is missing", []string{"a", "b"}, []string{"a"}, false},
		{"a line is new", []string{"a"}, []string{"a", "b"}, false},
		{"dots for nothing", []string{"a", "…", "b"}, []string{"a", "b"}, true},
		{"dots for some", []string{"…", "b"}, []string{"x", "b", "b"}, true},
		{"dots within a line", []string{"a …", "b… c"}, []string{"a link", "b c"}, true},
		{"dots within a line hide no other", []string{"a … c"}, []string{"a b", "c"}, false},
		{"dots do not hide a missing line", []string{"…", "c"}, []string{"a", "b"}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := matches(tt.want, tt.got); got != tt.ok {
				t.Errorf("matches = %v, want %v", got, tt.ok)
			}
		})
	}
}

func TestSteps(t *testing.T) {
	t.Parallel()
	document := "text\n```console\n$ serve &\n$ call\n{\n…\n$ deny\n$ echo $?\n71\n```\n```go\n$ no\n```\n```sh\nls  # all\n```\n`a/b.go`:\n```go\npackage b\n```\n"
	got := steps(document)
	want := []step{
		{command: "serve", background: true},
		{command: "call", checked: true, output: []string{"{", "…"}},
		{command: "deny", checked: true, exit: "71"},
		{command: "ls  # all"},
		{file: "a/b.go", content: "package b\n"},
	}
	if !slices.EqualFunc(got, want, func(a, b step) bool {
		return a.file == b.file && a.content == b.content && a.command == b.command && a.background == b.background && a.checked == b.checked && a.exit == b.exit && slices.Equal(a.output, b.output)
	}) {
		t.Errorf("steps = %+v, want %+v", got, want)
	}
}
