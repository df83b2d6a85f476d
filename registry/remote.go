package registry

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"

	"connectrpc.com/connect/v2"

	collector "github.com/collectiverpc/collective/gen/collector"
	"github.com/collectiverpc/collective/gen/collector/collectorconnect"
)

// RemoteValidator asks the registry of another process which methods may be called. It is safe for concurrent use.
//
// Answers are kept for a while. All of them are dropped as soon as any answer shows that the registry has changed, so
// one that is out of date lives no longer than the time set by [WithCacheTTL]. While the registry cannot be asked, it is
// asked once a second, and calls do not wait for it in between.
type RemoteValidator struct {
	client collectorconnect.CollectorRegistryClient
	remoteOptions
	cache  answerCache
	outage atomic.Pointer[outage] // nil if the registry answered the last time; swapped by whichever call finds out
}

// outage is that the registry could not be asked.
type outage struct {
	err   error
	until time.Time // when it is asked again
}

// NewGRPCRegistryValidator makes a validator that asks through client, which may speak gRPC as well as gRPC-Web and
// Connect. By default, it refuses every call with `unavailable` while the registry cannot be asked.
func NewGRPCRegistryValidator(client collectorconnect.CollectorRegistryClient, opts ...RemoteOption) *RemoteValidator {
	v := &RemoteValidator{client: client, remoteOptions: remoteDefaults()}
	for _, opt := range opts {
		opt.applyRemote(&v.remoteOptions)
	}
	v.cache.clear()
	return v
}

// ValidateServiceMethod says whether a method may be called; see [Registry.ValidateServiceMethod].
func (v *RemoteValidator) ValidateServiceMethod(ctx context.Context, namespace, serviceName, methodName string) error {
	held, err := v.ask(ctx, namespace, serviceName, methodName)
	if err != nil {
		return v.unasked(ctx, err)
	}
	return held.err
}

// ValidateInput says whether a method may be called with a message; see [Registry.ValidateInput].
func (v *RemoteValidator) ValidateInput(ctx context.Context, namespace, serviceName, methodName, messageType string) error {
	held, err := v.ask(ctx, namespace, serviceName, methodName)
	if err != nil {
		return v.unasked(ctx, err)
	}
	if held.err != nil {
		return held.err
	}
	return checkInput(held.service, methodName, held.input, messageType)
}

// ValidateCall is ValidateInput: one question, at most, answers both; see [Registry.ValidateCall].
func (v *RemoteValidator) ValidateCall(ctx context.Context, namespace, serviceName, methodName, messageType string) error {
	return v.ValidateInput(ctx, namespace, serviceName, methodName, messageType)
}

// ask answers from the cache, or asks the registry.
func (v *RemoteValidator) ask(ctx context.Context, namespace, service, method string) (*answer, error) {
	if held, ok := v.cache.get(namespace, key{service, method}); ok && time.Now().Before(held.until) {
		return held, nil
	}
	if out := v.outage.Load(); out != nil && time.Now().Before(out.until) {
		return nil, out.err
	}
	asking, cancel := context.WithTimeout(ctx, v.timeout)
	defer cancel()
	res, err := v.client.ValidateMethod(asking, &collector.ValidateMethodRequest{
		Namespace: namespace, ServiceName: service, MethodName: method,
	})
	if err != nil {
		v.noteOutage(ctx, err)
		return nil, err
	}
	if v.outage.Swap(nil) != nil {
		v.logger.Info("registry answers again")
	}
	fresh := v.answerOf(res)
	v.cache.put(res.GetRevision(), namespace, key{service, method}, fresh)
	return fresh, nil
}

// answerOf makes of a response what is kept. Refusals are kept too, but not for long: callers that ask for what is not there
// must not become as many questions.
func (v *RemoteValidator) answerOf(res *collector.ValidateMethodResponse) *answer {
	fresh := &answer{service: res.GetServiceName(), input: res.GetInputType(), until: time.Now().Add(v.ttl)}
	if !res.GetIsValid() {
		code := connect.CodeNotFound
		_ = code.UnmarshalText([]byte(res.GetCode())) // registries of the seed's contract send none
		fresh.err = connect.NewError(code, res.GetMessage()).WithCause(causeOf(code))
		fresh.until = time.Now().Add(min(v.ttl, refusalTTL))
	}
	return fresh
}

// causeOf is the error of this package that a refusal of another registry stands for.
func causeOf(code connect.Code) error {
	if code == connect.CodeFailedPrecondition {
		return ErrAmbiguous
	}
	return ErrNotRegistered
}

// unasked decides about a call while the registry cannot be asked.
func (v *RemoteValidator) unasked(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if v.failOpen {
		return nil
	}
	return connect.NewError(connect.CodeUnavailable, "the registry cannot be asked whether the method may be called").WithCause(err)
}

// noteOutage remembers that the registry could not be asked, unless the caller gave up, which says nothing about it.
func (v *RemoteValidator) noteOutage(ctx context.Context, err error) {
	if ctx.Err() != nil {
		return
	}
	if v.outage.Swap(&outage{err: err, until: time.Now().Add(retryAfter)}) == nil {
		v.logger.Warn("registry cannot be asked", slog.Any("error", err), slog.Bool("calls_pass", v.failOpen))
	}
}
