// Package mesh is the vocabulary that collectors share with whoever calls them: the names of the headers that go with a
// call and its answer, and the reasons for which the mesh fails one. The command line and the console take both from here.
//
// A call needs none of it. One that names its namespace, or the collector that is to run it, says so in a header, and the
// answer says who ran it:
//
//	req.Header().Set(mesh.HeaderNamespace, "users")
//	…
//	ran := res.Header().Get(mesh.HeaderExecutor)
//
// A call that the mesh failed, rather than a handler, has a [Reason]: in the header [HeaderReason], in the detail
// collector.mesh.v1.CallFailure of its error and, where the answer is a Status, in its details. [Reasons] lists them all:
//
//	switch mesh.ReasonOf(err) {
//	case "": // a handler's own error, or none
//	case mesh.ReasonLinkLost: // it may have run: repeat it only if that does no harm
//	}
//
// A [Route] tells where a call went.
//
// The words are a contract: none changes its meaning or goes, and new ones may come.
package mesh
