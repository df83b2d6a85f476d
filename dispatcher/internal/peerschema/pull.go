package peerschema

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"connectrpc.com/connect/v2"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/collectiverpc/collective/conn"
	meshv1 "github.com/collectiverpc/collective/gen/collector/mesh/v1"
	"github.com/collectiverpc/collective/gen/collector/mesh/v1/meshv1connect"
	"github.com/collectiverpc/collective/internal/descriptor"
)

// Bounds of one pull. A peer that is slower, or says nothing for so long, is asked again later.
const (
	PullTimeout = 10 * time.Second
	PullSilence = 2 * time.Second
)

// errCrowded is that so much arrives from peers at this moment that this one has to wait.
var errCrowded = errors.New("too many bytes of schemas are arriving at once")

// pull asks a peer for the files that its catalog names in a namespace, those aside that are held already, and takes
// those that it can: one that is refused takes those with it that import it, and no other. A file is looked at as it
// arrives, so that a bomb costs one file. Nothing that is written in a schema, such as a rule, is ever evaluated.
func pull(
	ctx context.Context, peer *conn.Peer, hashes [][]byte, limits descriptor.Limits, arriving *budget,
	held func(hash []byte) *descriptorpb.FileDescriptorProto,
) (*Schema, error) {
	ctx, cancel := context.WithTimeout(ctx, PullTimeout)
	defer cancel()
	silence := time.AfterFunc(PullSilence, cancel)
	defer silence.Stop()
	p := &pulling{peer: peer, limits: limits, room: limits.WireBytes() + 2*(limits.Bytes+limits.Comments), arriving: arriving, silence: silence}
	defer func() { arriving.give(p.taken) }()
	wanted := hashes[:min(len(hashes), limits.Files)] // which need nothing of what comes after them
	if len(wanted) < len(hashes) {
		p.refuse("%w: %d files, at most %d are taken", descriptor.ErrTooLarge, len(hashes), limits.Files)
	}
	p.files = make([]*descriptorpb.FileDescriptorProto, len(wanted))
	for i, hash := range wanted {
		if p.files[i] = held(hash); p.files[i] == nil {
			p.missing = append(p.missing, wantedFile{i, hash})
		}
	}
	if err := p.fetch(ctx); err != nil {
		return nil, err
	}
	return p.schema(hashes), nil
}

// pulling is a pull under way.
// One goroutine has it. What goes wrong with a file is collected; only what goes wrong with the link ends it.
type pulling struct {
	peer    *conn.Peer
	limits  descriptor.Limits
	room    int                                 // bytes that may still arrive
	silence *time.Timer                         // ends it
	files   []*descriptorpb.FileDescriptorProto // in the order of the catalog; nil for one that is refused
	missing []wantedFile                        // the rest of them, in that order
	refused []error

	arriving *budget
	taken    int // of arriving
}

// hear notes a message of so many bytes.
func (p *pulling) hear(bytes int) error {
	p.silence.Reset(PullSilence)
	p.room -= bytes
	if !p.arriving.take(bytes) {
		return errCrowded
	}
	p.taken += bytes
	return nil
}

// wantedFile is a file that a peer announced.
type wantedFile struct {
	index int // in the catalog
	hash  []byte
}

// refuse notes why something that the peer announced is not taken. The error begins with one of package descriptor's.
func (p *pulling) refuse(format string, args ...any) {
	p.refused = append(p.refused, fmt.Errorf(format, args...))
}

// fetch gets the missing files. One that the peer cannot send is refused, and the others are asked for anew.
func (p *pulling) fetch(ctx context.Context) error {
	for len(p.missing) > 0 {
		err := p.fetchSome(ctx)
		switch {
		case err == nil:
			return nil
		case len(p.missing) > 0 && tooLargeToSend(err):
			p.refuse("%w: the file with the hash %x cannot be sent: %w", descriptor.ErrTooLarge, p.missing[0].hash, err)
			p.missing = p.missing[1:]
		default:
			return err
		}
	}
	return nil
}

// tooLargeToSend reports that a peer has a file for which its link has no message. It is one of a release that sent
// files in one message each; the link has the same code for too many calls.
func tooLargeToSend(err error) bool {
	return connect.CodeOf(err) == connect.CodeResourceExhausted && strings.Contains(err.Error(), "bytes")
}

