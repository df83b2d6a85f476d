// Package descriptorset answers sets of files by pages: [Page] makes the answer of MeshService.GetDescriptorSet, in messages
// that clients of any kind take. It is a leaf, for this collector's own files and for those of a peer.
package descriptorset
