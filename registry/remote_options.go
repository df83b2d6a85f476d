package registry

import (
	"log/slog"
	"time"
)

// refusalTTL bounds how long a refusal is believed, so that a method can be called soon after it was registered.
const refusalTTL = time.Second

// retryAfter is how long a registry that could not be asked is left alone: one that hangs would hold up every call.
const retryAfter = time.Second

// RemoteOption changes a default of [NewGRPCRegistryValidator].
type RemoteOption interface{ applyRemote(*remoteOptions) }

// remoteOptions are those of a validator with all defaults filled in.
type remoteOptions struct {
	ttl, timeout time.Duration
	failOpen     bool         // calls pass while the registry cannot be asked
	logger       *slog.Logger // never nil
}

// remoteDefaults are those that the options name.
func remoteDefaults() remoteOptions {
	return remoteOptions{ttl: 10 * time.Second, timeout: 2 * time.Second, logger: slog.Default()}
}

type remoteOptionFunc func(*remoteOptions)

func (f remoteOptionFunc) applyRemote(o *remoteOptions) { f(o) }

// WithCacheTTL bounds how long an answer is believed; a refusal is believed for a second at most. Default: 10 s.
func WithCacheTTL(ttl time.Duration) RemoteOption {
	return remoteOptionFunc(func(o *remoteOptions) { o.ttl = ttl })
}

// WithAskTimeout bounds how long a call waits for the registry. Default: 2 s.
func WithAskTimeout(timeout time.Duration) RemoteOption {
	return remoteOptionFunc(func(o *remoteOptions) { o.timeout = timeout })
}

// WithFailOpen lets calls pass unchecked while the registry cannot be asked. Default: they are refused.
func WithFailOpen() RemoteOption {
	return remoteOptionFunc(func(o *remoteOptions) { o.failOpen = true })
}

// WithRemoteLogger logs when the registry stops answering and when it answers again. Default: slog.Default.
func WithRemoteLogger(logger *slog.Logger) RemoteOption {
	return remoteOptionFunc(func(o *remoteOptions) { o.logger = logger })
}
