package config

import (
	"net/url"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/spf13/pflag"

	"github.com/collectiverpc/collective/cmd/collector/internal/cli/failure"
	"github.com/collectiverpc/collective/cmd/collector/internal/cli/render"
)

// FormatYAML is a format of [Show]: a file that says the same.
const FormatYAML = "yaml"

// report is the document of a checked file.
type report struct {
	File     string   `json:"file"`
	OK       bool     `json:"ok"`
	Settings Settings `json:"settings,omitempty"`
	Problems Problems `json:"problems,omitempty"`
}

// shown is the document of what is in force.
type shown struct {
	File     string   `json:"file,omitempty"`
	Settings Settings `json:"settings"`
}

// ShowCheck shows what a file sets, over the defaults of flags. One that cannot be used is a failure with every problem of it;
// the JSON document has them as well.
func ShowCheck(out *render.Printer, flags *pflag.FlagSet, path string) error {
	settings, err := judge(flags, path)
	problems, ok := err.(Problems) //nolint:errorlint // it is made here
	switch {
	case ok:
		return showProblems(out, path, problems)
	case err != nil:
		return failure.Usagef("%v", err)
	}
	view := table(report{File: path, OK: true, Settings: settings}, settings)
	view.Heading = path + " can be used"
	return out.Show(view)
}

// judge returns what a file sets.
func judge(flags *pflag.FlagSet, path string) (set Settings, err error) {
	file, err := Read(path)
	if err != nil {
		return nil, err
	}
	settings := Of(flags).With(file)
	if err := settings.Check(); err != nil {
		return nil, err
	}
	for _, setting := range settings {
		if setting.Origin != OfDefault {
			set = append(set, setting.redacted())
		}
	}
	return set, settings.Apply(flags)
}

func showProblems(out *render.Printer, path string, problems Problems) error {
	if out.Structured() {
		if err := out.Show(render.View{Document: report{File: path, Problems: problems}}); err != nil {
			return err
		}
	}
	return Refused(failure.Newf, path+" cannot be used", problems)
}

// Show shows the settings in force and their origins.
func Show(out *render.Printer, source *Source) error {
	settings := make(Settings, len(source.Settings))
	for i, setting := range source.Settings {
		settings[i] = setting.redacted()
	}
	if out.Options.Output == FormatYAML {
		text, err := settings.file()
		if err != nil {
			return err
		}
		return out.Print(text)
	}
	return out.Show(table(shown{source.Path, settings}, settings))
}

func table(document any, settings Settings) render.View {
	view := render.View{Document: document, Columns: render.Columns("NAME", "VALUE", "FROM")}
	for _, setting := range settings {
		view.Add(setting, render.Text(setting.Name), render.Maybe(setting.Value), render.Text(setting.Origin))
	}
	return view
}

// redacted is the setting as it may be shown. Keys and secrets are in files of their own, so that only a URL can have one.
func (s Setting) redacted() Setting {
	if address, err := url.Parse(s.Value); err == nil && address.User != nil {
		s.Value = address.Redacted()
	}
	return s
}

// file is a file with the settings that have a value, and where each is from.
func (s Settings) file() (string, error) {
	root := &yaml.Node{Kind: yaml.MappingNode}
	for _, setting := range s {
		if setting.Value == "" {
			continue
		}
		name, value := &yaml.Node{Kind: yaml.ScalarNode, Value: setting.Name}, new(yaml.Node)
		if err := value.Encode(setting.plain()); err != nil {
			return "", err
		}
		value.Style, value.LineComment = yaml.FlowStyle, setting.Origin
		root.Content = append(root.Content, name, value)
	}
	var text strings.Builder
	encoder := yaml.NewEncoder(&text)
	err := encoder.Encode(root)
	return text.String(), err
}

// plain is the value as YAML has it.
func (s *Setting) plain() any {
	switch s.field.Kind().String() {
	case "bool", "int32", "uint64":
		var value any
		_ = yaml.Unmarshal([]byte(s.Value), &value) // its flag has read it
		return value
	}
	if s.field.IsList() {
		return s.List
	}
	return s.Value
}
