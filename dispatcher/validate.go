package dispatcher

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync/atomic"

	"connectrpc.com/connect/v2"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/collectiverpc/collective/dispatcher/internal/hosted"
	"github.com/collectiverpc/collective/dispatcher/internal/payload"
	"github.com/collectiverpc/collective/dispatcher/internal/refusal"
	"github.com/collectiverpc/collective/internal/name"
	"github.com/collectiverpc/collective/mesh"
)

// RegistryValidator says which methods may be called. It is asked before every call that runs on this collector,
// wherever the call came in; an error refuses the call, and its text reaches the caller. Services are named in full.
// Its methods, and those of the interfaces below, must be safe for concurrent use and quick.
//
// A validator may do more, and the collector uses what it finds: an [InputValidator] judges the message too, a [CallValidator]
// answers both questions at once, a [ServiceListener] hears of what is registered here, a [HandlerRegisterer] brings
// services of its own, and a [LimitTeller] tells its limits. The registry of package registry does all of it.
type RegistryValidator interface {
	// ValidateServiceMethod says whether a method may be called: nil, or why not. The code of a *connect.Error is kept;
	// any other error, but for the end of the context, is answered as not_found. The reason of the failure is
	// [mesh.ReasonNotRegistered], or [mesh.ReasonUnreachable] where the code is unavailable.
	ValidateServiceMethod(ctx context.Context, namespace, serviceName, methodName string) error
}

// InputValidator is a [RegistryValidator] that judges the type of the request message too. It is asked after
// ValidateServiceMethod has let the method pass.
type InputValidator interface {
	// ValidateInput says whether a method takes a message of that type, given by its full name: nil, or why not. For a
	// typed handler it is the type that the handler takes, for an untyped one the type of the message that came, and
	// such a call without a message is not asked about. The code of a *connect.Error is kept; any other error, but for
	// the end of the context, is answered as invalid_argument. The reason of the failure is [mesh.ReasonInputType], or
	// [mesh.ReasonUnreachable] where the code is unavailable.
	ValidateInput(ctx context.Context, namespace, serviceName, methodName, messageType string) error
}

// CallValidator is a [RegistryValidator] that answers at once whether a method may be called and takes a message of that type.
// It is asked about every call of a typed handler, in place of the two questions.
type CallValidator interface {
	// ValidateCall is nil exactly where ValidateServiceMethod and, if there is one, ValidateInput are; an error refuses the
	// call. ValidateServiceMethod is asked then, for the reason: where it has nothing to say, the error is about the
	// message, and is taken as one of ValidateInput.
	ValidateCall(ctx context.Context, namespace, serviceName, methodName, messageType string) error
}

// ServiceListener is a [RegistryValidator] that hears of every service that is registered here with a descriptor: of those
// that are there when it is set, and then of each that comes and goes. Collectors tell it of one change at a time.
type ServiceListener interface {
	// AddService says that a namespace has a service from now on, before the first call of it. An error refuses the
	// registration, or the validator where the service was there before it. It may come again for a service that has
	// more methods now.
	AddService(namespace string, sd protoreflect.ServiceDescriptor) error
	// RemoveService says that the last method of a service is gone, by its full name.
	RemoveService(namespace, fullName string)
}

// HandlerRegisterer is a [RegistryValidator] with services of its own, such as CollectorRegistry. They are served on the
// collector's port, beside its own.
type HandlerRegisterer interface {
	// RegisterHandler registers the services. A panic, as of two services with one name, becomes the error of whoever set
	// the validator.
	RegisterHandler(server *connect.Server)
}

// LimitTeller is a [RegistryValidator] with limits.
type LimitTeller interface {
	// LimitTexts is every limit in force by name, with its unit. [Dispatcher.Posture] and MeshService.GetStatus have them
	// beside the limits of the collector. The map is not changed.
	LimitTexts() map[string]string
}

