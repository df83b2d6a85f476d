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
	// LoginPage is the query parameter with the last segment of the path of the page that the browser is sent to; empty for
	// the first page. Other parameters go along.
	LoginPage = "page"
)
