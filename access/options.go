package access

import (
	"log/slog"
	"time"
)

// Option configures a [Guard].
type Option func(*options)

type options struct {
	authenticators []Authenticator
	source         source
	anonymous      bool
	log            *slog.Logger
	audits         []func(Event)
	now            func() time.Time
}

// source is where the policies come from: nothing, a text, or a file.
type source struct {
	name string
	text []byte
	path string
}

func defaults() options {
	return options{log: slog.Default(), now: time.Now}
}

// WithAuthenticator adds authenticators, which are asked in order. Default: none, and every caller is [Nobody].
func WithAuthenticator(authenticators ...Authenticator) Option {
	return func(o *options) { o.authenticators = append(o.authenticators, authenticators...) }
}

// WithPolicies puts policies in the place of [DefaultPolicy]; name is what messages call them. Default: DefaultPolicy.
func WithPolicies(name string, cedar []byte) Option {
	return func(o *options) { o.source = source{name: name, text: cedar} }
}

// WithPolicyFile is [WithPolicies] with what a file has. A collector that is given the guard follows the file, from
// dispatcher.New to its Shutdown; whoever uses the guard without one calls [Guard.Reload]. An empty path is no file.
func WithPolicyFile(path string) Option {
	return func(o *options) {
		if path != "" {
			o.source = source{name: path, path: path}
		}
	}
}

// WithAnonymous lets anonymous callers call and describe from everywhere, besides what the policies permit. Default: what the
// policies permit.
func WithAnonymous() Option { return func(o *options) { o.anonymous = true } }

// WithLogger gets what goes wrong with policies and with what is read again. Default: slog.Default().
func WithLogger(log *slog.Logger) Option {
	return func(o *options) {
		if log != nil {
			o.log = log
		}
	}
}

// WithAudit gets the events that are to be audited. It is called by the goroutines of calls and must not block. Default:
// nobody.
func WithAudit(audit func(Event)) Option {
	return func(o *options) {
		if audit != nil {
			o.audits = append(o.audits, audit)
		}
	}
}

// WithClock is the time by which rates are counted and events are dated, for tests. Default: time.Now.
func WithClock(now func() time.Time) Option {
	return func(o *options) {
		if now != nil {
			o.now = now
		}
	}
}