// validator boxes a RegistryValidator with what else it can do, so that it can be swapped in one step.
type validator struct {
	RegistryValidator
	// Each is nil where the validator cannot do it.
	input    InputValidator
	call     CallValidator
	services ServiceListener
	handler  HandlerRegisterer
	limits   LimitTeller
}

func newValidator(v RegistryValidator) *validator {
	if v == nil {
		return nil
	}
	box := &validator{RegistryValidator: v}
	box.input, _ = v.(InputValidator)
	box.call, _ = v.(CallValidator)
	box.services, _ = v.(ServiceListener)
	box.handler, _ = v.(HandlerRegisterer)
	box.limits, _ = v.(LimitTeller)
	return box
}

// validation asks the registry of the moment.
type validation struct{ current atomic.Pointer[validator] }

// validate asks about a call that is about to run. What an untyped method gets is asked about when it is there.
func (v *validation) validate(ctx context.Context, m *hosted.Method) *refusal.Refusal {
	asked := v.current.Load()
	if asked == nil {
		return nil
	}
	if m.Schema != nil && asked.call != nil {
		return asked.validateCall(ctx, m)
	}
	if r := asked.validateMethod(ctx, m); r != nil || m.Schema == nil {
		return r
	}
	return asked.validateInput(ctx, m.Namespace, m.Spec.Procedure, m.Input)
}

// validateCall is validateMethod and validateInput in one question. A refusal costs the second one, which says what it is about.
func (v *validator) validateCall(ctx context.Context, m *hosted.Method) *refusal.Refusal {
	err := v.call.ValidateCall(ctx, m.Namespace, m.Service, m.Name, m.Input)
	if err == nil {
		return nil
	}
	if r := v.validateMethod(ctx, m); r != nil {
		return r
	}
	return notRegistered(err, connect.CodeInvalidArgument, mesh.ReasonInputType)
}

func (v *validator) validateMethod(ctx context.Context, m *hosted.Method) *refusal.Refusal {
	err := v.ValidateServiceMethod(ctx, m.Namespace, m.Service, m.Name)
	return notRegistered(err, connect.CodeNotFound, mesh.ReasonNotRegistered)
}

// validateUntyped asks about the message that came for an untyped method. A call without one is not asked about.
func (v *validation) validateUntyped(ctx context.Context, namespace, procedure string, in *anypb.Any) *refusal.Refusal {
	asked := v.current.Load()
	if asked == nil {
		return nil
	}
	has, r := payload.MessageName(in)
	if r != nil || has == "" {
		return r
	}
	return asked.validateInput(ctx, namespace, procedure, has)
}

func (v *validator) validateInput(ctx context.Context, namespace, procedure, messageType string) *refusal.Refusal {
	if v.input == nil {
		return nil
	}
	service, methodName, err := name.SplitProcedure(procedure)
	if err == nil {
		err = v.input.ValidateInput(ctx, namespace, service, methodName, messageType)
	}
	return notRegistered(err, connect.CodeInvalidArgument, mesh.ReasonInputType)
}

// notRegistered makes the refusal of a validator's error. A Connect error keeps its code, so that a registry that
// cannot be reached is not taken for one that does not know the method; nor is a call whose time is over.
func notRegistered(err error, code connect.Code, reason mesh.Reason) *refusal.Refusal {
	if err == nil {
		return nil
	}
	r := refusal.New(code, reason, err.Error())
	coded, ok := errors.AsType[*connect.Error](err)
	switch {
	case ok && coded != nil:
		r.Code, r.Message = coded.Code(), coded.Message()
		if coded.Code() == connect.CodeUnavailable {
			r.Reason = mesh.ReasonUnreachable
		}
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return refusal.TimeOver(err, false)
	}
	r.Cause = err
	return r
}

// tell gives every service of a snapshot to the validator.
func (v *validator) tell(s *hosted.Snapshot) error {
	for namespace, methods := range s.Methods {
		for _, service := range hosted.ServicesOf(slices.Collect(maps.Values(methods))) {
			if err := v.services.AddService(namespace, service); err != nil {
				return err
			}
		}
	}
	return nil
}
