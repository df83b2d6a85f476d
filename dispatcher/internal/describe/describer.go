package describe

import (
	"maps"
	"slices"
	"sync"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/collectiverpc/collective/dispatcher/internal/hosted"
	"github.com/collectiverpc/collective/dispatcher/internal/peerschema"
	"github.com/collectiverpc/collective/dispatcher/internal/routing"
	"github.com/collectiverpc/collective/internal/descriptor"
)

// Config is what a Describer describes.
type Config struct {
	Self    string // the collector's id
	View    func() *routing.View
	Known   func() *peerschema.Known
	Own     func() Own
	Methods *hosted.Set
	Sources *descriptor.Sources // with comments; nil for none
	// PageBytes is how many bytes an answer may have with its comments.
	PageBytes int
}

// Describer describes what can be called through a collector now. Its methods are safe for concurrent use.
type Describer struct {
	config Config

	// What was described of one moment is made when it is asked for, and anew when what it describes has changed.
	mu   sync.Mutex
	view *routing.View
	own  Own
	made map[Filter]*SchemaSet
}

// New makes a Describer.
func New(config Config) *Describer { return &Describer{config: config} }

// Describe is what can be called now, as far as a filter lets it through.
func (d *Describer) Describe(filter Filter) *SchemaSet {
	view, own := d.config.View(), d.config.Own()
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.view != view || d.own != own {
		d.view, d.own, d.made = view, own, make(map[Filter]*SchemaSet)
	}
	made, ok := d.made[filter]
	if !ok {
		made = newSchemaSet(inputs{view, d.config.Known(), own, d.config.Sources, d.config.PageBytes}, filter)
		d.made[filter] = made
	}
	return made
}

// OwnFiles are those of everything that is registered here and of the collector's own services, dependencies first. Of two
// versions of one path, in two namespaces, the one of the namespace that sorts first is in the list.
func (d *Describer) OwnFiles() []protoreflect.FileDescriptor {
	var roots []protoreflect.FileDescriptor
	spaces := d.config.Methods.Snapshot().Methods
	for _, namespace := range slices.Sorted(maps.Keys(spaces)) {
		roots = append(roots, hosted.FilesOf(spaces[namespace])...)
	}
	return descriptor.WithExtensions(append(roots, d.config.Own().Files()...)...)
}
