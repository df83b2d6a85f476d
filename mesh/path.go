package mesh

// The paths of a console session, beside those of calls.
const (
	// LoginPath exchanges the one-time token in the query parameter [LoginToken] for a session: GET, answered by a redirect to
	// the console.
	LoginPath = "/collector.login"
	// LogoutPath ends the session of the request: POST.
	LogoutPath = "/collector.logout"
	// LoginToken is the query parameter of a link that logs in.
	LoginToken = "token"
)
