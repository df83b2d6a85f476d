package descriptorset

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"strings"

	"connectrpc.com/connect/v2"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"

	meshv1 "github.com/collectiverpc/collective/gen/collector/mesh/v1"
	"github.com/collectiverpc/collective/internal/descriptor"
)

// maxAnyMessage is the largest message that clients of any kind take unless they are told otherwise.
const maxAnyMessage = 4 << 20

// PageBytes is how much of a set of files goes into one answer, with room for what is around it, where messages have at
// most messageBytes.
func PageBytes(messageBytes int) int { return min(messageBytes, maxAnyMessage) / 4 * 3 }

// Page answers a page of files that are in order, of at most so many bytes: all of them where they fit.
// A file that has no room by itself is answered without its comments.
//
// A page token names the content that it is of, so that a client never puts pages of two contents together: when schemas
// change between them, the next page is aborted and the client begins again. The whole set is encoded for each page, which
// only people and tools ask for.
func Page(
	files []protoreflect.FileDescriptor, sources *descriptor.Sources, pageToken string, most int,
) (*meshv1.GetDescriptorSetResponse, error) {
	set := new(descriptorpb.FileDescriptorSet)
	for _, file := range files {
		set.File = append(set.File, descriptor.OnlyComments(sources.Proto(file)))
	}
	encoded, err := proto.MarshalOptions{Deterministic: true}.Marshal(set)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(encoded)
	hash := hex.EncodeToString(sum[:])
	start, err := pageStart(pageToken, hash, len(set.File))
	if err != nil {
		return nil, err
	}
	page, next := filePage(set.File, start, most)
	res := &meshv1.GetDescriptorSetResponse{FileDescriptorSet: page, ContentHash: hash}
	if next < len(set.File) {
		res.NextPageToken = hash + "/" + strconv.Itoa(next)
	}
	return res, nil
}

// pageStart is the first file of a page.
// A token that nobody made is a mistake of the caller's; one of other content is not.
func pageStart(token, hash string, files int) (int, error) {
	if token == "" {
		return 0, nil
	}
	of, index, _ := strings.Cut(token, "/")
	start, err := strconv.Atoi(index)
	switch {
	case err != nil || start < 0:
		return 0, connect.Errorf(connect.CodeInvalidArgument, "page_token %.100q is none of an answer: begin again without it", token)
	case of != hash || start >= files:
		return 0, connect.NewError(connect.CodeAborted, "the schemas are others than those of the page before: begin again without page_token")
	}
	return start, nil
}

// filePage takes files from start on, one at least: a page that has none would never end.
func filePage(files []*descriptorpb.FileDescriptorProto, start, most int) (page *descriptorpb.FileDescriptorSet, next int) {
	page = new(descriptorpb.FileDescriptorSet)
	size := 0
	for next = start; next < len(files); next++ {
		file := files[next]
		if proto.Size(file) > most {
			file = descriptor.WithoutComments(file)
		}
		if size += proto.Size(file); size > most && next > start {
			break
		}
		page.File = append(page.File, file)
	}
	return page, next
}
