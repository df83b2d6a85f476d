package main

import (
	"context"

	"connectrpc.com/connect/v2"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/collectiverpc/collective/dispatcher"
	"github.com/collectiverpc/collective/internal/schematest"
)

// registerNotes serves a service whose messages are extended, by its descriptor alone: it answers a note as it came.
func registerNotes(ctx context.Context, d *dispatcher.Dispatcher) error {
	texts, err := schematest.Texts("extensions")
	if err != nil {
		return err
	}
	files, err := schematest.Files(ctx, texts, "notes.proto")
	if err != nil {
		return err
	}
	built, err := protodesc.NewFiles(&descriptorpb.FileDescriptorSet{File: files})
	if err != nil {
		return err
	}
	file, err := built.FindFileByPath("notes.proto")
	if err != nil {
		return err
	}
	return d.RegisterDynamic(namespace, file.Services().ByName("Notes"), func(_ context.Context, spec connect.Spec, stream connect.ServerStream) error {
		method, _ := spec.Schema.(protoreflect.MethodDescriptor)
		note := dynamicpb.NewMessage(method.Input())
		if err := stream.Receive(note); err != nil {
			return err
		}
		return stream.Send(note)
	})
}
