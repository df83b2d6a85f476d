package ruleset

import (
	_ "embed" // the files beside this one
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	cedar "github.com/cedar-policy/cedar-go"
	"github.com/cedar-policy/cedar-go/x/exp/schema"
	"github.com/cedar-policy/cedar-go/x/exp/schema/resolved"
	"github.com/cedar-policy/cedar-go/x/exp/schema/validate"
)

// The texts of the package, as they are shown to people.
var (
	//go:embed schema.cedarschema
	Schema string
	//go:embed default.cedar
	Default string
	//go:embed floor.cedar
	Floor string
	//go:embed anonymous.cedar
	Anonymous string
)

// newChecker reads the schema that policies are checked against, once. It is part of the program: that it cannot be read is a bug.
var newChecker = sync.OnceValues(func() (*checker, error) {
	var read schema.Schema
	read.SetFilename("schema.cedarschema")
	if err := read.UnmarshalCedar([]byte(Schema)); err != nil {
		return nil, err
	}
	ready, err := read.Resolve()
	if err != nil {
		return nil, err
	}
	return &checker{Validator: validate.New(ready), schema: ready}, nil
})

// checker is a validator, and what it knows.
type checker struct {
	*validate.Validator
	schema *resolved.Schema
}

// inapplicable is the message that follows from every other about a scope.
const inapplicable = "unable to find an applicable action given the policy scope constraints"

// hint says what is known in place of what is not.
func (c *checker) hint(message string) string {
	switch {
	case strings.Contains(message, "unrecognized action"):
		return "actions are " + words(maps.Keys(c.schema.Actions))
	case strings.Contains(message, "unrecognized entity type"):
		return "types are " + words(maps.Keys(c.schema.Entities))
	case strings.Contains(message, "attribute"):
		return "context has network, tls, entrance and via; a principal id; a resource namespace, service and method"
	case strings.Contains(message, inapplicable):
		return "no principal of this kind can ask this of such a resource"
	default:
		return ""
	}
}

// words lists what a schema has by name.
func words[K comparable](keys func(yield func(K) bool)) string {
	var names []string
	for key := range keys {
		name := fmt.Sprint(key)
		if uid, ok := any(key).(cedar.EntityUID); ok {
			name = string(uid.ID)
		}
		names = append(names, name)
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}
