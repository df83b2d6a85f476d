// Package codec reads and writes messages for every entrance of a collector.
//
//   - [New] are the codecs of connect for what is served over HTTP. They let a message through undecoded where its handler
//     asks for a *link.Raw, as forwarding does: between two entrances of the mesh a message is bytes.
//   - [JSON] is the JSON codec over types of its own: those of a namespace rather than those that are compiled in.
//   - [MaxDepth] bounds what any of them decodes, and what anybody else in the dispatcher does.
//
// It is a leaf: it knows no method and no call.
package codec