// fetchSome gets missing files over the link, in their order, and takes them off the list.
func (p *pulling) fetchSome(ctx context.Context) error {
	req := new(meshv1.GetFilesRequest)
	for _, wanted := range p.missing {
		req.Hashes = append(req.Hashes, wanted.hash)
	}
	client := meshv1connect.NewSchemaServiceClient(connect.NewClient(Transport{p.peer}))
	stream, err := client.GetFiles(ctx, req)
	if err != nil {
		return err
	}
	defer stream.Close()
	for len(p.missing) > 0 {
		file, err := p.receiveFile(stream.Receive)
		switch {
		case errors.Is(err, io.EOF):
			p.refuse("%w: %d files of %d were sent", descriptor.ErrMalformed, len(req.GetHashes())-len(p.missing), len(req.GetHashes()))
			p.missing = nil
			return nil
		case err != nil:
			return err
		case p.room < 0:
			p.refuse("%w: %d more files come after too many bytes of files", descriptor.ErrTooLarge, len(p.missing))
			p.missing = nil
			return nil
		}
		p.open(p.missing[0], file)
		p.missing = p.missing[1:]
	}
	return nil
}

// receiveFile puts the messages of one file together. Of one that is too large all but the beginning is dropped.
func (p *pulling) receiveFile(receive func() (*meshv1.GetFilesResponse, error)) (*arrivedFile, error) {
	file := new(arrivedFile)
	var parts [][]byte
	for p.room >= 0 {
		res, err := receive()
		if err != nil {
			return nil, err
		}
		if err := p.hear(len(res.GetFile())); err != nil {
			return nil, err
		}
		file.size += len(res.GetFile())
		if len(parts) == 0 || file.size <= p.limits.WireBytes() {
			parts = append(parts, res.GetFile())
		}
		if !res.GetMore() {
			break
		}
	}
	if file.encoded = parts[0]; len(parts) > 1 && file.size <= p.limits.WireBytes() {
		file.encoded = slices.Concat(parts...)
	}
	return file, nil
}

// arrivedFile is a file as a peer sent it.
type arrivedFile struct {
	size    int
	encoded []byte // of one that is too large, the beginning
}

// open looks at a file that arrived.
func (p *pulling) open(wanted wantedFile, arrived *arrivedFile) {
	if most := p.limits.WireBytes(); arrived.size > most {
		p.refuse("%s: %w: %d bytes with its comments, at most %d are taken",
			nameOf(wanted, arrived.encoded), descriptor.ErrTooLarge, arrived.size, most)
		return
	}
	file, err := openFile(arrived.encoded, wanted.hash, p.limits)
	if err != nil {
		p.refuse("%s: %w", nameOf(wanted, arrived.encoded), err)
		return
	}
	p.files[wanted.index] = file
}

// nameOf is how people hear of a file that is refused.
func nameOf(wanted wantedFile, encoded []byte) string {
	if path := descriptor.PathOf(encoded); path != "" {
		return path
	}
	return fmt.Sprintf("the file with the hash %x", wanted.hash)
}

// openFile decodes a file that arrived, the cheapest checks first.
func openFile(encoded, hash []byte, limits descriptor.Limits) (*descriptorpb.FileDescriptorProto, error) {
	if got := sha256.Sum256(encoded); !slices.Equal(got[:], hash) {
		return nil, fmt.Errorf("%w: it has the hash %x, not %x as announced", descriptor.ErrMalformed, got, hash)
	}
	return descriptor.Open(encoded, limits)
}

// schema is what came of a pull.
// The hashes are those of the whole catalog, with what was refused: so the same is not asked for again.
func (p *pulling) schema(hashes [][]byte) *Schema {
	var files []*descriptorpb.FileDescriptorProto
	for _, file := range p.files {
		if file != nil {
			files = append(files, file)
		}
	}
	set, err := descriptor.Gather(files, p.limits, time.Now())
	s := &Schema{Hashes: hashes, Set: set, byHash: make(map[string]*descriptor.File, len(files))}
	for i, file := range p.files {
		if there, ok := set.Files[file.GetName()]; ok { // not the well-known ones
			s.byHash[string(hashes[i])] = there
		}
	}
	if refused := descriptor.Refuse(append(p.refused, err)...); refused != nil {
		s.Err = fmt.Errorf("%w: %w", ErrRefused, refused)
	}
	return s
}
