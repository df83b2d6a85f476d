package main

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"connectrpc.com/connect/v2"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
)

// A catalog of 10 000 methods. A peer of the library takes minutes to register 100 000: that wants one that writes catalogs
// itself.
const (
	bigServices = 20
	bigMethods  = 500
)

// smaller marks figures of a catalog that is smaller than what the bounds are about.
const smaller = "/10000_methods"

// catalogs is by how much calls of others are slower while a peer announces its methods again and again, and how much
// memory that takes.
func catalogs(s *Stage) ([]Figure, error) {
	a, err := s.serve("--id", "a", "--listen", "127.0.0.1:0", "--db", "memory", "--example", "users", "--ns", "orders")
	if err != nil {
		return nil, err
	}
	span := 10 * time.Second
	if s.Short {
		span = 4 * time.Second
	}
	peer, err := newStranger("loud", nil)
	if err != nil {
		return nil, err
	}
	defer peer.leave()
	services, err := bigSchema()
	if err != nil {
		return nil, err
	}
	nothing := func(context.Context, connect.Spec, connect.ServerStream) error { return nil }
	for i := range services.Len() {
		if err := peer.RegisterDynamic("orders", services.Get(i), nothing); err != nil {
			return nil, err
		}
	}
	// The same work as the attack's, but nobody is linked: what the machine alone costs.
	control := latencies(s, a, peer, services, nothing, span)
	before := a.memory("VmRSS")
	if err := peer.link(s.ctx, a); err != nil {
		return nil, fmt.Errorf("linking: %w", err)
	}
	attacked := latencies(s, a, peer, services, nothing, span)
	fmt.Fprintf(s.out, "# p99 %v in %d calls, without the link %v in %d\n", p99(attacked), len(attacked), p99(control), len(control))
	ratio := Figure{Name: "catalog_p99_ratio" + smaller, Value: float64(p99(attacked)) / float64(max(p99(control), time.Microsecond)), Unit: "ratio"}
	if p99(control) > 100*time.Millisecond {
		ratio.Busy = fmt.Sprintf("p99 of the control is %v", p99(control))
	}
	return []Figure{ratio, {Name: "catalog_rss" + smaller, Value: float64(a.memory("VmHWM") - before), Unit: "bytes"}},
		fmt.Errorf("%w: not with 100 000 methods, which the library takes minutes to register", errNotRun)
}

// latencies are those of calls to a target while the catalog of a peer changes without end.
func latencies(
	s *Stage, a *Target, peer *stranger, services protoreflect.ServiceDescriptors, serve connect.ServerFunc, span time.Duration,
) (took []time.Duration) {
	ctx, stop := context.WithTimeout(s.ctx, span)
	defer stop()
	var loud sync.WaitGroup
	loud.Go(func() {
		last := services.Get(services.Len() - 1)
		for ctx.Err() == nil {
			peer.Unregister("orders", string(last.FullName()))
			_ = peer.RegisterDynamic("orders", last, serve)
			select {
			case <-ctx.Done():
			case <-time.After(100 * time.Millisecond):
			}
		}
	})
	for ctx.Err() == nil {
		began := time.Now()
		if callOnce(s.ctx, a, patience) == nil {
			took = append(took, time.Since(began))
		}
	}
	loud.Wait()
	return took
}

func p99(took []time.Duration) time.Duration {
	if len(took) == 0 {
		return patience
	}
	slices.Sort(took)
	return took[len(took)*99/100]
}

// bigSchema has the services of the catalog.
func bigSchema() (protoreflect.ServiceDescriptors, error) {
	file := &descriptorpb.FileDescriptorProto{
		Name: proto.String("big.proto"), Package: proto.String("big.v1"), Syntax: proto.String("proto3"),
		MessageType: []*descriptorpb.DescriptorProto{{Name: proto.String("Nothing")}},
	}
	for i := range bigServices {
		service := &descriptorpb.ServiceDescriptorProto{Name: proto.String(fmt.Sprintf("Service%d", i))}
		for j := range bigMethods {
			service.Method = append(service.Method, &descriptorpb.MethodDescriptorProto{
				Name: proto.String(fmt.Sprintf("Method%d", j)), InputType: proto.String(".big.v1.Nothing"), OutputType: proto.String(".big.v1.Nothing"),
			})
		}
		file.Service = append(file.Service, service)
	}
	built, err := protodesc.NewFile(file, nil)
	if err != nil {
		return nil, err
	}
	return built.Services(), nil
}
