package host

import (
	"errors"
	"fmt"
	"strings"
)

// RefusedError is a configuration that will not be run, with what to do instead.
type RefusedError struct {
	What string
	Hint []string
}

func (e *RefusedError) Error() string { return e.What }

func refusedf(format string, args ...any) *RefusedError {
	return &RefusedError{What: fmt.Sprintf(format, args...)}
}

// asRefused makes a refusal of an error that is about the configuration.
func asRefused(err error) error {
	if err == nil {
		return nil
	}
	return &RefusedError{What: strings.ReplaceAll(err.Error(), "\n", "; ")}
}

// IsRefused returns the refusal in an error's chain.
func IsRefused(err error) (*RefusedError, bool) { return errors.AsType[*RefusedError](err) }
