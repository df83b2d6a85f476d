package main

import (
	"context"

	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/collectiverpc/collective/web"
)

// schemas are the requests of the wide service elsewhere: one that k can live with, and one that it cannot.
var schemas = map[string]func(*descriptorpb.DescriptorProto){
	"newer": func(request *descriptorpb.DescriptorProto) {
		request.Field = append(request.Field, field("more", wideFields+1, descriptorpb.FieldDescriptorProto_TYPE_STRING))
	},
	"stranger": func(request *descriptorpb.DescriptorProto) {
		request.Field[0].Type = descriptorpb.FieldDescriptorProto_TYPE_INT64.Enum()
	},
}

// differ gives k neighbours that have other schemas of the wide service.
func (k *rig) differ(ctx context.Context) error {
	for id, edit := range schemas {
		peer, err := newCollector(ctx, id, "127.0.0.1:0", web.Full)
		if err != nil {
			return err
		}
		if err := registerWide(peer.Dispatcher, edit); err != nil {
			return err
		}
		if _, err := k.ConnectTo(ctx, peer.address, nil); err != nil {
			return err
		}
	}
	return nil
}
