package config

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"buf.build/go/protovalidate"
)

// Check holds the settings against the rules of the message. An error is [Problems], with all that is wrong.
func (s Settings) Check() error {
	err := protovalidate.Validate(s.message())
	broken, ok := errors.AsType[*protovalidate.ValidationError](err)
	if !ok {
		return err
	}
	var problems Problems
	for _, violation := range broken.Violations {
		names := strings.Split(violation.Proto.GetRuleId(), ".")
		item := ""
		if elements := violation.Proto.GetField().GetElements(); len(elements) > 0 {
			names = []string{elements[0].GetFieldName()}
			if elements[0].HasIndex() {
				item = s.Get(names[0]).List[elements[0].GetIndex()]
			}
		}
		problems = append(problems, s.problem(names, item, violation.Proto.GetMessage()))
	}
	return problems.err()
}

// problem is of the fields that somebody has set: at the last of them that is in the file.
func (s Settings) problem(names []string, item, want string) Problem {
	set := slices.DeleteFunc(slices.Clone(names), func(name string) bool {
		return s.Get(name).Origin == OfDefault || s.Get(name).Value == "false"
	})
	p := Problem{Fields: strings.Join(set, ",")}
	said := make([]string, len(set))
	for i, name := range set {
		setting := s.Get(name)
		if setting.file != "" {
			p.File, p.Line, p.Column = setting.file, setting.line, setting.column
		}
		said[i] = setting.said(item, len(set) > 1)
	}
	p.What = strings.Join(said, ", ") + ": " + want
	return p
}

// said is how a setting was said: as a flag, as a variable, or as a field of the file.
func (s *Setting) said(item string, placed bool) string {
	value := s.Value
	if item != "" {
		value = item
	}
	switch {
	case s.Origin == OfCommandLine && value == "true":
		return s.Flag()
	case s.Origin == OfCommandLine:
		return s.Flag() + " " + value
	case s.file == "":
		return fmt.Sprintf("%s=%s", s.Origin, value)
	case placed:
		return fmt.Sprintf("%s (line %d)", s.Name, s.line)
	}
	return s.Name + " " + value
}
