package session

import (
	"context"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/collectiverpc/collective/access"
	"github.com/collectiverpc/collective/internal/audit"
	"github.com/collectiverpc/collective/internal/localsocket"
	"github.com/collectiverpc/collective/internal/origin"
	"github.com/collectiverpc/collective/mesh"
)

// Handler answers logins and logouts, gives the requests of sessions their session, and takes the secrets off all of them.
func (s *Sessions) Handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case mesh.LoginPath:
			s.login(w, r)
			return
		case mesh.LogoutPath:
			s.logout(w, r)
			return
		}
		if r.Header["Cookie"] != nil || r.Header[mesh.HeaderSession] != nil {
			r = s.identify(r)
		}
		next.ServeHTTP(w, r)
	})
}

// identify is a request without the secrets of a session, and with the session that they prove.
func (s *Sessions) identify(r *http.Request) *http.Request {
	found := s.of(r)
	clean := r.WithContext(r.Context())
	if found != nil {
		clean = r.WithContext(context.WithValue(r.Context(), contextKey{}, found))
	}
	clean.Header = r.Header.Clone()
	clean.Header.Del(mesh.HeaderSession)
	dropCookies(clean.Header)
	return clean
}

// of is the session of a request; nil if it has none or does not come from a page of its own origin.
func (s *Sessions) of(r *http.Request) *Session {
	key := r.Header.Get(mesh.HeaderSession)
	if key == "" || s.own.Check(r) != nil {
		return nil
	}
	for _, cookie := range r.Cookies() {
		if isOurs(cookie.Name) {
			if found := s.find(cookie.Value, key); found != nil {
				return found
			}
		}
	}
	return nil
}

// login exchanges a token for a session. Only GET does: what looks at a link beforehand may send HEAD.
func (s *Sessions) login(w http.ResponseWriter, r *http.Request) {
	header := w.Header()
	header.Set("Cache-Control", "no-store")
	header.Set("Referrer-Policy", "no-referrer")
	if r.Method != http.MethodGet {
		header.Set("Allow", http.MethodGet)
		http.Error(w, "a link to log in is opened with GET", http.StatusMethodNotAllowed)
		return
	}
	opened, cookie, key := s.redeem(r.URL.Query().Get(mesh.LoginToken))
	if opened == nil {
		s.refuse(w, r)
		return
	}
	s.record(audit.Login, r, opened.Principal, true, "the link was opened")
	set := s.cookie(r)
	set.Value = cookie.Reveal()
	http.SetCookie(w, set)
	header.Set("Location", page(r)+"#session="+key.Reveal()) // the fragment stays in the browser
	w.WriteHeader(http.StatusSeeOther)
}

// page is the page that a login leads to. It is relative, since a proxy may have taken a part of the path off.
func page(r *http.Request) string {
	query := r.URL.Query()
	at := "./" + url.PathEscape(query.Get(mesh.LoginPage))
	query.Del(mesh.LoginPage)
	query.Del(mesh.LoginToken)
	if len(query) > 0 {
		at += "?" + query.Encode()
	}
	return at
}

// refuse answers a token that is not good. A browser that is logged in comes to the console all the same.
func (s *Sessions) refuse(w http.ResponseWriter, r *http.Request) {
	for _, cookie := range r.Cookies() {
		if isOurs(cookie.Name) && s.has(cookie.Value) {
			w.Header().Set("Location", page(r))
			w.WriteHeader(http.StatusSeeOther)
			return
		}
	}
	status := http.StatusTooManyRequests
	if s.mayRefuse() {
		status = http.StatusForbidden
		s.record(audit.Login, r, access.Nobody, false, "the token is not that of a link that can be used")
	}
	http.Error(w, "refused: this link was used before, or is older than 10 minutes, or is of an earlier run of the collector; "+
		"`collector console`, run by the user of the collector, makes a new one", status)
}

// logout ends the session of a request, if it has one, and takes the cookie away.
func (s *Sessions) logout(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		http.Error(w, "a session is ended with POST", http.StatusMethodNotAllowed)
		return
	}
	if err := s.own.Check(r); err != nil {
		http.Error(w, "refused: a page of another site asks ("+err.Error()+")", http.StatusForbidden)
		return
	}
	if found := s.of(r); found != nil {
		for _, cookie := range r.Cookies() {
			if isOurs(cookie.Name) && s.find(cookie.Value, r.Header.Get(mesh.HeaderSession)) != nil {
				s.end(cookie.Value)
			}
		}
		s.record(audit.Logout, r, found.Principal, true, "the session was ended by its browser")
	}
	gone := s.cookie(r)
	gone.MaxAge = -1
	http.SetCookie(w, gone)
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusNoContent)
}

// The names of cookies begin so. With TLS browsers keep what begins with __Host- to this very host.
const (
	cookiePrefix = "collector-"
	hostPrefix   = "__Host-"
)

// isOurs goes by the name alone, of any collector of this host: which session a cookie is of, if any, its value says.
func isOurs(name string) bool {
	return strings.HasPrefix(strings.TrimPrefix(name, hostPrefix), cookiePrefix)
}

// cookie is that of a session, without a value. Collectors on other ports of the same host have others.
func (s *Sessions) cookie(r *http.Request) *http.Cookie {
	name := cookiePrefix + s.self
	if _, port, err := net.SplitHostPort(r.Host); err == nil {
		name += "-" + port
	}
	if r.TLS != nil {
		name = hostPrefix + name
	}
	return &http.Cookie{
		Name: name, Path: "/", HttpOnly: true, Secure: r.TLS != nil, SameSite: http.SameSiteStrictMode,
	}
}

// dropCookies takes the cookies of sessions off a request and leaves the others. Those of other collectors on this host go too:
// browsers send them to every port, and no handler and no peer has any use for them.
func dropCookies(header http.Header) {
	var others []string
	for _, line := range header["Cookie"] {
		var kept []string
		for part := range strings.SplitSeq(line, ";") {
			name, _, _ := strings.Cut(strings.TrimSpace(part), "=")
			if !isOurs(name) {
				kept = append(kept, strings.TrimSpace(part))
			}
		}
		if len(kept) > 0 {
			others = append(others, strings.Join(kept, "; "))
		}
	}
	header.Del("Cookie")
	if others != nil {
		header["Cookie"] = others
	}
}

// record tells the audit log, without the secrets: a token or a cookie in a log would be as good as the session until it ends.
func (s *Sessions) record(action string, r *http.Request, principal *access.Principal, allowed bool, reason string) {
	s.audit(access.Event{
		Time: time.Now(), Kind: principal.Kind, ID: principal.ID, Network: network(r), TLS: r.TLS != nil, Action: action, Allowed: allowed,
		Reason: reason, Detail: map[string]string{"from": r.RemoteAddr},
	})
}

// network is where a browser is, in the words of package access.
func network(r *http.Request) string {
	if _, ok := localsocket.PeerFromContext(r.Context()); ok {
		return access.NetworkSocket
	}
	if origin.Loopback(r.RemoteAddr) {
		return access.NetworkLoopback
	}
	return access.NetworkRemote
}
