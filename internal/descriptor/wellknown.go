package descriptor

import (
	"sync"

	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/gofeaturespb"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/apipb"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/fieldmaskpb"
	"google.golang.org/protobuf/types/known/sourcecontextpb"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/timestamppb"
	"google.golang.org/protobuf/types/known/typepb"
	"google.golang.org/protobuf/types/known/wrapperspb"
	"google.golang.org/protobuf/types/pluginpb"
)

// wellKnownPackage and what is below it belongs to protobuf itself.
const wellKnownPackage = "google.protobuf"

// WellKnown reports whether the file of a path is part of protobuf itself, so that everybody has it.
func WellKnown(path string) bool { return wellKnownPaths()[path] }

// wellKnownPaths are the paths of wellKnownFiles, computed once and never written to.
var wellKnownPaths = sync.OnceValue(func() map[string]bool {
	known := make(map[string]bool)
	for _, fd := range wellKnownFiles() {
		known[fd.Path()] = true
	}
	return known
})

// wellKnownFiles are known in every namespace, dependencies first. They are this program's own: a copy that comes with
// a request is not looked at.
func wellKnownFiles() []protoreflect.FileDescriptor {
	return []protoreflect.FileDescriptor{
		anypb.File_google_protobuf_any_proto,
		descriptorpb.File_google_protobuf_descriptor_proto,
		durationpb.File_google_protobuf_duration_proto,
		emptypb.File_google_protobuf_empty_proto,
		fieldmaskpb.File_google_protobuf_field_mask_proto,
		sourcecontextpb.File_google_protobuf_source_context_proto,
		structpb.File_google_protobuf_struct_proto,
		timestamppb.File_google_protobuf_timestamp_proto,
		typepb.File_google_protobuf_type_proto,
		apipb.File_google_protobuf_api_proto,
		wrapperspb.File_google_protobuf_wrappers_proto,
		pluginpb.File_google_protobuf_compiler_plugin_proto,
		gofeaturespb.File_google_protobuf_go_features_proto,
	}
}
