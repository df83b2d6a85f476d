package mesh

// HeaderPrefix begins the name of every header of the mesh. It is reserved: of the headers that come in with it only
// [HeaderNamespace], [HeaderTarget] and [HeaderSession] are read, and none is passed on to a handler.
const HeaderPrefix = "Collective-"

// The headers of a request. All are optional, and names are matched as HTTP does it, without regard to case.
const (
	// HeaderNamespace is the namespace in which a method is called. Without it the only one is meant in which somebody
	// serves the method; where there are more, the call is refused with [ReasonNamespaceAmbiguous], and where the request
	// names another one too, in its path or twice, with [ReasonNamespaceConflict].
	HeaderNamespace = "Collective-Namespace"
	// HeaderTarget is the id of the collector that is to run the call. It runs there or nowhere. Without it any collector
	// may run it that serves the method.
	HeaderTarget = "Collective-Target"
	// HeaderSession is the key of a console session, which goes with the session's cookie: one is worth nothing without the
	// other. Browsers send cookies to every port of a host, but keep the key for one. It is for the collector that was
	// asked, and goes nowhere else.
	HeaderSession = "Collective-Session"
)

// The headers of an answer, also of one that is an error.
const (
	// HeaderExecutor is the id of the collector that ran the call, or that refused to.
	HeaderExecutor = "Collective-Executor"
	// HeaderRoute is the ids of the collectors that the call visited, comma separated, the one that was asked first.
	HeaderRoute = "Collective-Route"
	// HeaderReason is the [Reason] for which the mesh failed the call. It is absent when a handler did, and when the
	// failure came after the headers of the answer had gone: then the error's details have it.
	HeaderReason = "Collective-Reason"
)
