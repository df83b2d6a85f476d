package contexts

import (
	"encoding/json"
	"maps"
	"path/filepath"

	"github.com/collectiverpc/collective/cmd/collector/internal/cli/failure"
	"github.com/collectiverpc/collective/cmd/collector/internal/cli/remote"
)

// Context is a named collector. The keys are the names of the flags that it gives a value.
type Context map[string]values

// flags are those that a context may hold.
var flags = []string{serverFlag, "protocol", "cacert", "cert", "key", "token-file", "api-key-file", "insecure", "timeout", HeaderFlag}

const serverFlag = "server"

// secretFlags name files with secrets. The server, which comes first in flags, is set before them.
var secretFlags = []string{"token-file", "api-key-file"}

// HeaderFlag is the flag that has many values.
const HeaderFlag = "header"

// values are the values of a flag: one but for headers.
type values []string

// MarshalJSON writes a single value as what it is.
func (v values) MarshalJSON() ([]byte, error) {
	if len(v) == 1 {
		return json.Marshal(v[0])
	}
	return json.Marshal([]string(v))
}

// UnmarshalJSON reads a value or a list of them.
func (v *values) UnmarshalJSON(data []byte) error {
	var one string
	if json.Unmarshal(data, &one) == nil {
		*v = values{one}
		return nil
	}
	return json.Unmarshal(data, (*[]string)(v))
}

// First is the value of a flag that has one; empty if it is not saved.
func (c Context) First(flag string) string {
	if values := c[flag]; len(values) > 0 {
		return values[0]
	}
	return ""
}

// Shown is the context without the values of headers, which may be secret.
func (c Context) Shown() Context {
	shown := maps.Clone(c)
	if headers, ok := c[HeaderFlag]; ok {
		shown[HeaderFlag] = nil
		for _, header := range headers {
			shown[HeaderFlag] = append(shown[HeaderFlag], remote.HeaderName(header)+": (hidden)")
		}
	}
	return shown
}

// absolute makes files be found from any directory.
func (c Context) absolute() error {
	for _, flag := range []string{"cacert", "cert", "key", "token-file", "api-key-file"} {
		for i, path := range c[flag] {
			absolute, err := filepath.Abs(path)
			if err != nil {
				return failure.Newf("--%s: %v", flag, err)
			}
			c[flag][i] = absolute
		}
	}
	return nil
}
