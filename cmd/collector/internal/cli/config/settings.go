package config

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/durationpb"

	configv1 "github.com/collectiverpc/collective/cmd/collector/internal/cli/config/gen/collector/config/v1"
	"github.com/collectiverpc/collective/cmd/collector/internal/cli/envflag"
)

// Origins that are no place in a file.
const (
	OfDefault     = "default"
	OfCommandLine = "flag"
	OfContext     = "context " // and its name
)

// Setting is a value in force.
type Setting struct {
	Name   string   `json:"name"`             // of the field
	Value  string   `json:"value"`            // of a list: with commas between its parts
	List   []string `json:"values,omitempty"` // of a list
	Origin string   `json:"origin"`           // OfDefault, OfCommandLine, the name of a variable, or FILE:LINE

	field    protoreflect.FieldDescriptor
	standard string // the default
	column   int    // in the file
	line     int    // 0 for what is from elsewhere
	file     string
}

// Settings are all settings, in the order of the message.
type Settings []Setting

// Of are the settings of flags, which have been read from the command line and the environment.
func Of(set *pflag.FlagSet) Settings {
	var settings Settings
	for i := range fields().Len() {
		field := fields().Get(i)
		flag := set.Lookup(flagOf(field))
		if flag == nil {
			continue // a command of which only some are flags
		}
		s := Setting{Name: string(field.Name()), Origin: OfDefault, field: field, standard: flag.DefValue}
		if field.IsList() {
			s.standard = ""
		}
		s.Value = s.standard
		if flag.Changed {
			s.take(flag)
		}
		settings = append(settings, s)
	}
	return settings
}

// Flag is how its flag is given.
func (s *Setting) Flag() string { return "--" + flagOf(s.field) }

// take takes the value of a flag that somebody has set.
func (s *Setting) take(flag *pflag.Flag) {
	s.Value, s.Origin = flag.Value.String(), envflag.Origin(flag)
	if s.Origin == "" {
		s.Origin = OfCommandLine
	}
	if list, ok := flag.Value.(pflag.SliceValue); ok {
		s.List = list.GetSlice()
		s.Value = strings.Join(s.List, ",")
	}
}

// With are the settings with a file in place of an earlier one and of defaults.
func (s Settings) With(file *File) Settings {
	next := slices.Clone(s)
	for i := range next {
		setting := &next[i]
		if setting.Origin != OfDefault && setting.file == "" && !strings.HasPrefix(setting.Origin, OfContext) {
			continue // who starts it has the last word
		}
		if setting.file != "" {
			*setting = Setting{Name: setting.Name, Value: setting.standard, Origin: OfDefault, field: setting.field, standard: setting.standard}
		}
		if k := file.find(setting.field); k != nil {
			setting.file, setting.line, setting.column = file.Path, k.line, k.column
			setting.Origin = file.Path + ":" + strconv.Itoa(k.line)
			setting.List, setting.Value = textOf(setting.field, file.message.ProtoReflect().Get(setting.field))
		}
	}
	return next
}

// textOf is a value as its flag takes it.
func textOf(field protoreflect.FieldDescriptor, value protoreflect.Value) (list []string, text string) {
	switch {
	case field.IsList():
		for i := range value.List().Len() {
			list = append(list, value.List().Get(i).String())
		}
		return list, strings.Join(list, ",")
	case field.Message() != nil:
		if d, ok := value.Message().Interface().(*durationpb.Duration); ok {
			return nil, d.AsDuration().String()
		}
	}
	return nil, value.String()
}

// Apply sets the flags for which the file has the word.
func (s Settings) Apply(set *pflag.FlagSet) error {
	var problems Problems
	for _, setting := range s {
		if setting.file == "" {
			continue
		}
		flag := set.Lookup(flagOf(setting.field))
		if err := setting.apply(set, flag); err != nil {
			problems = append(problems, Problem{setting.file, setting.line, setting.column, setting.Name, setting.Name + ": " + err.Error()})
			continue
		}
		envflag.From(flag, setting.Origin)
	}
	return problems.err()
}

func (s *Setting) apply(set *pflag.FlagSet, flag *pflag.Flag) error {
	list, ok := flag.Value.(pflag.SliceValue)
	if !ok {
		return set.Set(flag.Name, s.Value)
	}
	flag.Changed = true
	return list.Replace(s.List)
}

// Changed are the names of the settings that have another value in next.
func (s Settings) Changed(next Settings) (names []string) {
	for i := range s {
		if s[i].Value != next[i].Value || !slices.Equal(s[i].List, next[i].List) {
			names = append(names, s[i].Name)
		}
	}
	return names
}

// Get is a setting by its name.
func (s Settings) Get(name string) Setting {
	if i := slices.IndexFunc(s, func(setting Setting) bool { return setting.Name == name }); i >= 0 {
		return s[i]
	}
	return Setting{}
}

// message has what somebody has set.
func (s Settings) message() *configv1.Config {
	message := new(configv1.Config)
	for _, setting := range s {
		if setting.Origin != OfDefault {
			setting.enter(message.ProtoReflect())
		}
	}
	return message
}

// enter writes the value into a message. Its flag has taken the text, so that it is one of its kind.
func (s *Setting) enter(message protoreflect.Message) {
	switch kind := s.field.Kind(); {
	case s.field.IsList():
		list := message.Mutable(s.field).List()
		for _, item := range s.List {
			list.Append(protoreflect.ValueOfString(item))
		}
	case kind == protoreflect.MessageKind:
		d, _ := time.ParseDuration(s.Value)
		message.Set(s.field, protoreflect.ValueOfMessage(durationpb.New(d).ProtoReflect()))
	case kind == protoreflect.BoolKind:
		message.Set(s.field, protoreflect.ValueOfBool(s.Value == "true"))
	case kind == protoreflect.Int32Kind:
		n, _ := strconv.ParseInt(s.Value, 10, 32)
		message.Set(s.field, protoreflect.ValueOfInt32(int32(n)))
	case kind == protoreflect.Uint64Kind:
		n, _ := strconv.ParseUint(s.Value, 10, 64)
		message.Set(s.field, protoreflect.ValueOfUint64(n))
	default:
		message.Set(s.field, protoreflect.ValueOfString(s.Value))
	}
}

// Taking are the settings with some of next in place of theirs.
func (s Settings) Taking(next Settings, names []string) Settings {
	taken := slices.Clone(s)
	for i := range taken {
		if slices.Contains(names, taken[i].Name) {
			taken[i] = next[i]
		}
	}
	return taken
}
