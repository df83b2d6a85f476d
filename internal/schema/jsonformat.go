package schema

import (
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
)

// fullJSON reports whether the schema promises a JSON format for a message or enum: proto3 does, proto2 does not, and
// in editions the feature json_format decides, set there or on something around it. Where none is promised, programs may write
// JSON all the same, but not all of them the same.
func fullJSON(descriptor protoreflect.Descriptor) bool {
	switch descriptor.ParentFile().Syntax() {
	case protoreflect.Proto2:
		return false
	case protoreflect.Proto3:
		return true
	default:
	}
	for d := descriptor; d != nil; d = d.Parent() {
		if format := features(d).GetJsonFormat(); format != descriptorpb.FeatureSet_JSON_FORMAT_UNKNOWN {
			return format == descriptorpb.FeatureSet_ALLOW
		}
	}
	return true
}

// features are what an edition's author set on this descriptor itself, nil if nothing. Others than these three cannot say
// anything about JSON.
func features(descriptor protoreflect.Descriptor) *descriptorpb.FeatureSet {
	switch options := descriptor.Options().(type) {
	case *descriptorpb.FileOptions:
		return options.GetFeatures()
	case *descriptorpb.MessageOptions:
		return options.GetFeatures()
	case *descriptorpb.EnumOptions:
		return options.GetFeatures()
	default:
		return nil
	}
}
