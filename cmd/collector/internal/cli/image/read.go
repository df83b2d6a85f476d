package image

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/collectiverpc/collective/cmd/collector/internal/cli/failure"
	"github.com/collectiverpc/collective/cmd/collector/internal/cli/terminal"
)

// Read reads an image from a file, or from stdin for a path of -. That of a .proto file it makes; see [Compile] for roots.
func Read(ctx context.Context, in terminal.Streams, path string, roots []string) (*Image, error) {
	if filepath.Ext(path) == ".proto" {
		return Compile(ctx, path, roots)
	}
	if len(roots) > 0 {
		return nil, failure.Usagef("%s is an image, which has its imports: --proto-path is for .proto files", path)
	}
	if path == "-" {
		data, err := in.ReadStdin("FILE -", "buf build -o - | collector services register - --ns NAMESPACE")
		if err != nil {
			return nil, err
		}
		return parse("stdin", data)
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, failure.Usagef("%v", err)
	}
	defer file.Close()
	data, err := io.ReadAll(io.LimitReader(file, terminal.MaxInput+1))
	if err != nil {
		return nil, failure.Usagef("%v", err)
	}
	if len(data) > terminal.MaxInput {
		return nil, failure.Usagef("%s is larger than 64 MiB", path)
	}
	return parse(path, data)
}

func parse(path string, data []byte) (*Image, error) {
	set := new(descriptorpb.FileDescriptorSet) // a buf image has more fields, which are of no interest here
	decode := func() error { return proto.Unmarshal(data, set) }
	if filepath.Ext(path) == ".json" || path == "stdin" && bytes.HasPrefix(bytes.TrimSpace(data), []byte("{")) {
		decode = func() error { return protojson.UnmarshalOptions{DiscardUnknown: true}.Unmarshal(data, set) }
	}
	if err := decode(); err != nil || len(set.GetFile()) == 0 {
		return nil, failure.Usagef("%s is neither a .proto file nor an image of some", path).Hint("buf build -o image.binpb", "buf build -o image.json")
	}
	return newImage(set), nil
}
