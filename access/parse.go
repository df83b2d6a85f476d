package access

import (
	"errors"
	"fmt"
	"strings"

	"github.com/collectiverpc/collective/internal/name"
)

const (
	maxCallerText = 4 << 10 // bytes of the text of a caller
	textFields    = 6       // version, kind, id, network, TLS, entrance; groups follow
)

// ErrCallerText is in the chain of every refusal of the text of a caller.
var ErrCallerText = errors.New("invalid caller")

// ParseCaller reads the text of a caller that a proven peer sent; via is the id of that peer. The text of a peer that is not
// proven is not to be read. It accepts only what [Caller.Text] writes, and refuses with [ErrCallerText].
func ParseCaller(text, via string) (*Caller, error) {
	if len(text) > maxCallerText {
		return nil, fmt.Errorf("%w: %d bytes, more than %d", ErrCallerText, len(text), maxCallerText)
	}
	if err := name.CheckCollectorID(via); err != nil {
		return nil, fmt.Errorf("%w: brought by nobody: %w", ErrCallerText, err)
	}
	fields := strings.Split(text, "\n")
	if len(fields) < textFields || fields[0] != textVersion {
		return nil, fmt.Errorf("%w: %.80q is not of version %s: both collectors have to run versions that know each other",
			ErrCallerText, text, textVersion)
	}
	p := &Principal{Kind: Kind(fields[1]), ID: fields[2], Groups: fields[textFields:]}
	if err := p.Check(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCallerText, err)
	}
	return canonical(NewCaller(p, Origin{Network: fields[3], TLS: fields[4] == "tls", Entrance: fields[5], Via: via}), text)
}

// canonical refuses a text that is not what its caller would write: one meaning has one text.
func canonical(c *Caller, text string) (*Caller, error) {
	if c.text != text {
		return nil, fmt.Errorf("%w: %.200q is not in its canonical form", ErrCallerText, text)
	}
	return c, nil
}
