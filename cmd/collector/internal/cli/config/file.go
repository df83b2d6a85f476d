package config

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"buf.build/go/protoyaml"
	"go.yaml.in/yaml/v3"
	"google.golang.org/protobuf/reflect/protoreflect"

	configv1 "github.com/collectiverpc/collective/cmd/collector/internal/cli/config/gen/collector/config/v1"
)

// maxFile bounds what is read of a file: who names a device or a log by mistake is told.
const maxFile = 1 << 20

// File is what a configuration file says.
type File struct {
	Path    string
	message *configv1.Config
	keys    []key // in the order of the file
}

// key is a field where the file has it.
type key struct {
	field        protoreflect.FieldDescriptor
	line, column int
}

// Read reads the file at path. An error that is about what it says is [Problems].
func Read(path string) (*File, error) {
	opened, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer opened.Close()
	text, err := io.ReadAll(io.LimitReader(opened, maxFile+1))
	if err != nil {
		return nil, err
	}
	return Parse(path, text)
}

// Parse is Read of a text that is at hand; path is for what it says of it. An empty text says nothing, which is allowed.
func Parse(path string, text []byte) (*File, error) {
	f := &File{Path: path, message: new(configv1.Config)}
	lines, err := normal(text)
	if err != nil {
		return nil, Problems{{File: path, What: err.Error()}}
	}
	root, err := document(lines)
	if err != nil {
		return nil, Problems{f.syntax(err)}
	}
	if root == nil {
		return f, nil
	}
	problems := f.index(root)
	if len(problems) == 0 {
		problems = f.decode(lines)
	}
	return f, problems.err()
}

// normal makes text of which everybody counts the same lines. Tabs indent JSON, and YAML does not take them.
func normal(text []byte) (string, error) {
	lines := strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(strings.TrimPrefix(string(text), "\ufeff"))
	switch {
	case len(text) > maxFile:
		return "", fmt.Errorf("it is larger than %d KiB: is it another file?", maxFile>>10)
	case strings.ContainsAny(lines, "\x00\u0085\u2028\u2029"):
		return "", errors.New("there are bytes in it that belong into no text: is it another file?")
	}
	if strings.HasPrefix(strings.TrimSpace(lines), "{") {
		lines = strings.ReplaceAll(lines, "\t", " ")
	}
	return lines, nil
}

// document is the one document of a text; nil for none.
func document(text string) (*yaml.Node, error) {
	reader := yaml.NewDecoder(strings.NewReader(text))
	var first, second yaml.Node
	if err := reader.Decode(&first); errors.Is(err, io.EOF) {
		return nil, nil //nolint:nilnil // an empty file says nothing
	} else if err != nil {
		return nil, err
	}
	if err := reader.Decode(&second); !errors.Is(err, io.EOF) {
		return nil, errors.New("there is more than one document in it: leave out all but one")
	}
	if len(first.Content) == 0 || first.Content[0].Tag == "!!null" {
		return nil, nil //nolint:nilnil // as above
	}
	return first.Content[0], nil
}

// syntax is what a parser of YAML says, with the line at its place.
func (f *File) syntax(err error) Problem {
	what := strings.TrimPrefix(err.Error(), "yaml: ")
	line := 0
	if _, scanned := fmt.Sscanf(what, "line %d:", &line); scanned == nil {
		_, what, _ = strings.Cut(what, ": ")
		return Problem{File: f.Path, Line: line, Column: 1, What: what}
	}
	return Problem{File: f.Path, What: what}
}

// index finds where the fields are, and what is none.
func (f *File) index(root *yaml.Node) (problems Problems) {
	at := func(node *yaml.Node, field, format string, args ...any) {
		problems = append(problems, Problem{f.Path, node.Line, node.Column, field, fmt.Sprintf(format, args...)})
	}
	if root.Kind != yaml.MappingNode {
		at(root, "", "want fields, such as id: a")
		return problems
	}
	for i := 0; i+1 < len(root.Content); i += 2 {
		name, value := root.Content[i], root.Content[i+1]
		field := fieldNamed(name.Value)
		if name.Kind != yaml.ScalarNode || field == nil {
			at(name, name.Value, "unknown field %q%s", name.Value, suggestion(name.Value))
			continue
		}
		word := string(field.Name())
		if earlier := f.find(field); earlier != nil {
			at(name, word, "%s is there already, in line %d: leave out one of them", word, earlier.line)
			continue
		}
		if value.Tag == "!!null" {
			at(name, word, "%s has no value: give one, or leave out the line", word)
			continue
		}
		f.keys = append(f.keys, key{field, name.Line, name.Column})
	}
	return problems
}

func (f *File) find(field protoreflect.FieldDescriptor) *key {
	if i := slices.IndexFunc(f.keys, func(k key) bool { return k.field == field }); i >= 0 {
		return &f.keys[i]
	}
	return nil
}

// decode takes the values.
func (f *File) decode(text string) (problems Problems) {
	err := protoyaml.UnmarshalOptions{}.Unmarshal([]byte(text), f.message)
	if err == nil {
		return nil
	}
	all := []error{err}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		all = joined.Unwrap()
	}
	for _, one := range all {
		problems = append(problems, f.wrongType(one))
	}
	return problems
}

// wrongType is what protoyaml says, which is a place, what it expected, and lines of the file.
func (f *File) wrongType(err error) Problem {
	said, _, _ := strings.Cut(err.Error(), "\n")
	p := Problem{File: f.Path, What: said}
	if _, scanned := fmt.Sscanf(said, ":%d:%d ", &p.Line, &p.Column); scanned != nil {
		return p
	}
	_, p.What, _ = strings.Cut(said, " ")
	for _, k := range f.keys {
		if k.line < p.Line || k.line == p.Line && k.column <= p.Column {
			p.Fields = string(k.field.Name())
		}
	}
	p.What = p.Fields + ": " + p.What
	if field := fieldNamed(p.Fields); field != nil {
		p.What += "; want " + kindOf(field)
	}
	return p
}
