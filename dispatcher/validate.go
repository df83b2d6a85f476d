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
// Its methods must be safe for concurrent use and quick.
//
// A validator may have more: ValidateInput(ctx, namespace, serviceName, methodName, messageType string) error is asked
// next about the message that the handler takes, or of an untyped handler about the one that came; AddService(namespace string, sd protoreflect.ServiceDescriptor) error and
// RemoveService(namespace, fullName string) hear of every service that is registered with a descriptor; RegisterHandler(*connect.Server)
// puts its own services on the collector's port; and LimitTexts() map[string]string is what MeshService.GetStatus answers
// beside the limits of the collector.
type RegistryValidator interface {
	// ValidateServiceMethod says whether a method may be called: nil, or why not. The code of a *connect.Error is kept;
	// any other error, but for the end of the context, is answered as not_found.
	ValidateServiceMethod(ctx context.Context, namespace, serviceName, methodName string) error
}

type inputValidator interface {
	ValidateInput(ctx context.Context, namespace, serviceName, methodName, messageType string) error
}

type serviceListener interface {
	AddService(namespace string, sd protoreflect.ServiceDescriptor) error
	RemoveService(namespace, fullName string)
}

type handlerRegisterer interface {
	RegisterHandler(server *connect.Server)
}

type limitTeller interface {
	LimitTexts() map[string]string
}

// validator boxes a RegistryValidator with what else it can do, so that it can be swapped in one step.
type validator struct {
	RegistryValidator
	input    inputValidator  // nil if it does not validate inputs
	services serviceListener // nil if it does not listen
	handler  handlerRegisterer
	limits   limitTeller
}

func newValidator(v RegistryValidator) *validator {
	if v == nil {
		return nil
	}
	box := &validator{RegistryValidator: v}
	box.input, _ = v.(inputValidator)
	box.services, _ = v.(serviceListener)
	box.handler, _ = v.(handlerRegisterer)
	box.limits, _ = v.(limitTeller)
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
	if err := asked.ValidateServiceMethod(ctx, m.Namespace, m.Service, m.Name); err != nil {
		return notRegistered(err, connect.CodeNotFound, mesh.ReasonNotRegistered)
	}
	if m.Schema == nil {
		return nil
	}
	return asked.validateInput(ctx, m.Namespace, m.Spec.Procedure, m.Input)
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
