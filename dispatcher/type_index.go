package dispatcher

import (
	"maps"
	"slices"

	"connectrpc.com/connect/v2"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoregistry"

	"github.com/collectiverpc/collective/dispatcher/internal/codec"
	"github.com/collectiverpc/collective/dispatcher/internal/hosted"
	"github.com/collectiverpc/collective/dispatcher/internal/peerschema"
	"github.com/collectiverpc/collective/internal/descriptor"
)

// The types of an Any and of extensions are found in the schemas of a namespace, as its methods are: two namespaces may
// have two versions of one type, and most types are not linked into this program at all.

// typeIndex finds the types of the namespaces of this collector.
type typeIndex struct {
	methods *hosted.Set
	known   func() *peerschema.Known // the schemas of the peers
}

// in are all types of a namespace that this collector knows: linked in, registered here, and of peers in the order
// of their ids. An empty namespace stands for all.
func (t *typeIndex) in(namespace string) descriptor.Resolver {
	chain := descriptor.Chain{protoregistry.GlobalTypes}
	current, known := t.methods.Snapshot(), t.known()
	for _, name := range slices.Sorted(maps.Keys(current.Methods)) {
		if namespace == "" || namespace == name {
			chain = append(chain, current.TypesIn(name))
		}
	}
	for source, p := range known.All() {
		if namespace == "" || namespace == source.Namespace {
			chain = append(chain, p.Set.Types())
		}
	}
	return chain
}

// legible gives the details of an error to Connect clients as JSON too, as connect does for types that are linked in.
func (t *typeIndex) legible(namespace string, info *connect.CallInfo, err error) error {
	failure, ok := err.(*connect.Error) //nolint:errorlint // what is around it does not leave
	if !ok || info.Protocol != connect.ProtocolNameConnect || !slices.ContainsFunc(failure.Details(), illegible) {
		return err
	}
	types := t.in(namespace)
	legible := connect.NewError(failure.Code(), failure.Message()).WithCause(err)
	for _, detail := range failure.Details() {
		if illegible(detail) {
			detail = withJSON(detail, types)
		}
		legible = legible.WithDetail(detail)
	}
	return legible
}

// illegible reports a detail that has no JSON, and of which connect can make none.
func illegible(detail *connect.ErrorDetail) bool {
	if len(detail.Debug) > 0 {
		return false
	}
	_, err := protoregistry.GlobalTypes.FindMessageByURL(detail.Type)
	return err != nil
}

// withJSON is a detail with its JSON, as far as its type is known.
func withJSON(detail *connect.ErrorDetail, types descriptor.Resolver) *connect.ErrorDetail {
	kind, err := types.FindMessageByURL(detail.Type)
	if err != nil {
		return detail
	}
	message := kind.New().Interface()
	if err := (proto.UnmarshalOptions{Resolver: types, RecursionLimit: codec.MaxDepth}).Unmarshal(detail.Value, message); err != nil {
		return detail
	}
	text, err := codec.JSON(types).MarshalOptions.Marshal(message)
	if err != nil {
		return detail
	}
	return &connect.ErrorDetail{Type: detail.Type, Value: detail.Value, Debug: text}
}
